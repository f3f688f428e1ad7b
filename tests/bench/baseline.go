package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/coder/websocket"
)

// baselineFlag makes this process the baseline.
const baselineFlag = "baseline"

// baseline is the server that flowrun is compared with: what one writes by
// hand with coder/websocket when it is to be fast. The background context
// spares the library a timer per message. At /all it sends each message to all
// connections; what comes in at /in it transcodes and sends to those at /out;
// elsewhere it sends back to its own. It serves until it is killed.
func baseline(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "baseline listens on ws://%s, process %d\n", l.Addr(), os.Getpid())
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	mux.Handle("/all", &hub{open: map[*websocket.Conn]bool{}})
	bgp := &transcoder{open: map[*websocket.Conn]bool{}}
	mux.HandleFunc(feedIn, bgp.speak)
	mux.HandleFunc(feedOut, bgp.listen)
	return http.Serve(l, mux) //nolint:gosec // on loopback, for our own load generator
}

func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the library has answered
	}
	defer c.CloseNow() //nolint:errcheck // closed by the peer as a rule
	ctx := context.Background()
	for {
		kind, message, err := c.Read(ctx)
		if err != nil {
			return
		}
		if err := c.Write(ctx, kind, message); err != nil {
			return
		}
	}
}

// hub sends what one connection says to all.
type hub struct {
	mu   sync.Mutex
	open map[*websocket.Conn]bool
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the library has answered
	}
	defer c.CloseNow() //nolint:errcheck // closed by the peer as a rule
	h.mu.Lock()
	h.open[c] = true
	h.mu.Unlock()
	ctx := context.Background()
	for {
		kind, message, err := c.Read(ctx)
		h.mu.Lock()
		if err != nil {
			delete(h.open, c)
			h.mu.Unlock()
			return
		}
		for other := range h.open {
			_ = other.Write(ctx, kind, message) // its own reader sees the end
		}
		h.mu.Unlock()
	}
}
