package socket

import (
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Options are the terms on which the connections of a connector are held.
type Options struct {
	Client       bool          // this side has dialled: it masks, and refuses masks
	MaxMessage   int64         // bytes; a longer message ends the connection
	MaxFragments int           // frames of one message; more end the connection
	AnyText      bool          // text messages need not be UTF-8
	WriteTimeout time.Duration // of one write
	CloseTimeout time.Duration // of the close handshake, and of what is still to be written then
	// Swept says that there is a sweep, which ends writes that take longer
	// than WriteTimeout; otherwise each write has a deadline.
	Swept bool
}

// Group is what the connections of a connector have in common.
type Group struct {
	Options
	clock atomic.Int64 // unix nanoseconds, moved on by Tick
}

// NewGroup returns the group of connections that are held on the terms of o.
func NewGroup(o Options) *Group {
	g := &Group{Options: o}
	g.Tick(time.Now())
	return g
}

// Tick tells the connections what time it is. A sweep calls it before it looks
// at them.
func (g *Group) Tick(now time.Time) { g.clock.Store(now.UnixNano()) }

// Owner is the side of a connection that is not the network's: whom its
// messages go to. It is called by the goroutine in Receive.
type Owner interface {
	// Deliver takes whole messages, in order. Their bytes are valid until it
	// returns.
	Deliver(frames []flow.Frame)
	// Settle is called before a goodbye that says so (Farewell): it waits until
	// nothing more can come for the peer.
	Settle()
	// Drain is called before any goodbye: it waits, for a bounded time, until
	// what is queued for the peer is written.
	Drain()
}
