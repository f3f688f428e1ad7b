package duplex

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

var (
	// ErrAbandoned is why a reader ends that has been abandoned.
	ErrAbandoned = errors.New("the time for a graceful end is over")
	// ErrWriteTimeout is why a connection ends of which a write took too long.
	ErrWriteTimeout = fmt.Errorf("%w: queue.write_timeout is reached", flow.ErrSlow)
)

// part is how far a connection is on the way to its end. What is not atomic is the
// reader's.
type part struct {
	abandoned atomic.Bool
	woke      atomic.Bool                   // there is something that the reader has not looked at yet
	pause     atomic.Pointer[chan struct{}] // of a reader that waits for something else than bytes
	quiet     time.Duration                 // see Look
	answers   time.Duration                 // how long answers are waited for at most
	enough    time.Time                     // they are
	until     time.Time                     // the reader's own deadline
	looks     int                           // reads that are left on the last look
	looked    bool
	looking   bool // Read must not wait
	said      bool // this side has said its last word
}

// lastLooks bounds how much is still read and answered from a peer that never
// stops sending.
const lastLooks = 64

// quiet is how long a peer must be silent to count as read to its end, where
// that cannot be asked of its socket.
const quiet = 20 * time.Millisecond

// A client that ends believes that all answers have come when the server has been
// silent for answersWithin. It waits no longer than answersAtMost: a server that
// sends all the time is never silent.
const (
	answersWithin = 100 * time.Millisecond
	answersAtMost = time.Second
)

// AwaitAnswers makes the last look, if it comes later, wait for answers that are under
// way. It is not for who has asked nothing.
func (c *Conn) AwaitAnswers() { c.part.quiet, c.part.answers = answersWithin, answersAtMost }

// Rouse wakes the reader.
func (c *Conn) Rouse() {
	c.wake()
	if pause := c.part.pause.Load(); pause != nil {
		select {
		case *pause <- struct{}{}:
		default:
		}
	}
}

func (c *Conn) wake() {
	c.part.woke.Store(true)
	_ = c.Socket.SetReadDeadline(past)
}

// Abandon cuts the connection off. It returns at once and may be called by anyone.
func (c *Conn) Abandon() {
	c.part.abandoned.Store(true)
	c.StopWrites()
	c.Rouse()
}

// Abandoned reports whether Abandon has been called.
func (c *Conn) Abandoned() bool { return c.part.abandoned.Load() }

// Woken is called by a reader whose deadline has passed. It returns why it must end at
// once, if it must.
func (c *Conn) Woken() error {
	c.part.woke.Store(false)
	if c.Abandoned() {
		return ErrAbandoned
	}
	return c.Failure()
}

// SetReadDeadline is the reader's; zero for none. It does not undo that somebody wakes
// it.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.part.until = t
	err := c.Socket.SetReadDeadline(t)
	if c.part.woke.Load() {
		_ = c.Socket.SetReadDeadline(past)
	}
	return err
}

// ReadDeadline is what the reader has set last.
func (c *Conn) ReadDeadline() time.Time { return c.part.until }

// StopWrites ends the writes that are going on, and all others until LimitWrites.
func (c *Conn) StopWrites() { _ = c.Socket.SetWriteDeadline(past) }

// Moment is the least time for what must be tried in any case: a deadline that has
// passed refuses even what would take no time.
const Moment = 20 * time.Millisecond

// LimitWrites says how long writes may take from now on, a Moment at least.
func (c *Conn) LimitWrites(d time.Duration) {
	_ = c.Socket.SetWriteDeadline(time.Now().Add(max(d, Moment)))
}

// Look begins the last look: what has already arrived is answered before the end.
// Where a connection cannot say that nothing is there, or must wait for what may still
// come, it has been silent for a while.
func (c *Conn) Look() error {
	p := &c.part
	p.looks, p.looked = lastLooks, true
	if p.quiet > 0 {
		p.enough = time.Now().Add(p.answers)
		return c.SetReadDeadline(time.Now().Add(p.quiet))
	}
	p.looking = true
	return c.SetReadDeadline(time.Time{})
}

// Looked reports whether the last look has begun.
func (c *Conn) Looked() bool { return c.part.looked }

// LookOn is called after something was delivered: when answers are waited for, others
// may follow.
func (c *Conn) LookOn() {
	if p := &c.part; p.looked && !p.said && time.Now().Before(p.enough) {
		_ = c.SetReadDeadline(time.Now().Add(p.quiet)) // asked again by the next read
	}
}

// LastWord ends the last look: what follows is said by this side, and nothing else.
func (c *Conn) LastWord() { c.part.looking, c.part.said = false, true }

// Said reports whether this side has said its last word.
func (c *Conn) Said() bool { return c.part.said }

// AwaitEnd lets the reader go on after the last word, until the peer has said its own,
// or for d: where that is 0, what has come is delivered, and nothing waited for.
func (c *Conn) AwaitEnd(d time.Duration) error {
	if d == 0 && c.part.quiet == 0 {
		return c.Look()
	}
	return c.SetReadDeadline(time.Now().Add(max(d, c.part.quiet)))
}

// Pause waits for d, unless somebody rouses the reader, whose it is.
func (c *Conn) Pause(d time.Duration) {
	pause := make(chan struct{}, 1)
	c.part.pause.Store(&pause)
	defer c.part.pause.Store(nil)
	if c.part.woke.Load() {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-pause:
	case <-timer.C:
	}
}
