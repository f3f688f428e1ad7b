package ws

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// A proxy that is told to end while the server behind is still at work: every
// client has its answer before the goodbye.
func TestAnswersComeBeforeTheGoodbye(t *testing.T) {
	b := &behind{addr: flowtest.FreeAddress(t)}
	l, err := net.Listen("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	const clients = 20
	var asked, answered sync.WaitGroup
	asked.Add(clients)
	told := make(chan struct{})
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // a test
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		kind, question, err := c.Read(context.Background())
		asked.Done()
		<-told
		<-time.After(10 * time.Millisecond) // of work
		if err == nil {
			err = c.Write(context.Background(), kind, question)
		}
		if err != nil {
			t.Error(err)
		}
		_, _, _ = c.Read(context.Background())
	})}}
	s.Start()
	t.Cleanup(s.Close)
	p := startProxy(t, b, nil)
	for i := range clients {
		c := p.dial()
		answered.Go(func() {
			if err := ask(context.Background(), c, fmt.Sprint("question ", i)); err != nil {
				t.Error(err)
			}
			if _, _, err := c.Read(context.Background()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
				t.Error(err)
			}
		})
	}
	asked.Wait()
	close(told)
	p.stop()
	answered.Wait()
}
