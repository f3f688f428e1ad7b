package listen

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// headlessInterval is from one warning about headless connections to the next.
const headlessInterval = time.Minute

// tcpConn is a TCP connection, or one behind a header of the PROXY protocol.
type tcpConn interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// watchBeginning returns conn with an eye on its first bytes: a connection that
// begins with a WebSocket frame goes to found and never reaches the HTTP server. It
// costs an ordinary connection a comparison when something is read from it.
func watchBeginning(conn net.Conn, found func(conn net.Conn, first []byte)) net.Conn {
	if tcp, ok := conn.(tcpConn); ok {
		return &beginning{tcpConn: tcp, found: found}
	}
	return conn
}

// beginning is a connection of which the first bytes show what it is. It is read
// by one goroutine until then.
type beginning struct {
	tcpConn
	found func(net.Conn, []byte) // nil when it is known
	taken atomic.Bool            // it is not the HTTP server's any more
}

// Read implements net.Conn.
func (c *beginning) Read(p []byte) (int, error) {
	n, err := c.tcpConn.Read(p)
	if c.found == nil || n == 0 {
		return n, err
	}
	found := c.found
	c.found = nil
	if !beginsFrame(p[:n]) {
		return n, err
	}
	c.taken.Store(true)
	found(c.tcpConn, append([]byte(nil), p[:n]...))
	return 0, io.EOF // which net/http does not answer
}

// Close implements net.Conn.
func (c *beginning) Close() error {
	if c.taken.Load() {
		return nil
	}
	return c.tcpConn.Close()
}

// beginsFrame reports whether p begins with a masked text or binary frame, or the
// first fragment of one (RFC 6455 section 5.2). No method of HTTP does.
func beginsFrame(p []byte) bool {
	opcode := p[0] &^ 0x80
	return (opcode == 1 || opcode == 2) && (len(p) == 1 || p[1]&0x80 != 0)
}

// headless is called with a connection that begins with a frame: it is given to
// who wants it, or closed.
func (l *listener) headless(conn net.Conn, first []byte) {
	_ = conn.SetDeadline(time.Time{}) // of the request; reading shows what is wrong with the connection
	if !l.set.draining.Load() {
		for _, h := range l.handlers() {
			if a, ok := h.(flow.Adopter); ok && a.Adopt(conn, first) {
				return
			}
		}
	}
	defer conn.Close() //nolint:errcheck // what comes is lost either way; who sees the end finds the log complete
	n, now := l.headlessCount.Add(1), time.Now().UnixNano()
	if last := l.headlessTold.Load(); now-last >= int64(headlessInterval) && l.headlessTold.CompareAndSwap(last, now) {
		l.set.log.Warn("a connection begins with a WebSocket frame instead of a handshake, and what it sends is lost: Fluent Bit does so when its connection was closed. adopt_headless = true lets a ws_server take them",
			zap.String("address", l.address), zap.Stringer("peer", conn.RemoteAddr()), zap.Int64("so_far", n))
	}
}
