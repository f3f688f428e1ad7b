package ws

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// The server goes away again and again, at any byte. What its socket took is
// not sent again, and everything else is: each message arrives exactly once,
// and in order.
func TestWhatTheSocketDidNotTakeIsSentAgain(t *testing.T) {
	connector, host := clientOf(t, "ws://peer.test", func(c *ClientConfig) { c.Queue.MaxEvents, c.Queue.Confirm = 7, "write" })
	const n = 2000
	sent := make(chan error, 1)
	go func() {
		for i := range n {
			if err := host.Send(context.Background(), fmt.Sprint(i, " ", strings.Repeat("x", rand.IntN(300)))); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	var got []string
	for len(got) < n {
		here, there := net.Pipe() // without a buffer: what is written is read
		cl := connector.(*client)
		s := &session{client: cl, host: host, conn: socket.New(here, nil, cl.group)}
		done := make(chan error, 1)
		go func() { done <- s.run(context.Background(), flow.Peer{}) }()
		var all []byte
		_ = there.SetDeadline(time.Now().Add(patience))
		for cut := rand.IntN(10_000); len(all) < cut && len(got)+countFrames(all) < n; {
			p := make([]byte, min(1+rand.IntN(500), cut-len(all)))
			k, err := there.Read(p)
			if err != nil {
				t.Fatalf("after %d messages: %v", len(got), err)
			}
			all = append(all, p[:k]...)
		}
		_ = there.Close()
		<-done
		for payload, rest, ok := unmasked(all); ok; payload, rest, ok = unmasked(all) {
			number, _, _ := strings.Cut(string(payload), " ")
			got = append(got, number)
			all = rest
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	for i, number := range got {
		if number != fmt.Sprint(i) {
			t.Fatalf("message %d came as number %s", i, number)
		}
	}
	s := host.Table.Stats()
	if s.EventsOut != n || s.Lost+s.Dropped+s.Failed+s.Queued != 0 {
		t.Errorf("of %d: %+v", n, s)
	}
}

func countFrames(p []byte) (n int) {
	for _, rest, ok := unmasked(p); ok; _, rest, ok = unmasked(rest) {
		n++
	}
	return n
}
