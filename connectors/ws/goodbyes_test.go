package ws

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// Goodbyes are spread: no connection is closed before its turn, and each is
// answered until then. Meanwhile nobody else is let in.
func TestGoodbyesAreSpread(t *testing.T) {
	for spread := time.Second; ; spread *= 2 { // a machine that is too busy to answer gets more time
		last := spreadGoodbyes(t, spread)
		if last >= spread/2 {
			return
		}
		if spread > patience/4 {
			t.Fatalf("the last answer came after %v of %v", last, spread)
		}
	}
}

// spreadGoodbyes says when the last answer came, after the end had begun.
func spreadGoodbyes(t *testing.T, spread time.Duration) (last time.Duration) {
	t.Helper()
	const clients = 10
	f := startWith(t, flowtest.Options{Farewell: flow.Farewell{Spread: spread, Code: flow.ServiceRestart, Reason: "moving", Message: "see you"}}, nil)
	silent := f.rawDial() // answers no goodbye, so that the server is there until it goes
	var begin time.Time
	begun, first := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var closed []time.Duration // after the beginning
	var answered [clients]time.Time
	var joined, gone sync.WaitGroup
	joined.Add(clients)
	for i := range clients {
		c := f.dial()
		write(t, c, websocket.MessageText, "hello")
		expect(t, c, websocket.MessageText, "hello")
		gone.Go(func() {
			joined.Done()
			<-begun
			heard := ""
			for {
				if err := c.Write(context.Background(), websocket.MessageText, []byte("still there?")); err != nil {
					t.Error(err)
				}
				_, p, err := c.Read(context.Background())
				if err == nil && string(p) == "still there?" {
					answered[i] = time.Now()
					continue
				}
				if err == nil {
					heard = string(p)
					_, _, err = c.Read(context.Background())
				}
				mu.Lock()
				defer mu.Unlock()
				if closed == nil {
					close(first)
				}
				closed = append(closed, time.Since(begin))
				var ce websocket.CloseError
				if !errors.As(err, &ce) || ce.Code != flow.ServiceRestart || ce.Reason != "moving" || heard != "see you" {
					t.Errorf("heard %q, then %v", heard, err)
				}
				return
			}
		})
	}
	joined.Wait()
	begin = time.Now()
	close(begun)
	f.end()
	<-first
	_, r, err := websocket.Dial(t.Context(), f.url, nil)
	if r == nil || r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("a late handshake was answered %v, %v", r, err)
	}
	gone.Wait()
	_ = silent.Close()
	f.wait()
	slices.Sort(closed)
	for i, after := range closed {
		if turn := spread * time.Duration(i) / (clients + 1); after < turn {
			t.Errorf("close %d came after %v, before its turn at %v", i, after, turn)
		}
	}
	slices.SortFunc(answered[:], time.Time.Compare)
	return answered[clients-1].Sub(begin)
}
