package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Why the sweep ended a connection: the Cause of its Farewell.
var (
	ErrDead = errors.New("nothing came after a ping")
	ErrIdle = errors.New("nothing came, and no message left")
)

// alive is what is known of a peer's being there. Times are the group's.
type alive struct {
	asked  atomic.Int64 // when the ping was sent after which nothing has come; 0 when something has
	sent   atomic.Int64 // what the last ping says, the time at which it was sent
	due    int64        // of the next ping
	appDue int64        // of the next message that is a ping
	last   atomic.Int64 // the round-trip time measured last, nanoseconds; 0 for none
	smooth atomic.Int64 // the same, smoothed
	asking atomic.Pointer[question]
	asks   uint64 // questions so far
}

// question is a ping that asks whether what was sent before it has arrived.
type question struct {
	payload   uint64 // no time has its first bit
	before    int64  // what the last other ping says that may have been sent before
	confirmed func()
}

// joined is called when the connection begins. Those that begin together are
// not pinged together.
func (c *Conn) joined(now int64) {
	c.alive.due, c.alive.appDue = first(now, c.group.PingInterval), first(now, c.group.AppPing.Interval)
}

// first is when to do for the first time what is done at an interval.
func first(now int64, interval time.Duration) int64 {
	if interval <= 1 {
		return now
	}
	return now + int64(interval) - rand.Int64N(int64(interval)/2) //nolint:gosec // nobody gains by foreseeing it
}

// heard is called by the reader when something has come.
func (c *Conn) heard() {
	c.Heard()
	if c.alive.asked.Load() != 0 {
		c.alive.asked.Store(0)
	}
}

// keepAlive is the sweep's: it pings, and parts from those who are not there. A
// connection whose reader is busy, or waits for its turn, has perhaps not read what
// shows that its peer is. A ping goes out as much early as the sweep may be late, so that a peer that
// died is parted from within interval and timeout.
func (c *Conn) keepAlive(now, pace int64) {
	if c.Parted() != nil {
		return
	}
	a, g := &c.alive, c.group
	if g.PingInterval > 0 {
		switch asked := a.asked.Load(); {
		case asked != 0 && now-asked >= int64(g.PingTimeout) && c.Silent():
			c.Part(Farewell{Code: internalError, Reason: fmt.Sprintf("nothing came within %v of a ping", g.PingTimeout), Cause: ErrDead, Why: flow.EndedDead})
		case asked == 0 && now+pace >= a.due && c.ping(g.Now()):
			a.due = now + int64(g.PingInterval)
		}
	}
	if g.AppPing.Interval > 0 && now+pace >= a.appDue && c.tryText(g.AppPing.Request) {
		a.appDue = now + int64(g.AppPing.Interval)
	}
	if c.IsIdle(now, pace, g.IdleTimeout) {
		c.Part(Farewell{Code: goingAway, Reason: fmt.Sprintf("nothing was sent or received for %v", g.IdleTimeout), Cause: ErrIdle, Why: flow.EndedIdle})
	}
}

// ping sends a ping, without waiting; false when somebody else is writing. The
// payload is the time, which tells the answer from answers to earlier ones.
func (c *Conn) ping(now int64) bool {
	a := &c.alive
	before := a.sent.Swap(now)
	a.asked.Store(now)
	var payload [8]byte
	binary.BigEndian.PutUint64(payload[:], uint64(now))
	if c.tryControl(frame.Ping, payload[:]) {
		return true
	}
	a.sent.Store(before)
	a.asked.Store(0)
	return false
}

// Confirm puts a ping behind what has been written, to leave with the next Flush. confirmed
// is called once, by the reader, when the ping is answered, or one that was sent after
// it: a peer may answer the last of several only (RFC 6455 section 5.5.3). It is not
// called when there is another question before. It is for the one who writes.
func (c *Conn) Confirm(confirmed func()) error {
	a := &c.alive
	a.asks++
	q := &question{payload: 1<<63 | a.asks, before: a.sent.Load(), confirmed: confirmed}
	a.asking.Store(q)
	var payload [8]byte
	binary.BigEndian.PutUint64(payload[:], q.payload)
	return c.question(payload[:])
}

// answers reports whether a pong is the answer to a question.
func (q *question) answers(payload []byte, sent int64) bool {
	if len(payload) != 8 {
		return false
	}
	says := binary.BigEndian.Uint64(payload)
	return says == q.payload || sent != 0 && sent != q.before && says == uint64(sent)
}

// ponged measures how long the answer to the last ping took.
func (c *Conn) ponged(payload []byte) {
	a := &c.alive
	sent := a.sent.Load()
	if q := a.asking.Load(); q != nil && q.answers(payload, sent) && a.asking.CompareAndSwap(q, nil) {
		q.confirmed()
	}
	if sent == 0 || len(payload) != 8 || binary.BigEndian.Uint64(payload) != uint64(sent) {
		return
	}
	a.sent.Store(0)
	took := max(1, c.group.Now()-sent)
	a.last.Store(took)
	c.owner.Answered(time.Duration(took))
	if smooth := a.smooth.Load(); smooth != 0 {
		took = smooth + (took-smooth)/8 // as TCP does (RFC 6298)
	}
	a.smooth.Store(took)
}

// RoundTrip returns how long the last answer to a ping took, and that smoothed
// over the past; 0 when none has been answered. Anyone may call it.
func (c *Conn) RoundTrip() (last, smoothed time.Duration) {
	return time.Duration(c.alive.last.Load()), time.Duration(c.alive.smooth.Load())
}
