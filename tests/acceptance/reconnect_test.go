package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/flowtest"
)

// upstream is the server of a ws_client flow. It can be killed, and started
// again at the same address.
type upstream struct {
	t    *testing.T
	addr string
	// serve talks on one connection until it ends.
	serve func(ctx context.Context, c *websocket.Conn)

	http *http.Server
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (u *upstream) start() {
	u.t.Helper()
	var l net.Listener
	// A process that is being started at this moment may hold the old
	// listener until it has got rid of what it inherits.
	await(u.t, "the address is free again", func() (free bool) {
		var err error
		l, err = net.Listen("tcp", u.addr)
		return err == nil
	})
	u.open = map[net.Conn]bool{}
	u.http = &http.Server{
		ReadHeaderTimeout: patience,
		ConnState: func(c net.Conn, s http.ConnState) {
			u.mu.Lock()
			defer u.mu.Unlock()
			switch s {
			case http.StateNew:
				u.open[c] = true
			case http.StateClosed:
				delete(u.open, c)
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer c.CloseNow()
			u.serve(context.Background(), c)
		}),
	}
	go func() { _ = u.http.Serve(l) }()
}

// kill ends the listener and all connections without a word: with a reset, or
// as a process does that ends.
func (u *upstream) kill(reset bool) {
	_ = u.http.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.open {
		if reset {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		_ = c.Close()
	}
}

// The server goes away twenty times: a client that only listens notices when
// it reads, one that sends when it writes, and both are back.
func TestReconnect(t *testing.T) {
	const client = `
connector "ws_client" "feed" {
  url            = %q
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
  reconnect {
    interval     = "5ms"
    max_interval = "50ms"
  }
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connect "show" {
  from = connector.feed
  to   = connector.console
}
`
	const ticks = `
connector "metronome" "clock" {
  interval = "2ms"
}

connect "tick" {
  from = connector.clock
  to   = connector.feed
}
`
	for _, c := range []struct{ name, flow string }{
		{"only listens", client},
		{"sends all the time", client + ticks},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var round, heard atomic.Int64
			u := &upstream{t: t, addr: flowtest.FreeAddress(t)}
			u.serve = func(ctx context.Context, c *websocket.Conn) {
				hello := fmt.Sprintf("{\"round\":%d}\n", round.Load())
				if c.Write(ctx, websocket.MessageText, []byte(hello)) != nil {
					return
				}
				for last := 0; ; heard.Add(1) {
					_, message, err := c.Read(ctx)
					if err != nil {
						return
					}
					var event struct{ Tick int }
					if err := json.Unmarshal(message, &event); err != nil || event.Tick <= last {
						t.Errorf("the server got %q after tick %d", message, last)
					}
					last = event.Tick
				}
			}
			u.start()
			f := start(t, "", fmt.Sprintf(c.flow, "ws://"+u.addr))
			for n := range 20 {
				hello := fmt.Sprintf("{\"round\":%d}\n", n)
				if err := f.Stdout.Wait(withPatience(t), func(text string) bool { return strings.Contains(text, hello) }); err != nil {
					t.Fatalf("round %d: the client did not hear from the server: %v", n, err)
				}
				if strings.Contains(c.flow, "clock") {
					before := heard.Load()
					await(t, "the server hears from the client", func() bool { return heard.Load() > before+5 })
				}
				u.kill(n%2 == 0)
				round.Add(1)
				u.start()
			}
			u.kill(false)
		})
	}
}
