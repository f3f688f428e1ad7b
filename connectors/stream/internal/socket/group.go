package socket

import (
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/sweep"
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

// Group is the connections of a connector, which it looks after.
type Group struct {
	Options
	*sweep.Group[*Conn]
	hurried atomic.Bool // see Hurry
}

// NewGroup returns a group without connections, which will be held on the terms
// of o.
func NewGroup(o Options) *Group {
	g := &Group{Options: o}
	g.Group = sweep.New(g.pace, (*Conn).swept)
	return g
}

// Add takes a connection in, before it is used. Each is removed once.
func (g *Group) Add(c *Conn) {
	c.active.Store(unseen)
	g.Group.Add(c)
}

// Hurry says that the group is about to end: no write may take longer than
// CloseTimeout from now on.
func (g *Group) Hurry() {
	g.hurried.Store(true)
	g.Repace()
}

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

// swept is what the sweep does for each connection.
func (c *Conn) swept(now, pace int64) {
	c.stuck(now, int64(c.group.writeLimit()))
	c.idles(now, pace)
}
