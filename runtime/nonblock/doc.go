// Package nonblock reads and writes sockets without waiting, which net.Conn does not
// offer: so that a connection holds no buffer while nothing comes, and who writes to
// it never waits for its peer.
//
// It works on systems that are Unix, and for connections that are sockets
// themselves: not for TLS. Where it does not, [Of] finds nothing, and the caller is
// left with calls that wait.
package nonblock

import (
	"errors"
	"syscall"
)

// ErrAgain says that a read had to wait.
var ErrAgain = errors.New("nothing has come")

// Writer writes to a socket what it takes without waiting. One goroutine at a time
// uses it. It allocates when it is made, and never again.
type Writer struct {
	raw syscall.RawConn
	do  func(fd uintptr) bool
	p   []byte
	n   int
	err error
}

// NewWriter returns the writer of what Of has returned.
func NewWriter(raw syscall.RawConn) *Writer {
	w := &Writer{raw: raw}
	w.do = w.once
	return w
}

// Write writes as much of p as there is room for. It is no io.Writer: less than all of
// p is no error.
func (w *Writer) Write(p []byte) (n int, err error) {
	w.p, w.n, w.err = p, 0, nil
	err = w.raw.Write(w.do)
	w.p = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

func (w *Writer) once(fd uintptr) bool {
	w.n, w.err = write(fd, w.p)
	return true
}
