package socket

import (
	"errors"

	"github.com/flowrun/flowrun/runtime/nonblock"
)

// findRaw sees to it that a socket is read without holding a buffer while nothing
// comes, and that replies leave when nothing more is to be read.
func (c *Conn) findRaw() {
	if c.raw = nonblock.Of(c.nc); c.raw != nil {
		c.readRaw = c.tryRead
	}
}

// tryRead is called when the socket may be readable; false waits for that.
func (c *Conn) tryRead(fd uintptr) bool {
	if c.looking && c.leave.looks == 0 {
		c.err = errDry
		return true
	}
	c.room()
	n, err := nonblock.Read(fd, c.buf[:])
	switch {
	case err == nil:
		c.n = n
		c.leave.looks--
	case !errors.Is(err, nonblock.ErrAgain):
		c.err = err
	case c.looking:
		c.err = errDry
	default:
		c.idle()
		c.err = c.failure()
		return c.err != nil
	}
	return true
}

// hasRoom reports whether the socket would take something now; hasNews, whether
// something has come that the reader has not had a turn to read. Where that cannot
// be told, it is not so.
func (c *Conn) hasRoom() bool { return nonblock.HasRoom(c.nc) }
func (c *Conn) hasNews() bool { return nonblock.HasNews(c.nc) }
