package duplex

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/nonblock"
)

// ErrDry says that nothing more had come on the last look.
var ErrDry = errors.New("nothing to read")

// Read reads what has come into the protocol's room or, when that is nothing, what
// comes next. On the last look it does not wait, and fails with ErrDry.
func (c *Conn) Read() (n int, err error) {
	c.n, c.err = 0, nil
	if err := c.raw.Read(c.readRaw); err != nil {
		return 0, err
	}
	return c.n, c.err
}

// tryRead is called when the socket may be readable; false waits for that.
func (c *Conn) tryRead(fd uintptr) bool {
	if c.part.looking && c.part.looks == 0 {
		c.err = ErrDry
		return true
	}
	n, err := nonblock.Read(fd, c.protocol.Room())
	switch {
	case err == nil:
		c.n = n
		c.part.looks--
	case !errors.Is(err, nonblock.ErrAgain):
		c.err = err
	case c.part.looking:
		c.err = ErrDry
	default:
		c.Idle()
		c.err = c.Failure()
		return c.err != nil
	}
	return true
}

// Idle is called by the reader before it waits, by itself or in Read: what has been
// collected leaves, and buffers are given back.
func (c *Conn) Idle() {
	_ = c.Flush(context.Background()) // asked for by Failure
	c.waiting.Store(true)
	c.protocol.Release()
}

// Unread reports whether bytes have come that the reader has not read. It cannot be told
// of TLS.
func (c *Conn) Unread() bool { return nonblock.HasBytes(c.Socket) }

// Heard notes that the reader has read something.
func (c *Conn) Heard() {
	c.moves()
	c.waiting.Store(false)
}
