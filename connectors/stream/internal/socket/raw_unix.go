//go:build unix

package socket

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// findRaw sees to it that a socket is read without holding a buffer while nothing
// comes, and that replies leave when nothing more is to be read.
func (c *Conn) findRaw() {
	if socket, ok := c.nc.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			c.raw, c.readRaw = raw, c.tryRead
		}
	}
}

// tryRead is called when the socket may be readable; false waits for that.
func (c *Conn) tryRead(fd uintptr) bool {
	if c.looking && c.leave.looks == 0 {
		c.err = errDry
		return true
	}
	c.room()
	n, err := syscall.Read(int(fd), c.buf[:])
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), c.buf[:])
	}
	switch {
	case n > 0:
		c.n = n
		c.leave.looks--
		return true
	case errors.Is(err, syscall.EAGAIN):
		if c.looking {
			c.err = errDry
			return true
		}
		c.idle()
		c.err = c.failure()
		return c.err != nil
	case err == nil:
		c.err = io.EOF
	default:
		c.err = os.NewSyscallError("read", err)
	}
	return true
}

// hasRoom reports whether the socket would take something now; hasNews, whether
// something has come that the reader has not had a turn to read. Where that cannot
// be asked, it is not so.
func (c *Conn) hasRoom() bool { return c.ready(unix.POLLOUT) }
func (c *Conn) hasNews() bool { return c.ready(unix.POLLIN) }

//go:noinline
func (c *Conn) ready(what int16) (is bool) {
	nc := c.nc
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	socket, ok := nc.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // fails where the socket is closed
		ask := []unix.PollFd{{Fd: int32(fd), Events: what}} //nolint:gosec // the system's numbers are small
		n, err := unix.Poll(ask, 0)
		is = err == nil && n > 0 && ask[0].Revents&what != 0
	})
	return is
}

// atOnce writes to a socket what it takes without waiting.
type atOnce struct {
	raw syscall.RawConn
	do  func(fd uintptr) bool
	p   []byte
	n   int
	err error
}

func newAtOnce(raw syscall.RawConn) *atOnce {
	a := &atOnce{raw: raw}
	a.do = a.writeOnce
	return a
}

func (a *atOnce) write(p []byte) (int, error) {
	a.p, a.n, a.err = p, 0, nil
	err := a.raw.Write(a.do)
	a.p = nil
	if err == nil {
		err = a.err
	}
	return a.n, err
}

func (a *atOnce) writeOnce(fd uintptr) bool {
	n, err := syscall.Write(int(fd), a.p)
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Write(int(fd), a.p)
	}
	switch {
	case err == nil:
		a.n = n
	case !errors.Is(err, syscall.EAGAIN):
		a.err = os.NewSyscallError("write", err)
	}
	return true
}
