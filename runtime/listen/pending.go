package listen

import (
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
// A connection whose request a handler is answering is not counted. It is again
// when that is done.
type pending struct {
	log     *zap.Logger
	address string

	mu      sync.Mutex
	most    int
	guests  map[net.Conn]*guest // all that the HTTP server has
	queue   guest               // of those that are counted: a ring, the first one behind it
	counted int
	busy    int
	cut     int64 // so far
}

// guest is a connection that the HTTP server has.
type guest struct {
	conn         net.Conn
	busy         bool
	before, next *guest // while it is counted
}

func newPending(address string, log *zap.Logger) *pending {
	p := &pending{log: log, address: address, guests: map[net.Conn]*guest{}}
	p.queue.before, p.queue.next = &p.queue, &p.queue
	return p
}

// bound makes most the number of connections from now on; 0 for the default.
func (p *pending) bound(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.most = most; most == 0 {
		p.most = defaultHandshakes
	}
}

type guestKey struct{}

// enter is http.Server.ConnContext, which is called before anything else.
func (p *pending) enter(ctx context.Context, c net.Conn) context.Context {
	g := &guest{conn: c}
	p.mu.Lock()
	p.guests[c] = g
	p.mu.Unlock()
	return context.WithValue(ctx, guestKey{}, g)
}

// state is http.Server.ConnState.
func (p *pending) state(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew, http.StateIdle:
		p.waits(c)
	case http.StateHijacked, http.StateClosed:
		p.left(c)
	case http.StateActive: // reads a request, or the handler has it: see serves
	}
}

// serves says that a handler answers r.
func (p *pending) serves(r *http.Request) {
	g, ok := r.Context().Value(guestKey{}).(*guest)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.uncount(g) { // else it has just been cut
		g.busy = true
		p.busy++
	}
}

// waits counts a connection that has come, or has got an answer.
func (p *pending) waits(c net.Conn) {
	p.mu.Lock()
	g := p.guests[c]
	p.idle(g)
	if g.next == nil {
		p.count(g)
	}
	if p.counted <= p.most {
		p.mu.Unlock()
		return
	}
	first := p.queue.next
	p.uncount(first)
	p.cut++
	cut, most := p.cut, p.most
	p.mu.Unlock()
	closeNow(first.conn) // its handshake finds that out
	p.log.Warn("too many handshakes are under way, the oldest is cut: either clients are slow on purpose, or limits.max_handshakes is too low",
		zap.String("address", p.address), zap.Int("max_handshakes", most), zap.Int64("so_far", cut))
}

// closeNow closes a connection without saying goodbye, which would wait for the peer.
func closeNow(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_ = conn.Close() // nothing was sent
}

func (p *pending) left(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.guests[c]; g != nil {
		p.idle(g)
		p.uncount(g)
		delete(p.guests, c)
	}
}

// idle says that no handler has a request of a connection. The caller holds mu.
func (p *pending) idle(g *guest) {
	if g.busy {
		g.busy = false
		p.busy--
	}
}

// count puts a connection behind the others. The caller holds mu.
func (p *pending) count(g *guest) {
	g.before, g.next = p.queue.before, &p.queue
	g.before.next, g.next.before = g, g
	p.counted++
}

// uncount takes it out, and reports whether it was there. The caller holds mu.
func (p *pending) uncount(g *guest) bool {
	if g.next == nil {
		return false
	}
	g.before.next, g.next.before = g.next, g.before
	g.before, g.next = nil, nil
	p.counted--
	return true
}

// await waits until no request is being answered any more, or for limit.
func (p *pending) await(limit time.Duration) {
	p.until(limit, func() bool { return p.busy == 0 })
}

// awaitRequests waits until all connections have sent a request, or for limit.
func (p *pending) awaitRequests(limit time.Duration) {
	p.until(limit, func() bool { return p.counted == 0 })
}

func (p *pending) until(limit time.Duration, done func() bool) {
	is := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return done()
	}
	for end := time.Now().Add(limit); !is() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}
