package admin

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// crowd are the connections on which nothing is being served. Where there are too
// many, the one that has been there longest has to go: who holds connections without
// asking for anything, or asks slowly, keeps no probe out.
type crowd struct {
	mu      sync.Mutex
	waiting list.List // of net.Conn, the longest first
	all     map[net.Conn]*list.Element
}

type connKey struct{}

// admit is http.Server.ConnContext.
func (c *crowd) admit(ctx context.Context, conn net.Conn) context.Context {
	c.enter(conn)
	return context.WithValue(ctx, connKey{}, conn)
}

func (c *crowd) enter(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[net.Conn]*list.Element{}
	}
	c.all[conn] = c.waiting.PushBack(conn)
	if c.waiting.Len() <= maxWaiting {
		return
	}
	first := c.waiting.Remove(c.waiting.Front()).(net.Conn)
	delete(c.all, first)
	if secure, ok := first.(*tls.Conn); ok {
		first = secure.NetConn() // without saying goodbye, which would wait for the peer
	}
	_ = first.Close() // the server finds it closed
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.all[conn]; at != nil {
		c.waiting.Remove(at)
		delete(c.all, conn)
	}
}

// state is http.Server.ConnState. A connection becomes idle when it has been
// answered, and closed or another one's when it has not.
func (c *crowd) state(conn net.Conn, s http.ConnState) {
	switch s { //nolint:exhaustive // what it was before, it is still
	case http.StateIdle:
		c.leave(conn)
		c.enter(conn)
	case http.StateClosed, http.StateHijacked:
		c.leave(conn)
	}
}

// serve takes the connection of a request out until it has been answered.
func (c *crowd) serve(ctx context.Context) {
	if conn, ok := ctx.Value(connKey{}).(net.Conn); ok {
		c.leave(conn)
	}
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}
