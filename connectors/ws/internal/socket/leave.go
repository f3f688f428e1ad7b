package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/duplex"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Why a connection ends, where the library does not say it.
var (
	errNotUTF8   = errors.New("a text message is not UTF-8")
	errFragments = errors.New("a message is split into more than max_fragments frames")
	errTooLong   = errors.New("a message is longer than max_message")
	errMasked    = errors.New("a server must not mask its frames")
	// errCut takes the place of io.EOF, which the library would take for the
	// end of a message that was cut off in its middle.
	errCut     = errors.New("the peer cut the connection off")
	errAborted = errors.New("the flow cut the connection off")
	errNoClose = errors.New("the peer did not answer the close frame within close_timeout")
)

// What else is in the error of Receive, or is the Cause of a Farewell.
var (
	ErrPanicked     = duplex.ErrPanicked     // by an Owner
	ErrWriteTimeout = duplex.ErrWriteTimeout // a write took too long
)

// Close codes (RFC 6455 section 7.4.1).
const (
	NormalClosure   = 1000
	goingAway       = 1001
	protocolError   = 1002
	invalidPayload  = 1007
	PolicyViolation = 1008
	MessageTooBig   = 1009
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

// Part asks the connection to end: it answers what has already arrived, then
// says goodbye. It returns at once and may be called by anyone; the first
// reason counts.
func (c *Conn) Part(why Farewell) {
	if !c.why.CompareAndSwap(nil, &why) {
		return
	}
	if c.canDrop() && errors.Is(why.Cause, flow.ErrSlow) {
		c.Drop()
	}
	c.Rouse()
}

// canDrop reports whether a write can be stopped so that another can go on where
// it was, and whether nobody will send again what it was about: TLS takes no
// other write after one that was stopped, and what a client had not sent is sent
// by its next connection.
func (c *Conn) canDrop() bool { return !c.Blocks() && !c.group.Client }

// cutWrite ends a write that takes too long.
func (c *Conn) cutWrite() {
	if c.canDrop() && c.Parted() == nil {
		c.Disconnect(ErrWriteTimeout)
	} else {
		c.StopWrites()
	}
}

// Disconnect implements flow.Disconnecter.
func (c *Conn) Disconnect(reason error) {
	why := Farewell{Code: invalidPayload, Reason: "message cannot be decoded", Cause: reason, Why: flow.EndedViolation}
	if ended := (*flow.Ended)(nil); errors.As(reason, &ended) {
		why.Code, why.Reason, why.Why = ended.Code, reason.Error(), ended.Cause
	}
	switch why.Why {
	case flow.EndedSlow:
		why.Code = tryAgainLater
	case flow.EndedReplaced:
		why.Code = replaced
	}
	c.Part(why)
}

// Parted returns what this side has asked the connection to end for; nil when
// it has not.
func (c *Conn) Parted() *Farewell { return c.why.Load() }

// Say sends a close frame at once, after which nothing else can be written, and
// sees to it that it arrives. It is for a connection that Receive was never
// called for.
func (c *Conn) Say(why Farewell) {
	c.LimitWrites(c.group.CloseTimeout)
	c.sendClose(why.Code, why.Reason)
	c.linger()
}

// TurnAway ends a connection that Receive was never called for: it sends the
// message of why, a close frame unless the code is 0, and waits for a bounded
// time until the peer has read them and closed.
func (c *Conn) TurnAway(why Farewell) {
	c.LimitWrites(c.group.CloseTimeout)
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
	if err := c.Woken(); err != nil {
		return err
	}
	why := c.Parted()
	switch {
	case c.Said():
		return errNoClose
	case why == nil:
		return os.ErrDeadlineExceeded // of the handshake
	case !dry && !c.Looked() && c.theirs == 0:
		return c.Look()
	}
	if why.Settle {
		c.Idle()
		if c.owner.Settle(); c.Abandoned() {
			return duplex.ErrAbandoned
		}
	}
	c.LastWord()
	c.owner.Leave()
	if c.Dropping() {
		c.closeEarly(why.Code, why.Reason)
		return c.AwaitEnd(c.group.CloseTimeout)
	}
	c.LimitWrites(c.group.CloseTimeout)
	if errors.Is(why.Cause, ErrDead) { // who answers no ping answers no close frame
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
	return c.AwaitEnd(c.group.CloseTimeout)
}

// HangUp closes the socket. TLS would first say goodbye in its own way, and
// wait some seconds for a peer that does not read.
func (c *Conn) HangUp() {
	if t, ok := c.Socket.(*tls.Conn); ok && (c.Failure() != nil || c.Abandoned()) {
		_ = t.NetConn().Close()
		return
	}
	_ = c.Socket.Close()
}

// linger waits, after a close frame that the peer did not ask for, until it
// has closed too: closing a socket that has unread bytes would reset it, and
// the peer would never see the close frame.
func (c *Conn) linger() {
	if c.Woken() != nil {
		return
	}
	if half, ok := c.Socket.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	if c.SetReadDeadline(time.Now().Add(max(c.group.CloseTimeout, duplex.Moment))) != nil {
		return
	}
	t := turns.Get().(*turn)
	defer turns.Put(t)
	for {
		if _, err := c.Socket.Read(t.buf[:]); err != nil {
			return
		}
	}
}

// Goodbye is called when Receive has returned, with its error: a peer that did
// something wrong is told, and it is seen to that the answer arrives.
func (c *Conn) Goodbye(err error) {
	c.Release()
	if c.owner != nil {
		c.owner.Leave()
	}
	var (
		ce   websocket.CloseError
		rate *RateError
	)
	switch {
	case errors.As(err, &ce), errors.Is(err, duplex.ErrAbandoned), errors.Is(err, errNoClose), errors.Is(err, ErrDead), c.Failure() != nil, CutOff(err):
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
		c.sendClose(MessageTooBig, errTooLong.Error())
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
	why := c.Parted()
	switch {
	case errors.Is(err, errAborted):
		return Farewell{Code: noCode, Reason: why.Reason}, true
	case why != nil && c.Said():
		return *why, closed
	case closed:
		return how, true
	case CutOff(err):
		return Farewell{Code: noCode, Reason: errCut.Error()}, false
	}
	for _, known := range []struct {
		err  error
		code int
	}{{errNotUTF8, invalidPayload}, {errFragments, PolicyViolation}, {errTooLong, MessageTooBig}, {websocket.ErrMessageTooBig, MessageTooBig}, {ErrPanicked, internalError}} {
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
