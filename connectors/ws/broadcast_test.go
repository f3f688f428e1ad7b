package ws

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// A client that does not read keeps nobody waiting: it gets what its socket
// and its queue hold, then it is disconnected. The others get everything, in
// order and once.
func TestBroadcastWithAClientThatDoesNotRead(t *testing.T) {
	f := start(t, func(c *ServerConfig) {
		c.Queue.MaxEvents = 64
		c.CloseTimeout = setting.Duration(50 * time.Millisecond) // with who does not read
	})
	const clients, n = 10, 992
	stalled := f.rawDial()
	defer stalled.Close()
	conns := make([]*websocket.Conn, clients)
	for i := range conns {
		conns[i] = f.dial()
	}
	f.host.WaitOpen(clients+1, nil)
	in := f.host.Table.In(flow.Broadcast, false)
	pad := strings.Repeat("x", 10_000) // more than sockets hold
	read := make(chan struct{}, clients*n)
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() {
			for i := range n {
				_, data, err := c.Read(t.Context())
				if err != nil || !strings.HasPrefix(string(data), fmt.Sprint(i, " ")) {
					t.Errorf("message %d: %.10q, %v", i, data, err)
					return
				}
				read <- struct{}{}
			}
		})
	}
	for i := range n {
		var e flow.Event
		e.SetPayload(flow.TextOf(fmt.Sprint(i, " ", pad)))
		if err := in.Send(t.Context(), []flow.Event{e}); err != nil {
			t.Fatal(err)
		}
		if i%32 == 31 { // those who read must be given a chance to
			for range 32 * clients {
				<-read
			}
		}
	}
	wg.Wait()
	flowtest.Until(t, "the client that does not read is parted from", func() bool { return f.host.Closed() == 1 })
	if s := f.host.Table.Stats(); s.EventsOut < clients*n || s.Lost == 0 {
		t.Errorf("%+v", s)
	}
}
