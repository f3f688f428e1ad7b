package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/coder/websocket"
)

// baseline is the server that flowrun is compared with: what one writes by
// hand with coder/websocket when it is to be fast. The background context
// spares the library a timer per message. It serves until it is killed.
func baseline() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "baseline listens on ws://%s\n", l.Addr())
	return http.Serve(l, http.HandlerFunc(echo)) //nolint:gosec // on loopback, for our own load generator
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
