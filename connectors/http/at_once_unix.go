//go:build unix

package http

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// atOnce writes to a socket what it takes without waiting.
type atOnce struct {
	raw syscall.RawConn
	do  func(fd uintptr) bool // once, made once
	p   []byte
	n   int
	err error
}

// newAtOnce returns nil where a write may always wait.
func newAtOnce(nc net.Conn) *atOnce {
	socket, ok := nc.(syscall.Conn) // what TLS is not
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	w := &atOnce{raw: raw}
	w.do = w.once
	return w
}

func (w *atOnce) write(p []byte) (int, error) {
	w.p, w.n, w.err = p, 0, nil
	err := w.raw.Write(w.do)
	w.p = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

func (w *atOnce) once(fd uintptr) bool {
	n, err := syscall.Write(int(fd), w.p)
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Write(int(fd), w.p)
	}
	switch {
	case err == nil:
		w.n = n
	case !errors.Is(err, syscall.EAGAIN):
		w.err = os.NewSyscallError("write", err)
	}
	return true
}
