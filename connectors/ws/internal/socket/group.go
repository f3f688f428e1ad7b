package socket

import (
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/deflate"
	"github.com/flowrun/flowrun/runtime/duplex"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Options are the terms on which the connections of a connector are held.
type Options struct {
	Type         string        // of the connector, under which a flow asks to close a connection; "" where it cannot
	Client       bool          // this side has dialled: it masks, and refuses masks
	MaxMessage   int64         // bytes; a longer message ends the connection
	MaxFragments int           // frames of one message; more end the connection
	AnyText      bool          // text messages need not be UTF-8
	WriteTimeout time.Duration // of one write
	CloseTimeout time.Duration // of the close handshake, and of what is still to be written then
	PingInterval time.Duration // from one ping to the next; 0 for none
	PingTimeout  time.Duration // how long after a ping something must come
	IdleTimeout  time.Duration // how long nothing may come and no message leave; 0 for ever
	AppPing      AppPing
	Rate         Rate // of what the peer sends
	Compression  deflate.Options
	Subprotocols []string // that this side speaks, the best first
}

// Group is the connections of a connector, which it looks after.
type Group struct {
	Options
	*duplex.Group[*Conn]
}

// NewGroup returns a group without connections, which will be held on the terms
// of o.
func NewGroup(o Options) *Group {
	return &Group{o, duplex.NewGroup(o.WriteTimeout, o.CloseTimeout, (*Conn).swept, o.PingInterval, o.PingTimeout, o.AppPing.Interval, o.IdleTimeout)}
}

// Add takes a connection in, before it is used. Each is removed once.
func (g *Group) Add(c *Conn) {
	c.joined(g.Now())
	g.Group.Add(c)
}

// swept is what the sweep does for each connection.
func (c *Conn) swept(now, pace int64) {
	if c.IsStuck(now, c.group.WriteLimit(c.Parted() != nil)) {
		c.cutWrite()
	}
	c.keepAlive(now, pace)
}

// Owner is the side of a connection that is not the network's: whom its
// messages go to. It is called by the goroutine in Receive.
type Owner interface {
	// Deliver takes whole messages, in order. Their bytes are valid until it
	// returns.
	Deliver(frames []flow.Frame)
	// Answered is told how long the answer to a ping took.
	Answered(took time.Duration)
	// Settle is called before a goodbye that says so (Farewell): it waits until
	// nothing more can come for the peer.
	Settle()
	// Leave is called before the connection's last word, a close frame or its end,
	// maybe more than once.
	Leave()
	// Drain is called before any goodbye: it waits, for a bounded time, until
	// what is queued for the peer is written.
	Drain()
}
