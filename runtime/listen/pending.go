package listen

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

// defaultHandshakes is how many connections may be at their handshake on an
// address when nobody says so. Each holds up to maxHeader, and some KiB more.
const defaultHandshakes = 10_000

// pending are the connections of a listener that the HTTP server has and no
// limit of a route counts: they have not become anything else, or wait for a next
// request. Where there are too many, the one that was there first has to go: a
// handshake takes milliseconds, unless somebody makes it last.
//
// A connection whose request a handler is answering is not among them. It comes
// back when that is done.
type pending struct {
	log     *zap.Logger
	address string

	mu    sync.Mutex
	most  int
	order list.List // of net.Conn, the oldest first
	at    map[net.Conn]*list.Element
	busy  map[net.Conn]struct{} // those with a request that is being answered
	cut   int64                 // so far
}

func newPending(address string, log *zap.Logger) *pending {
	return &pending{log: log, address: address, at: map[net.Conn]*list.Element{}, busy: map[net.Conn]struct{}{}}
}

// bound makes most the number of connections from now on; 0 for the default.
func (p *pending) bound(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.most = most; most == 0 {
		p.most = defaultHandshakes
	}
}

// state is http.Server.ConnState.
func (p *pending) state(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		p.came(c)
	case http.StateHijacked, http.StateClosed:
		p.left(c)
	case http.StateIdle:
		if p.answered(c) {
			p.came(c)
		}
	case http.StateActive:
	}
}

// serves says that a handler answers a request that came by c.
func (p *pending) serves(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.at[c]; e != nil { // else it has just been cut
		p.order.Remove(e)
		delete(p.at, c)
		p.busy[c] = struct{}{}
	}
}

func (p *pending) answered(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, busy := p.busy[c]
	delete(p.busy, c)
	return busy
}

// await waits until no request is being answered any more, or for limit.
func (p *pending) await(limit time.Duration) {
	none := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.busy) == 0
	}
	for end := time.Now().Add(limit); !none() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

type connKey struct{}

// withConn is http.Server.ConnContext.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf is the connection that a request came by.
func connOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}

func (p *pending) came(c net.Conn) {
	p.mu.Lock()
	p.at[c] = p.order.PushBack(c)
	if p.order.Len() <= p.most {
		p.mu.Unlock()
		return
	}
	first := p.order.Remove(p.order.Front()).(net.Conn)
	delete(p.at, first)
	p.cut++
	cut, most := p.cut, p.most
	p.mu.Unlock()
	if secure, ok := first.(*tls.Conn); ok {
		first = secure.NetConn() // without saying goodbye, which would wait for the peer
	}
	_ = first.Close() // its handshake finds that out
	p.log.Warn("too many handshakes are under way, the oldest is cut: either clients are slow on purpose, or limits.max_handshakes is too low",
		zap.String("address", p.address), zap.Int("max_handshakes", most), zap.Int64("so_far", cut))
}

func (p *pending) left(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, c)
	if e := p.at[c]; e != nil {
		p.order.Remove(e)
		delete(p.at, c)
	}
}
