package duplex

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/nonblock"
	"github.com/flowrun/flowrun/runtime/sweep"
)

// Protocol is what a connection carries.
type Protocol interface {
	// Room returns where to read to, by the reader: some bytes at least.
	Room() []byte
	// Release gives back what is not needed while the reader waits.
	Release()
	// Put appends a message to the connection's Page, by who has its Pen. last says
	// that the flow has asked the connection to end behind it.
	Put(f *flow.Frame) (last bool, err error)
	// PartBehind ends the connection as the flow has asked for with f, which has been
	// written last.
	PartBehind(f *flow.Frame)
}

// Conn is the common part of a connection. One goroutine reads; Write, TryWrite,
// Flush, Rouse and Abandon may be called from others, and the methods of the sweep
// are called by its Group.
type Conn struct {
	sweep.Seat // in its group, whose it is
	Socket     net.Conn
	// Pen is for who writes, or calls a method of which that is said.
	Pen sync.Mutex

	protocol Protocol
	raw      syscall.RawConn // nil where only calls that may wait can be made: TLS, and systems that are no Unix
	readRaw  func(fd uintptr) bool
	n        int   // bytes that readRaw has read
	err      error // of readRaw

	page     *Page            // while there is something on it
	at       *nonblock.Writer // made when it is first needed
	shut     bool             // nothing more is taken: it is sealed, dropped or broken
	broken   error            // why nothing can be written any more
	given    int              // frames of the last Write
	passed   int              // of them, those that the socket has taken
	dropped  bool             // see Drop
	dropping atomic.Bool

	part part

	// writing is the time, on the group's clock, at which the sweep first saw the
	// write that is going on; unseen until then, 0 when there is none.
	writing atomic.Int64
	// active is the time, on the group's clock, at which the sweep first saw that
	// something had passed; unseen until then.
	active  atomic.Int64
	waiting atomic.Bool // the reader has read all that has come
}

// unseen stands for a time; none is negative.
const unseen = -1

// past is a deadline that has passed: it wakes whoever blocks on a socket.
var past = time.Unix(1, 0)

// Begin takes a socket over. It is called before anything else.
func (c *Conn) Begin(socket net.Conn, p Protocol) {
	c.Socket, c.protocol = socket, p
	c.active.Store(unseen)
	if c.raw = nonblock.Of(socket); c.raw != nil {
		c.readRaw = c.tryRead
	} else {
		c.part.quiet = quiet
	}
}

// Blocks reports whether only calls that may wait can be made: of Read, SendNow and
// Drop there is no use.
func (c *Conn) Blocks() bool { return c.raw == nil }

// ErrPanicked is in the error of a reader that Rescue has saved.
var ErrPanicked = errors.New("the flow panicked on a message")

// Rescue is deferred by a reader: a panic costs the connection whose message caused
// it, and no other.
func Rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v\n%s", ErrPanicked, p, debug.Stack())
	}
}
