package socket

import (
	"time"

	"github.com/flowrun/flowrun/runtime/duplex"
	"github.com/flowrun/flowrun/runtime/flow"
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

// Group is the connections of a connector, which it looks after. Each is added
// before it is used, and removed once.
type Group struct {
	Options
	*duplex.Group[*Conn]
}

// NewGroup returns a group without connections, which will be held on the terms
// of o.
func NewGroup(o Options) *Group {
	return &Group{o, duplex.NewGroup(o.WriteTimeout, o.CloseTimeout, (*Conn).swept, o.IdleTimeout)}
}

// swept is what the sweep does for each connection.
func (c *Conn) swept(now, pace int64) {
	if c.IsStuck(now, c.group.WriteLimit(c.Parted() != nil)) {
		c.cutWrite()
	}
	if c.IsIdle(now, pace, c.group.IdleTimeout) {
		c.Part(Farewell{Cause: errIdle, Why: flow.EndedIdle})
	}
}
