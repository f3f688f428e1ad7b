package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Why a connection ends, where the system does not say it.
var (
	errAbandoned = errors.New("the time for a graceful end is over")
	errAborted   = errors.New("this side cut the connection off")
	errStays     = errors.New("the peer did not end within close_timeout")
	errIdle      = errors.New("nothing was sent or received for idle_timeout")
)

// ErrWriteTimeout is the Cause of the Farewell when a write took too long.
var ErrWriteTimeout = fmt.Errorf("%w: queue.write_timeout is reached", flow.ErrSlow)

// Farewell is how a connection is ended by this side.
type Farewell struct {
	Abort bool // the connection is reset instead
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
	wake      atomic.Pointer[chan struct{}] // of a reader that waits for something else than bytes
	quiet     time.Duration                 // see look
	answers   time.Duration                 // how long answers are waited for at most
	enough    time.Time                     // they are
	until     time.Time                     // the reader's own deadline
	looks     int                           // reads that are left on the last look
	looked    bool
	said      bool // this side has ended
}

// lastLooks bounds how much is still read and answered from a peer that never
// stops sending.
const lastLooks = 64

// quiet is how long a peer must be silent to count as read to its end, where
// that cannot be asked of its socket.
const quiet = 20 * time.Millisecond

// Part asks the connection to end: it answers what has already arrived, then
// ends. It returns at once and may be called by anyone; the first reason counts.
func (c *Conn) Part(why Farewell) {
	if !c.leave.why.CompareAndSwap(nil, &why) {
		return
	}
	if why.Abort {
		_ = c.nc.SetWriteDeadline(past)
	} else {
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.closeTime()))
	}
	c.rouse()
}

// Abandon cuts the connection off. It returns at once and may be called by
// anyone.
func (c *Conn) Abandon() {
	c.leave.abandoned.Store(true)
	_ = c.nc.SetWriteDeadline(past)
	c.rouse()
}

// Disconnect implements flow.Disconnecter.
func (c *Conn) Disconnect(reason error) {
	why := Farewell{Why: flow.EndedViolation, Cause: reason}
	ended := (*flow.Ended)(nil)
	switch {
	case errors.Is(reason, flow.ErrSlow):
		why.Why, why.Abort = flow.EndedSlow, true
	case errors.Is(reason, flow.ErrReplaced):
		why.Why = flow.EndedReplaced
	case errors.As(reason, &ended):
		why.Why = ended.Cause
	}
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

// rouse wakes the reader.
func (c *Conn) rouse() {
	c.woke.Store(true)
	_ = c.nc.SetReadDeadline(past)
	if wake := c.leave.wake.Load(); wake != nil {
		select {
		case *wake <- struct{}{}:
		default:
		}
	}
}

// stuck ends a write that the sweep has seen for limit, for which the socket has
// no room. On a busy machine a write may only be waiting for its turn to go on.
func (c *Conn) stuck(now, limit int64) {
	since := c.since.Load()
	switch {
	case since == unseen:
		c.since.CompareAndSwap(unseen, now)
	case since == 0 || now-since < limit || c.hasRoom():
	case c.Parted() == nil:
		c.Disconnect(ErrWriteTimeout)
	default:
		_ = c.nc.SetWriteDeadline(past)
	}
}

// idles is the sweep's: it parts from who has been silent for too long.
func (c *Conn) idles(now, pace int64) {
	limit := int64(c.group.IdleTimeout)
	if limit > 0 && !c.active.CompareAndSwap(unseen, now) && now+pace-c.active.Load() >= limit && c.silent() {
		c.Part(Farewell{Cause: errIdle, Why: flow.EndedIdle})
	}
}

// woken decides what the reader does when its deadline has passed, or when it
// found nothing on its last look: nil is to read on.
func (c *Conn) woken(dry bool) error {
	l := &c.leave
	c.woke.Store(false)
	why := l.why.Load()
	switch {
	case l.abandoned.Load():
		return errAbandoned
	case why != nil && why.Abort:
		return errAborted
	case c.failure() != nil:
		return c.failure()
	case l.said:
		return errStays
	case why == nil:
		return c.setReadDeadline(time.Time{}) // of somebody who has been heard already
	case !dry && !l.looked:
		return c.look()
	}
	c.looking = false
	return c.end(why)
}

// look begins the last look: what has already arrived is answered before the end.
// Where a connection cannot say that nothing is there, or must wait for what may
// still come, it has been silent for a while.
func (c *Conn) look() error {
	l := &c.leave
	l.looks, l.looked = lastLooks, true
	if l.quiet > 0 {
		l.enough = time.Now().Add(l.answers)
		return c.setReadDeadline(time.Now().Add(l.quiet))
	}
	c.looking = true
	return c.setReadDeadline(time.Time{})
}

// lookOn is called after something was delivered: when answers are waited for,
// others may follow.
func (c *Conn) lookOn() {
	if l := &c.leave; l.looked && !l.said && time.Now().Before(l.enough) {
		_ = c.setReadDeadline(time.Now().Add(l.quiet)) // asked again by the next read
	}
}

// end says that this side has sent all. nil is to read on, until the peer has, too.
func (c *Conn) end(why *Farewell) error {
	l := &c.leave
	if why.Settle {
		c.idle()
		_ = c.nc.SetWriteDeadline(time.Time{})
		c.owner.Settle()
	}
	if l.abandoned.Load() {
		return errAbandoned
	}
	l.said = true
	c.owner.Leave()
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.closeTime()))
	c.owner.Drain()
	c.sayEnd()
	return c.setReadDeadline(time.Now().Add(c.group.CloseTimeout))
}

// sayEnd sends what is left, and that it was all.
func (c *Conn) sayEnd() {
	c.seal()
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // asked for by what is read next
	}
}

// peerEnds is called when the peer has sent all. What it has sent is answered.
func (c *Conn) peerEnds() error {
	c.release()
	c.owner.Finish()
	if l := &c.leave; !l.said && !c.group.Client {
		_ = c.Flush(context.Background()) // asked for by the end
		c.owner.Settle()
		if !l.abandoned.Load() {
			_ = c.nc.SetWriteDeadline(time.Now().Add(c.closeTime()))
			c.owner.Drain()
		}
	}
	c.owner.Leave()
	c.seal()
	return io.EOF
}

// closeTime is CloseTimeout for what must be tried in any case: a deadline that
// has passed refuses even what would take no time.
func (c *Conn) closeTime() time.Duration { return max(c.group.CloseTimeout, 20*time.Millisecond) }

// setReadDeadline is the reader's; zero for none. It does not undo that somebody
// wakes it.
func (c *Conn) setReadDeadline(t time.Time) error {
	c.leave.until = t
	err := c.nc.SetReadDeadline(t)
	if c.woke.Load() {
		_ = c.nc.SetReadDeadline(past)
	}
	return err
}

// pause waits for d, unless somebody wakes the reader.
func (c *Conn) pause(d time.Duration) {
	wake := make(chan struct{}, 1)
	c.leave.wake.Store(&wake)
	defer c.leave.wake.Store(nil)
	if c.woke.Load() {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	}
}

// HangUp closes the socket, with err of Receive: of a connection that did not end
// well, the peer is told by a reset. TLS would first say goodbye in its own way, and
// wait some seconds for a peer that does not read.
func (c *Conn) HangUp(err error) {
	nc := c.nc
	t, secure := nc.(*tls.Conn)
	if secure {
		nc = t.NetConn()
	}
	switch {
	case errors.Is(err, errAborted), errors.Is(err, ErrPanicked), c.failure() != nil, c.leave.abandoned.Load():
		if tcp, ok := nc.(interface{ SetLinger(sec int) error }); ok {
			_ = tcp.SetLinger(0) // of a socket that is given up
		}
	case secure:
		_ = t.SetWriteDeadline(time.Now().Add(c.closeTime()))
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
	case errors.Is(err, errAbandoned):
		return flow.EndedDrain
	case why != nil && (c.leave.said || why.Abort):
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
