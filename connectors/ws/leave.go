package ws

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Why a connection ends that did nothing wrong in the protocol's eyes.
var (
	errNotUTF8   = errors.New("a text message is not UTF-8")
	errFragments = errors.New("a message is split into more than max_fragments frames")
	errAbandoned = errors.New("the time for a graceful end is over")
	// errCut takes the place of io.EOF, which the library would take for the
	// end of a message that was cut off in its middle.
	errCut     = errors.New("the peer cut the connection off")
	errNoClose = errors.New("the peer did not answer the close frame within close_timeout")
)

// farewell is what a close frame says.
type farewell struct {
	code   websocket.StatusCode
	reason string
}

// leave is how a connection is ended by another goroutine than its own: the
// reason is put down, and the reader is woken by a deadline.
type leave struct {
	why       atomic.Pointer[farewell]
	abandoned atomic.Bool
	violation error         // what the reader itself found
	flush     func()        // waits for the link's queue
	timeout   time.Duration // of the close handshake, and of what is still to be written
	looks     int           // reads that are left on the last look
	looked    bool
	said      bool // our close frame has been sent
}

// lastLooks bounds how much is still read and answered from a peer that never
// stops sending.
const lastLooks = 64

// part asks the connection to end: it answers what has already arrived, then
// says goodbye. It returns at once and may be called by anyone; the first
// reason counts.
func (c *conn) part(why farewell) {
	if c.leave.why.CompareAndSwap(nil, &why) {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(c.leave.timeout))
		_ = c.Conn.SetReadDeadline(past)
	}
}

// abandon cuts the connection off.
func (c *conn) abandon() {
	c.leave.abandoned.Store(true)
	_ = c.Conn.SetDeadline(past)
}

// disconnect is flow.Disconnecter's.
func (c *conn) disconnect(reason error) {
	why := farewell{websocket.StatusInvalidFramePayloadData, "message cannot be decoded"}
	if errors.Is(reason, flow.ErrSlow) {
		why = farewell{websocket.StatusTryAgainLater, "slow consumer"}
	}
	c.part(why)
}

// woken decides what the reader does when its deadline has passed, or when it
// found nothing on its last look: nil is to read on.
func (c *conn) woken(dry bool) error {
	l := &c.leave
	why := l.why.Load()
	switch {
	case l.abandoned.Load():
		return errAbandoned
	case c.failure() != nil:
		return c.failure()
	case l.said:
		return errNoClose
	case why == nil:
		return os.ErrDeadlineExceeded // of the handshake
	case !dry && !l.looked && c.theirs == 0:
		return c.look()
	}
	c.looking = false
	l.said = true
	l.flush()
	c.sendClose(int(why.code), why.reason)
	return c.setReadDeadline(l.timeout)
}

// look begins the last look: what has already arrived is answered before the
// goodbye.
func (c *conn) look() error {
	c.leave.looks, c.leave.looked = lastLooks, true
	if c.raw == nil {
		return c.setReadDeadline(quiet)
	}
	c.looking = true
	return c.Conn.SetReadDeadline(time.Time{})
}

// quiet is how long a connection must be silent to count as read to its end,
// where that cannot be asked.
const quiet = 20 * time.Millisecond

func (c *conn) setReadDeadline(d time.Duration) error {
	err := c.Conn.SetReadDeadline(time.Now().Add(d))
	if c.leave.abandoned.Load() { // it was set between
		return errAbandoned
	}
	return err
}

// linger waits, after a close frame that the peer did not ask for, until it
// has closed too: closing a socket that has unread bytes would reset it, and
// the peer would never see the close frame.
func (c *conn) linger() {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	if c.setReadDeadline(c.leave.timeout) != nil {
		return
	}
	t := turns.Get().(*turn)
	defer turns.Put(t)
	for {
		if _, err := c.Conn.Read(t.buf[:]); err != nil {
			return
		}
	}
}

// closeReason describes the end of a connection for the log, and the close
// code that it ended with; 0 when there was none.
func closeReason(err error) (code int, reason error) {
	var ce websocket.CloseError
	switch {
	case errors.As(err, &ce):
		return int(ce.Code), nil
	case errors.Is(err, net.ErrClosed):
		return 0, nil
	}
	return 0, err
}

// flushLink returns what waits for a link's queue, for a bounded time.
func flushLink(l flow.Link, timeout time.Duration) func() {
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		_ = l.Flush(ctx) // what could not be written is counted by the link
	}
}

// cutOff reports whether the peer ended the connection without a close frame.
func cutOff(err error) bool {
	return errors.Is(err, errCut) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
