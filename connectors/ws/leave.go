package ws

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Why a connection ends, where the library does not say it.
var (
	errNotUTF8   = errors.New("a text message is not UTF-8")
	errFragments = errors.New("a message is split into more than max_fragments frames")
	errTooLong   = errors.New("a message is longer than max_message")
	errMasked    = errors.New("a server must not mask its frames")
	errPanicked  = errors.New("the flow panicked on a message")
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
	settle    func()        // before a goodbye of the server's own accord: waits until nothing more comes
	flush     func()        // waits for the link's queue
	timeout   time.Duration // of the close handshake, and of what is still to be written
	quiet     time.Duration // see look
	answers   time.Duration // how long answers are waited for at most
	until     time.Time     // they are
	looks     int           // reads that are left on the last look
	looked    bool
	said      bool // our close frame has been sent
}

// lastLooks bounds how much is still read and answered from a peer that never
// stops sending.
const lastLooks = 64

// quiet is how long a peer must be silent to count as read to its end, where
// that cannot be asked of its socket.
const quiet = 20 * time.Millisecond

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
	if l.settle != nil && why.code == websocket.StatusGoingAway {
		c.idle()
		_ = c.Conn.SetWriteDeadline(time.Time{})
		if l.settle(); l.abandoned.Load() {
			return errAbandoned
		}
		_ = c.Conn.SetWriteDeadline(time.Now().Add(l.timeout))
	}
	l.said = true
	l.flush()
	c.sendClose(int(why.code), why.reason)
	return c.setReadDeadline(l.timeout)
}

// look begins the last look: what has already arrived is answered before the
// goodbye. Where a connection cannot say that nothing is there, or must wait
// for what may still come, it has been silent for a while.
func (c *conn) look() error {
	l := &c.leave
	l.looks, l.looked = lastLooks, true
	if l.quiet > 0 {
		l.until = time.Now().Add(l.answers)
		return c.setReadDeadline(l.quiet)
	}
	c.looking = true
	return c.Conn.SetReadDeadline(time.Time{})
}

// lookOn is called after messages were delivered: when answers are waited for,
// others may follow.
func (c *conn) lookOn() {
	if l := &c.leave; l.looked && !l.said && time.Now().Before(l.until) {
		_ = c.setReadDeadline(l.quiet)
	}
}

func (c *conn) setReadDeadline(d time.Duration) error {
	err := c.Conn.SetReadDeadline(time.Now().Add(d))
	if c.leave.abandoned.Load() { // it was set between
		return errAbandoned
	}
	return err
}

// hangUp closes the socket. TLS would first say goodbye in its own way, and
// wait some seconds for a peer that does not read.
func (c *conn) hangUp() {
	if t, ok := c.Conn.(*tls.Conn); ok && (c.failure() != nil || c.leave.abandoned.Load()) {
		_ = t.NetConn().Close()
		return
	}
	_ = c.Conn.Close()
}

// linger waits, after a close frame that the peer did not ask for, until it
// has closed too: closing a socket that has unread bytes would reset it, and
// the peer would never see the close frame.
func (c *conn) linger() {
	if c.failure() != nil {
		return
	}
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

// goodbye ends a connection that ended with err: a peer that did something
// wrong is told, and it is seen to that the answer arrives.
func (c *conn) goodbye(err error) {
	var ce websocket.CloseError
	switch {
	case errors.As(err, &ce), errors.Is(err, errAbandoned), errors.Is(err, errNoClose), c.failure() != nil, cutOff(err):
		_ = c.Flush(context.Background())
		return
	case errors.Is(err, errNotUTF8):
		c.sendClose(int(websocket.StatusInvalidFramePayloadData), errNotUTF8.Error())
	case errors.Is(err, errFragments):
		c.sendClose(int(websocket.StatusPolicyViolation), errFragments.Error())
	case tooLong(err):
		c.sendClose(int(websocket.StatusMessageTooBig), errTooLong.Error())
	case errors.Is(err, errPanicked):
		c.sendClose(int(websocket.StatusInternalError), errPanicked.Error())
	default:
		// The library has written what is wrong, except where it has not.
		c.sendClose(int(websocket.StatusProtocolError), "protocol error")
	}
	c.linger()
}

// tooLong reports whether a message was, in one frame or in several.
func tooLong(err error) bool {
	return errors.Is(err, errTooLong) || errors.Is(err, websocket.ErrMessageTooBig)
}

// closeReason describes the end of a connection for the log, and the close
// code that it ended with; 0 when there was none.
func closeReason(err error) (code int, reason error) {
	if ce := (websocket.CloseError{}); errors.As(err, &ce) {
		return int(ce.Code), nil
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
