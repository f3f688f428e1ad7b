package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
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
	errAbandoned = errors.New("the time for a graceful end is over")
	// errCut takes the place of io.EOF, which the library would take for the
	// end of a message that was cut off in its middle.
	errCut     = errors.New("the peer cut the connection off")
	errAborted = errors.New("the flow cut the connection off")
	errNoClose = errors.New("the peer did not answer the close frame within close_timeout")
)

// ErrPanicked is in the error of Receive when an Owner panicked.
var ErrPanicked = errors.New("the flow panicked on a message")

// Close codes (RFC 6455 section 7.4.1).
const (
	NormalClosure   = 1000
	goingAway       = 1001
	protocolError   = 1002
	invalidPayload  = 1007
	PolicyViolation = 1008
	messageTooBig   = 1009
	internalError   = 1011
	tryAgainLater   = 1013
	noCode          = 1006 // never in a frame: it ended without one
	replaced        = 4409 // of those that are free for use: HTTP's Conflict
)

// Farewell is how a connection is ended by this side.
type Farewell struct {
	Code    int    // of the close frame
	Reason  string // cut to 123 bytes
	Message string // a text message before it; "" for none
	Abort   bool   // the connection is cut instead, with no close frame
	// Settle says that nobody has done wrong: the Owner's Settle is called first.
	Settle bool
	Cause  error      // for this side's logs
	Why    flow.Cause // in a word
}

// leave is how a connection is ended by another goroutine than its own: the
// reason is put down, and the reader is woken by a deadline.
type leave struct {
	why       atomic.Pointer[Farewell]
	abandoned atomic.Bool
	violation error         // what the reader itself found
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

// Part asks the connection to end: it answers what has already arrived, then
// says goodbye. It returns at once and may be called by anyone; the first
// reason counts.
func (c *Conn) Part(why Farewell) {
	if !c.leave.why.CompareAndSwap(nil, &why) {
		return
	}
	if c.canDrop() && errors.Is(why.Cause, flow.ErrSlow) {
		c.dropping.Store(true)
		_ = c.nc.SetWriteDeadline(past)
	} else {
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.closeTime()))
	}
	_ = c.nc.SetReadDeadline(past)
}

// canDrop reports whether a write can be stopped so that another can go on where
// it was, and whether nobody will send again what it was about: TLS takes no
// other write after one that was stopped, and what a client had not sent is sent
// by its next connection.
func (c *Conn) canDrop() bool { return c.raw != nil && !c.group.Client }

// stuck ends a write that the sweep has seen for limit, for which the socket has
// no room. On a busy machine a write may only be waiting for its turn to go on,
// and the sweep may have come late: how long the write had been going on before
// it was seen is not known.
func (c *Conn) stuck(now, limit int64) {
	since := c.since.Load()
	switch {
	case since == unseen:
		c.since.CompareAndSwap(unseen, now)
	case since == 0 || now-since < limit || c.hasRoom():
	case c.canDrop() && c.Parted() == nil:
		c.Disconnect(ErrWriteTimeout)
	default:
		_ = c.nc.SetWriteDeadline(past)
	}
}

// ErrWriteTimeout is the Cause of the Farewell when a write took too long.
var ErrWriteTimeout = fmt.Errorf("%w: queue.write_timeout is reached", flow.ErrSlow)

// Abandon cuts the connection off. It returns at once and may be called by
// anyone.
func (c *Conn) Abandon() {
	c.leave.abandoned.Store(true)
	_ = c.nc.SetDeadline(past)
}

// Disconnect implements flow.Disconnecter.
func (c *Conn) Disconnect(reason error) {
	why := Farewell{Code: invalidPayload, Reason: "message cannot be decoded", Why: flow.EndedViolation}
	ended := (*flow.Ended)(nil)
	switch {
	case errors.Is(reason, flow.ErrSlow):
		why = Farewell{Code: tryAgainLater, Reason: reason.Error(), Why: flow.EndedSlow}
	case errors.Is(reason, flow.ErrReplaced):
		why = Farewell{Code: replaced, Reason: flow.ErrReplaced.Error(), Why: flow.EndedReplaced}
	case errors.As(reason, &ended):
		why = Farewell{Code: ended.Code, Reason: ended.Error(), Why: ended.Cause}
	}
	why.Cause = reason
	c.Part(why)
}

// Parted returns what this side has asked the connection to end for; nil when
// it has not.
func (c *Conn) Parted() *Farewell { return c.leave.why.Load() }

// AwaitAnswers makes a Part that comes later wait for answers that are under
// way: until the peer has been silent for quiet, but no longer than atMost.
func (c *Conn) AwaitAnswers(quiet, atMost time.Duration) {
	c.leave.quiet, c.leave.answers = quiet, atMost
}

// Say sends a close frame at once, after which nothing else can be written, and
// sees to it that it arrives. It is for a connection that Receive was never
// called for.
func (c *Conn) Say(why Farewell) {
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.group.CloseTimeout))
	c.sendClose(why.Code, why.Reason)
	c.linger()
}

// TurnAway ends a connection that Receive was never called for: it sends the
// message of why, a close frame unless the code is 0, and waits for a bounded
// time until the peer has read them and closed.
func (c *Conn) TurnAway(why Farewell) {
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.closeTime()))
	if c.Write(context.Background(), []flow.Frame{{Data: []byte(why.Message)}}, true) != nil {
		return
	}
	if why.Code != 0 {
		c.sendClose(why.Code, why.Reason)
	}
	_ = c.Flush(context.Background()) // asked for by linger
	c.linger()
}

// woken decides what the reader does when its deadline has passed, or when it
// found nothing on its last look: nil is to read on.
func (c *Conn) woken(dry bool) error {
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
	if why.Settle {
		c.idle()
		_ = c.nc.SetWriteDeadline(time.Time{})
		if c.owner.Settle(); l.abandoned.Load() {
			return errAbandoned
		}
	}
	l.said = true
	c.owner.Leave()
	if c.dropping.Load() {
		c.closeEarly(why.Code, why.Reason, c.closeTime())
		return c.awaitClose()
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.closeTime())) // answers may have taken as long
	if errors.Is(why.Cause, ErrDead) {                       // who answers no ping answers no close frame
		c.sendClose(why.Code, why.Reason)
		return ErrDead
	}
	c.owner.Drain()
	if why.Message != "" {
		_ = c.Write(context.Background(), []flow.Frame{{Data: []byte(why.Message)}}, true) // leaves with what follows
	}
	if why.Abort {
		return errAborted
	}
	c.sendClose(why.Code, why.Reason)
	return c.awaitClose()
}

// awaitClose goes on reading, until the peer's close frame comes.
func (c *Conn) awaitClose() error {
	if c.group.CloseTimeout == 0 && c.leave.quiet == 0 {
		return c.look() // what has come is delivered, and nothing waited for
	}
	return c.setReadDeadline(max(c.group.CloseTimeout, c.leave.quiet))
}

// closeTime is CloseTimeout for what must be tried in any case: a deadline that
// has passed refuses even what would take no time.
func (c *Conn) closeTime() time.Duration { return max(c.group.CloseTimeout, 20*time.Millisecond) }

// look begins the last look: what has already arrived is answered before the
// goodbye. Where a connection cannot say that nothing is there, or must wait
// for what may still come, it has been silent for a while.
func (c *Conn) look() error {
	l := &c.leave
	l.looks, l.looked = lastLooks, true
	if l.quiet > 0 {
		l.until = time.Now().Add(l.answers)
		return c.setReadDeadline(l.quiet)
	}
	c.looking = true
	return c.nc.SetReadDeadline(time.Time{})
}

// lookOn is called after messages were delivered: when answers are waited for,
// others may follow.
func (c *Conn) lookOn() {
	if l := &c.leave; l.looked && !l.said && time.Now().Before(l.until) {
		_ = c.setReadDeadline(l.quiet)
	}
}

func (c *Conn) setReadDeadline(d time.Duration) error {
	err := c.nc.SetReadDeadline(time.Now().Add(d))
	if c.leave.abandoned.Load() { // it was set between
		return errAbandoned
	}
	return err
}

// HangUp closes the socket. TLS would first say goodbye in its own way, and
// wait some seconds for a peer that does not read.
func (c *Conn) HangUp() {
	if t, ok := c.nc.(*tls.Conn); ok && (c.failure() != nil || c.leave.abandoned.Load()) {
		_ = t.NetConn().Close()
		return
	}
	_ = c.nc.Close()
}

// linger waits, after a close frame that the peer did not ask for, until it
// has closed too: closing a socket that has unread bytes would reset it, and
// the peer would never see the close frame.
func (c *Conn) linger() {
	if c.failure() != nil {
		return
	}
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	if c.setReadDeadline(c.closeTime()) != nil {
		return
	}
	t := turns.Get().(*turn)
	defer turns.Put(t)
	for {
		if _, err := c.nc.Read(t.buf[:]); err != nil {
			return
		}
	}
}

// Goodbye is called when Receive has returned, with its error: a peer that did
// something wrong is told, and it is seen to that the answer arrives.
func (c *Conn) Goodbye(err error) {
	c.release()
	if c.owner != nil {
		c.owner.Leave()
	}
	var (
		ce   websocket.CloseError
		rate *RateError
	)
	switch {
	case errors.As(err, &ce), errors.Is(err, errAbandoned), errors.Is(err, errNoClose), errors.Is(err, ErrDead), c.failure() != nil, CutOff(err):
		_ = c.Flush(context.Background())
		return
	case errors.Is(err, errAborted):
		_ = c.Flush(context.Background())
	case errors.Is(err, errNotUTF8):
		c.sendClose(invalidPayload, errNotUTF8.Error())
	case errors.As(err, &rate):
		c.sendClose(PolicyViolation, rate.Error())
	case errors.Is(err, errFragments):
		c.sendClose(PolicyViolation, errFragments.Error())
	case TooLong(err):
		c.sendClose(messageTooBig, errTooLong.Error())
	case errors.Is(err, ErrPanicked):
		c.sendClose(internalError, ErrPanicked.Error())
	default:
		// The library has written what is wrong, except where it has not.
		c.sendClose(protocolError, "protocol error")
	}
	c.linger()
}

// TooLong reports whether a connection ended with err because a message was
// longer than MaxMessage.
func TooLong(err error) bool {
	return errors.Is(err, errTooLong)
}

// Closed returns the close frame of the peer that a connection ended with; ok is
// false when err, of Receive, says something else.
func Closed(err error) (why Farewell, ok bool) {
	ce := websocket.CloseError{}
	ok = errors.As(err, &ce)
	return Farewell{Code: int(ce.Code), Reason: ce.Reason}, ok
}

// End describes how a connection ended, with err of Receive: by our own close
// frame, by the peer's, or without one. closed says that it was as it should be.
func (c *Conn) End(err error) (how Farewell, closed bool) {
	how, closed = Closed(err)
	why := c.leave.why.Load()
	switch {
	case errors.Is(err, errAborted):
		return Farewell{Code: noCode, Reason: why.Reason}, true
	case why != nil && c.leave.said:
		return *why, closed
	case closed:
		return how, true
	case CutOff(err):
		return Farewell{Code: noCode, Reason: errCut.Error()}, false
	}
	for _, known := range []struct {
		err  error
		code int
	}{{errNotUTF8, invalidPayload}, {errFragments, PolicyViolation}, {errTooLong, messageTooBig}, {websocket.ErrMessageTooBig, messageTooBig}, {ErrPanicked, internalError}} {
		if errors.Is(err, known.err) {
			return Farewell{Code: known.code, Reason: known.err.Error()}, false
		}
	}
	return Farewell{Code: noCode, Reason: err.Error()}, false
}

// CutOff reports whether a connection ended with err because its peer ended it
// without a close frame.
func CutOff(err error) bool {
	return errors.Is(err, errCut) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
