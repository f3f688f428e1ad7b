package client

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// What has been asked is waited for at the end, until there is no time any more.
func TestTheEndOfAClient(t *testing.T) {
	come, go_ := make(chan struct{}, 10), make(chan struct{})
	url := behind(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		come <- struct{}{}
		select {
		case <-go_:
			good(w, r)
		case <-r.Context().Done():
		}
	})
	a := startClient(t, url, nil)
	sent := make(chan error, 1)
	go func() { sent <- a.send(text("x")) }()
	<-come
	ended := make(chan error, 1)
	go func() { ended <- a.run.Stop() }()
	close(go_)
	if err := errors.Join(<-sent, <-ended); err != nil || len(a.host.Out.Events()) != 1 {
		t.Errorf("%v, %d answers", err, len(a.host.Out.Events()))
	}

	go_ = make(chan struct{})
	b := startClient(t, url, nil)
	go func() { sent <- b.send(text("x")) }()
	<-come
	b.host.Drop()
	if err := errors.Join(<-sent, b.run.Stop()); err != nil {
		t.Error(err)
	}
	if got := b.problems(); len(got) != 1 || !strings.Contains(got[0], "the connector has ended") {
		t.Errorf("problems: %q", got)
	}
}
