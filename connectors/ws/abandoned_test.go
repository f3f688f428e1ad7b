package ws

import (
	"context"
	"errors"
	"testing"

	"github.com/coder/websocket"
)

// Where the time for goodbyes is over when they begin, clients are cut, and nobody is
// told goodbye.
func TestWhoIsAbandonedIsToldNothing(t *testing.T) {
	for range 30 {
		f := start(t, nil)
		var clients []*websocket.Conn
		for range 10 {
			c := f.dial()
			write(t, c, websocket.MessageText, "hello")
			expect(t, c, websocket.MessageText, "hello")
			clients = append(clients, c)
		}
		f.host.Drop()
		f.end()
		for _, c := range clients {
			_, _, err := c.Read(context.Background())
			if ce := (websocket.CloseError{}); err == nil || errors.As(err, &ce) {
				t.Errorf("told %v", err)
			}
		}
		f.wait()
	}
}
