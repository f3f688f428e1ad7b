package socket

import (
	"sync"
	"sync/atomic"
	"time"
)

// Options are the terms on which the connections of a connector are held.
type Options struct {
	Type         string        // of the connector, under which a flow asks to close a connection; "" where it cannot
	Client       bool          // this side has connected
	WriteTimeout time.Duration // of one write
	CloseTimeout time.Duration // how long the peer may take to end when this side has
	IdleTimeout  time.Duration // how long nothing may pass; 0 for ever
	Rate         Rate          // of what the peer sends
}

// Group is the connections of a connector, and the sweep that looks after them:
// one goroutine, while there are any.
type Group struct {
	Options
	born    time.Time
	clock   atomic.Int64 // nanoseconds since born, at the last sweep; never 0
	hurried atomic.Bool  // see Hurry
	wake    chan struct{}

	mu    sync.Mutex
	conns []*Conn       // each knows its place
	over  chan struct{} // closed when the last one has gone; nil when there is none
}

// NewGroup returns a group without connections, which will be held on the terms
// of o.
func NewGroup(o Options) *Group {
	g := &Group{Options: o, born: time.Now(), wake: make(chan struct{}, 1)}
	g.clock.Store(1)
	return g
}

// Add takes a connection in, before it is used. Each is removed once.
func (g *Group) Add(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.place = len(g.conns)
	g.conns = append(g.conns, c)
	if g.over == nil {
		g.clock.Store(g.now())
		g.over = make(chan struct{})
		go g.sweep(g.over)
	}
	c.active.Store(unseen)
}

// Remove forgets a connection, and says how many are left.
func (g *Group) Remove(c *Conn) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := len(g.conns) - 1
	g.conns[c.place], g.conns[last].place = g.conns[last], c.place
	g.conns[last] = nil
	g.conns = g.conns[:last]
	if last == 0 {
		close(g.over)
		g.conns, g.over = nil, nil
	}
	return last
}

// All appends the present connections to dst.
func (g *Group) All(dst []*Conn) []*Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append(dst, g.conns...)
}

// Hurry says that the group is about to end: no write may take longer than
// CloseTimeout from now on.
func (g *Group) Hurry() {
	g.hurried.Store(true)
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *Group) now() int64 { return int64(time.Since(g.born)) + 1 }

// writeLimit is how long a write may take at present.
func (g *Group) writeLimit() time.Duration {
	if g.hurried.Load() {
		return min(g.WriteTimeout, g.CloseTimeout)
	}
	return g.WriteTimeout
}

// pace is the time from one sweep to the next: a part of what is to be noticed.
func (g *Group) pace() time.Duration {
	pace := min(time.Second, g.writeLimit()/4)
	if g.IdleTimeout > 0 {
		pace = min(pace, g.IdleTimeout/4)
	}
	return max(pace, 10*time.Millisecond)
}

// sweep looks after all connections at its pace.
func (g *Group) sweep(over chan struct{}) {
	var all []*Conn
	tick := time.NewTimer(g.pace())
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-g.wake:
		case <-tick.C:
			now, pace, limit := g.now(), int64(g.pace()), int64(g.writeLimit())
			g.clock.Store(now)
			all = g.All(all[:0])
			for _, c := range all {
				c.stuck(now, limit)
				c.idles(now, pace)
			}
			clear(all)
		}
		tick.Reset(g.pace())
	}
}
