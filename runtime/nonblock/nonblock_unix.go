//go:build unix

package nonblock

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Of returns the socket of a connection; nil where it is none that can be read
// without waiting.
func Of(nc net.Conn) syscall.RawConn {
	if socket, ok := nc.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// Read reads what has come, in a call of the RawConn's Read. It fails with ErrAgain
// where that is nothing, with io.EOF where nothing will come any more.
func Read(fd uintptr, p []byte) (n int, err error) {
	n, err = syscall.Read(int(fd), p)
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), p)
	}
	switch {
	case n > 0:
		return n, nil
	case errors.Is(err, syscall.EAGAIN):
		return 0, ErrAgain
	case err == nil:
		return 0, io.EOF
	}
	return 0, os.NewSyscallError("read", err)
}

// Insist writes as much of p as the socket takes at once, although a deadline for writes
// has passed: that has nothing to wait for. Nobody else may be writing. Less than all
// of p is no error.
func Insist(raw syscall.RawConn, p []byte) (n int, err error) {
	if failed := raw.Control(func(fd uintptr) { n, err = write(fd, p) }); failed != nil {
		return 0, failed
	}
	return n, err
}

func write(fd uintptr, p []byte) (n int, err error) {
	n, err = syscall.Write(int(fd), p)
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Write(int(fd), p)
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, syscall.EAGAIN):
		return 0, nil
	}
	return 0, os.NewSyscallError("write", err)
}

// HasRoom reports whether the socket of a connection, which may be one of TLS, would
// take something now. Where that cannot be told, it is not so.
func HasRoom(nc net.Conn) bool { return ready(nc, unix.POLLOUT) }

// HasNews reports whether something has come at the socket of a connection, which may
// be one of TLS, that nobody has read. Where that cannot be told, it is not so.
func HasNews(nc net.Conn) bool { return ready(nc, unix.POLLIN) }

// HasBytes is HasNews for bytes alone, not for the end: it cannot be told of TLS.
func HasBytes(nc net.Conn) (has bool) {
	raw := Of(nc)
	if raw == nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // fails where the socket is closed
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		has = err == nil && n > 0
	})
	return has
}

//go:noinline // keeps what it needs off the stack of every reader
func ready(nc net.Conn, what int16) (is bool) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	raw := Of(nc)
	if raw == nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // fails where the socket is closed
		ask := []unix.PollFd{{Fd: int32(fd), Events: what}} //nolint:gosec // the system's numbers are small
		n, err := unix.Poll(ask, 0)
		is = err == nil && n > 0 && ask[0].Revents&what != 0
	})
	return is
}
