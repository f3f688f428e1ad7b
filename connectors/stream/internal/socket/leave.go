package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/duplex"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Why a connection ends, where the system does not say it.
var (
	errAborted = errors.New("this side cut the connection off")
	errStays   = errors.New("the peer did not end within close_timeout")
	errIdle    = errors.New("nothing was sent or received for idle_timeout")
)

// What else is in the error of Receive, or is the Cause of a Farewell.
var (
	ErrPanicked     = duplex.ErrPanicked     // by an Owner
	ErrWriteTimeout = duplex.ErrWriteTimeout // a write took too long
)

// Farewell is how a connection is ended by this side.
type Farewell struct {
	Abort bool // the connection is reset instead
	// Settle says that nobody has done wrong: the Owner's Settle is called first.
	Settle bool
	Cause  error      // for this side's logs
	Why    flow.Cause // in a word
}

// Part asks the connection to end: it answers what has already arrived, then
// ends. It returns at once and may be called by anyone; the first reason counts.
func (c *Conn) Part(why Farewell) {
	if !c.why.CompareAndSwap(nil, &why) {
		return
	}
	if why.Abort {
		c.StopWrites()
	}
	c.Rouse()
}

// Disconnect implements flow.Disconnecter.
func (c *Conn) Disconnect(reason error) {
	ended := &flow.Ended{Cause: flow.EndedViolation} // where the reason says no more
	errors.As(reason, &ended)
	c.Part(Farewell{Abort: ended.Cause == flow.EndedSlow, Cause: reason, Why: ended.Cause})
}

// Parted returns what this side has asked the connection to end for; nil when
// it has not.
func (c *Conn) Parted() *Farewell { return c.why.Load() }

// cutWrite ends a write that takes too long.
func (c *Conn) cutWrite() {
	if c.Parted() == nil {
		c.Disconnect(ErrWriteTimeout)
	} else {
		c.StopWrites()
	}
}

// woken decides what the reader does when its deadline has passed, or when it
// found nothing on its last look: nil is to read on.
func (c *Conn) woken(dry bool) error {
	err := c.Woken()
	why := c.Parted()
	switch {
	case why != nil && why.Abort && !c.Abandoned():
		return errAborted
	case err != nil:
		return err
	case c.Said():
		return errStays
	case why == nil:
		return c.SetReadDeadline(time.Time{}) // of somebody who has been heard already
	case !dry && !c.Looked():
		return c.Look()
	}
	return c.end(why)
}

// end says that this side has sent all. nil is to read on, until the peer has, too.
func (c *Conn) end(why *Farewell) error {
	if why.Settle {
		c.Idle()
		c.owner.Settle()
	}
	if c.Abandoned() {
		return duplex.ErrAbandoned
	}
	c.LastWord()
	c.owner.Leave()
	c.LimitWrites(c.group.CloseTimeout)
	c.owner.Drain()
	c.seal()
	if why.Settle && c.unheard() {
		return errAborted
	}
	if half, ok := c.Socket.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // asked for by what is read next
	}
	return c.AwaitEnd(c.group.CloseTimeout)
}

// unheard reports whether something has come that nobody will read, from a peer that
// cannot know it: one that was never sent anything misses no answer. Where something was
// sent, a reset could overtake it.
func (c *Conn) unheard() bool {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	return !c.spoke && c.Unread()
}

// seal writes what there is, and takes nothing more.
func (c *Conn) seal() {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	_ = c.Send() // asked for by Failure
	c.Seal()
}

// peerEnds is called when the peer has sent all. What it has sent is answered.
func (c *Conn) peerEnds() error {
	c.Release()
	c.owner.Finish()
	if !c.Said() && !c.group.Client {
		_ = c.Flush(context.Background()) // asked for by the end
		c.owner.Settle()
		if !c.Abandoned() {
			c.LimitWrites(c.group.CloseTimeout)
			c.owner.Drain()
		}
	}
	c.owner.Leave()
	c.seal()
	return io.EOF
}

// HangUp closes the socket, with err of Receive: of a connection that did not end
// well, the peer is told by a reset. TLS would first say goodbye in its own way, and
// wait some seconds for a peer that does not read.
func (c *Conn) HangUp(err error) {
	nc := c.Socket
	t, secure := nc.(*tls.Conn)
	if secure {
		nc = t.NetConn()
	}
	switch {
	case errors.Is(err, errAborted), errors.Is(err, ErrPanicked), c.Failure() != nil, c.Abandoned():
		if tcp, ok := nc.(interface{ SetLinger(sec int) error }); ok {
			_ = tcp.SetLinger(0) // of a socket that is given up
		}
	case secure:
		c.LimitWrites(c.group.CloseTimeout)
		_ = t.Close()
		return
	}
	_ = nc.Close()
}

// Cause says in a word why the connection has ended, with err of Receive.
func (c *Conn) Cause(err error) flow.Cause {
	why := c.Parted()
	switch {
	case errors.Is(err, ErrPanicked):
		return flow.EndedFault
	case errors.Is(err, duplex.ErrAbandoned):
		return flow.EndedDrain
	case why != nil && (c.Said() || why.Abort):
		return why.Why
	case errors.Is(err, io.EOF):
		return flow.EndedByPeer
	case errors.Is(err, os.ErrDeadlineExceeded): // of a write
		return flow.EndedSlow
	}
	return flow.EndedLost
}

// Reason says why the connection has ended, with err of Receive; nil when that was
// as it should be. What its peer sent last may then be cut off.
func (c *Conn) Reason(err error) error {
	why := c.Parted()
	switch {
	case errors.Is(err, errAborted) && why.Cause != nil:
		return why.Cause
	case errors.Is(err, io.EOF), errors.Is(err, errStays), errors.Is(err, errAborted):
		return nil
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errCut
	case errors.Is(err, ErrPanicked):
		return err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

var errCut = errors.New("the peer cut the connection off")
