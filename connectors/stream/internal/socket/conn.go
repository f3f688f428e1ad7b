package socket

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/duplex"
	"github.com/flowrun/flowrun/runtime/flow"
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
	duplex.Conn
	group *Group
	owner Owner
	why   atomic.Pointer[Farewell] // it is to end
	spent int64                    // see slow
	spoke bool                     // something has been written; who has the Pen looks
	buf   *[readAhead]byte         // while there is something to read
}

// New returns the connection on nc, which it takes over.
func New(nc net.Conn, g *Group) *Conn {
	c := &Conn{group: g}
	c.Begin(nc, c)
	return c
}

// Receive reads until the connection ends, gives owner what comes, and says why it
// ended; see [Conn.Cause]. It is called once.
func (c *Conn) Receive(owner Owner) (err error) {
	c.owner = owner
	defer c.Release()
	defer duplex.Rescue(&err)
	for {
		n, err := c.read()
		switch {
		case err == nil:
			c.Heard()
			owner.Deliver(c.buf[:n])
			c.LookOn()
			c.slow(n)
		case errors.Is(err, io.EOF):
			return c.peerEnds()
		case errors.Is(err, duplex.ErrDry), errors.Is(err, os.ErrDeadlineExceeded):
			if err := c.woken(errors.Is(err, duplex.ErrDry)); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

func (c *Conn) read() (n int, err error) {
	if c.Blocks() {
		return c.readBlocking()
	}
	return c.Read()
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// readBlocking reads from a connection that cannot say whether a read would block.
// Of TLS, one byte is waited for, without a buffer; then what has been deciphered
// with it is there for the taking, by reads that must not wait.
func (c *Conn) readBlocking() (n int, err error) {
	c.Idle()
	if _, ok := c.Socket.(*tls.Conn); !ok {
		if n, err = c.Socket.Read(c.Room()); n > 0 {
			return n, nil // an error comes again
		}
		return 0, err
	}
	var first [1]byte
	if _, err := io.ReadFull(c.Socket, first[:]); err != nil {
		return 0, err
	}
	room := c.Room()
	room[0], n = first[0], 1
	_ = c.Socket.SetReadDeadline(past)
	for err == nil && n < len(room) { // what goes wrong comes again, unless it is the deadline
		var more int
		more, err = c.Socket.Read(room[n:])
		n += more
	}
	return n, c.SetReadDeadline(c.ReadDeadline())
}

// Room implements duplex.Protocol.
func (c *Conn) Room() []byte {
	if c.buf == nil {
		c.buf = buffers.Get().(*[readAhead]byte)
	}
	return c.buf[:]
}

// Release implements duplex.Protocol.
func (c *Conn) Release() {
	if c.buf != nil {
		buffers.Put(c.buf)
		c.buf = nil
	}
}

// Put implements duplex.Protocol.
func (c *Conn) Put(f *flow.Frame) (last bool, err error) {
	page, err := c.Page()
	if err != nil {
		return false, err
	}
	page.Buf = append(page.Buf, f.Data...)
	c.spoke = true
	page.End()
	if f.Meta == nil {
		return false, nil
	}
	if _, last = c.group.asksToClose(f); last {
		c.Seal()
	}
	return last, nil
}

// PartBehind implements duplex.Protocol.
func (c *Conn) PartBehind(f *flow.Frame) {
	why, _ := c.group.asksToClose(f)
	c.Part(why)
}
