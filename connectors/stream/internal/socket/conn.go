package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/sweep"
)

// readAhead is how much one read takes from the socket.
const readAhead = 64 << 10

var buffers = sync.Pool{New: func() any { return new([readAhead]byte) }}

// Owner is the side of a connection that is not the network's: whom its bytes go
// to. It is called by the goroutine in Receive.
type Owner interface {
	// Deliver takes what has come. The bytes are valid until it returns.
	Deliver(p []byte)
	// Finish is told that nothing more will come.
	Finish()
	// Settle waits until nothing more can come for the peer, which has sent all, or
	// which this side parts from in peace.
	Settle()
	// Leave is called before the connection's last word, maybe more than once.
	Leave()
	// Drain is called before this side ends: it waits, for a bounded time, until
	// what is queued for the peer is written.
	Drain()
}

// Conn is a connection. One goroutine reads it, from Receive to HangUp; Write,
// Flush, TryWrite, Part, Disconnect and Abandon may be called from others.
type Conn struct {
	out
	sweep.Seat                 // in its group, whose it is
	raw        syscall.RawConn // nil where only blocking calls can read: TLS, and systems that are no Unix
	readRaw    func(fd uintptr) bool
	owner      Owner
	leave      leave
	waiting    atomic.Bool // the reader has read all that has come
	spent      int64       // see spend

	buf     *[readAhead]byte // while there is something to read
	n       int              // of it that readRaw has filled
	err     error            // of readRaw
	looking bool             // readRaw must not wait
}

// errDry says that there is nothing to read at the moment.
var errDry = errors.New("nothing to read")

// ErrPanicked is in the error of Receive when an Owner panicked.
var ErrPanicked = errors.New("the flow panicked on a message")

// New returns the connection on nc, which it takes over.
func New(nc net.Conn, g *Group) *Conn {
	c := &Conn{}
	c.nc, c.group = nc, g
	if c.findRaw(); c.raw == nil {
		c.leave.quiet = quiet
	}
	return c
}

// Receive reads until the connection ends, gives owner what comes, and says why it
// ended; see [Conn.Cause]. It is called once.
func (c *Conn) Receive(owner Owner) (err error) {
	c.owner = owner
	defer c.rescue(&err)
	for {
		err := c.readMore()
		switch {
		case err == nil:
			c.moves()
			c.waiting.Store(false)
			owner.Deliver(c.buf[:c.n])
			c.lookOn()
			c.slow(c.n)
		case errors.Is(err, io.EOF):
			return c.peerEnds()
		case errors.Is(err, errDry), errors.Is(err, os.ErrDeadlineExceeded):
			if err := c.woken(errors.Is(err, errDry)); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// rescue is deferred: a panic costs the connection whose message caused it,
// and no other.
//
//go:noinline
func (c *Conn) rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v\n%s", ErrPanicked, p, debug.Stack())
	}
	c.release()
}

// readMore reads what has come, or when there is nothing, what comes next. Before
// it waits, replies are sent, and the buffer is given back.
func (c *Conn) readMore() error {
	c.n = 0
	if c.raw == nil {
		return c.readBlocking()
	}
	c.err = nil
	if err := c.raw.Read(c.readRaw); err != nil {
		return err
	}
	return c.err
}

// readBlocking reads from a connection that cannot say whether a read would block.
// Of TLS, one byte is waited for, without a buffer; then what has been deciphered
// with it is there for the taking, by reads that must not wait.
func (c *Conn) readBlocking() error {
	c.idle()
	if _, ok := c.nc.(*tls.Conn); !ok {
		c.room()
		n, err := c.nc.Read(c.buf[:])
		if c.n = n; n > 0 {
			return nil // an error comes again
		}
		return err
	}
	var first [1]byte
	if _, err := io.ReadFull(c.nc, first[:]); err != nil {
		return err
	}
	c.room()
	c.buf[0], c.n = first[0], 1
	_ = c.nc.SetReadDeadline(past)
	for c.n < len(c.buf) {
		n, err := c.nc.Read(c.buf[c.n:])
		if c.n += n; err != nil {
			break // it comes again, unless it is the deadline
		}
	}
	return c.setReadDeadline(c.leave.until)
}

// room sees to it that there is a buffer.
func (c *Conn) room() {
	if c.buf == nil {
		c.buf = buffers.Get().(*[readAhead]byte)
	}
}

// idle is called before the connection waits.
func (c *Conn) idle() {
	_ = c.Flush(context.Background()) // asked for by failure
	c.waiting.Store(true)
	c.release()
}

func (c *Conn) release() {
	if c.buf != nil {
		buffers.Put(c.buf)
		c.buf = nil
	}
}

// silent reports whether the reader has read all that has come.
func (c *Conn) silent() bool { return c.waiting.Load() && !c.hasNews() }

// Write implements flow.Writer. A frame about which the flow wrote so is the
// last.
func (c *Conn) Write(_ context.Context, frames []flow.Frame, corked bool) error {
	last, err := c.write(frames, corked)
	if last != nil {
		c.Part(*last)
	}
	return err
}

// TryWrite implements flow.Trier.
func (c *Conn) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	last, taken, sent, err := c.tryWrite(c.raw, frames)
	if last != nil {
		c.Part(*last)
	}
	return taken, sent, err
}
