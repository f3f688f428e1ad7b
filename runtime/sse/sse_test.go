package sse

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func TestSpelling(t *testing.T) {
	for _, test := range []struct {
		event Event
		want  string
	}{
		{Event{}, "data: \n\n"},
		{Event{Data: []byte(`{"a":1}`)}, "data: {\"a\":1}\n\n"},
		{Event{Data: []byte("a\nb\r\nc\rd")}, "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{Event{Data: []byte("a\n\nid: 7\n")}, "data: a\ndata: \ndata: id: 7\ndata: \n\n"},
		{Event{Name: "n", ID: "7", Data: []byte("x")}, "id: 7\nevent: n\ndata: x\n\n"},
		{Event{Name: "n\ndata: y", ID: "7\r8", Data: []byte("x")}, "id: 7\nevent: n\ndata: x\n\n"},
	} {
		var s Writer
		s.Add(test.event)
		if got := string(s.pending); got != test.want {
			t.Errorf("%+v: %q, want %q", test.event, got, test.want)
		}
	}
	var s Writer
	s.Retry(1500 * time.Millisecond)
	s.Comment("a\nb")
	if got := string(s.pending); got != "retry: 1500\n\n: a\n\n" {
		t.Errorf("%q", got)
	}
}

// patience is longer than anything takes on a busy machine.
const patience = time.Minute

// serve answers one request with what h writes, within timeout each.
func serve(t *testing.T, timeout time.Duration, h func(*Writer, *http.Request)) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := Begin(w, timeout)
		if err != nil {
			t.Error(err)
			return
		}
		h(out, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestTheTimeoutsOfTheServerDoNotEndAStream(t *testing.T) {
	const limit = time.Second
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, end := http.NewResponseController(w), time.Now().Add(limit) // as the server would set it when the head is read
		if err := errors.Join(conn.SetReadDeadline(end), conn.SetWriteDeadline(end)); err != nil {
			t.Error(err)
		}
		out, err := Begin(w, patience)
		if err != nil {
			t.Error(err)
			return
		}
		for range 3 {
			select {
			case <-time.After(limit / 2): // the server would have given up
			case <-r.Context().Done():
				t.Error("the request is over")
			}
			out.Comment("still here")
			if err := out.Flush(); err != nil {
				t.Error(err)
			}
		}
		out.Add(Event{Data: []byte("the end")})
		_ = out.Flush()
	}))
	defer s.Close()
	answer, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if want := strings.Repeat(": still here\n\n", 3) + "data: the end\n\n"; err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
	if h := answer.Header; h.Get("Content-Type") != ContentType || h.Get("Cache-Control") != "no-cache" || h.Get("X-Accel-Buffering") != "no" {
		t.Errorf("the head is %v", h)
	}
}

func TestAClientThatTakesNothingIsCut(t *testing.T) {
	ended := make(chan error, 1)
	s := serve(t, time.Second, func(out *Writer, _ *http.Request) {
		line := bytes.Repeat([]byte("x"), 64<<10)
		for {
			out.Add(Event{Data: line})
			if err := out.Flush(); err != nil {
				ended <- err
				return
			}
		}
	})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheEndOfTheClientEndsTheRequest(t *testing.T) {
	ended := make(chan struct{})
	s := serve(t, patience, func(_ *Writer, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	})
	ctx, leave := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	_ = answer.Body.Close()
	<-ended
}

func TestWhatCannotStreamSaysSo(t *testing.T) {
	w := httptest.NewRecorder()
	if _, err := Begin(w, time.Second); !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("%v", err)
	}
	if w.Flushed {
		t.Error("it has answered")
	}
}
