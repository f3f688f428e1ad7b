package duplex

import (
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/nonblock"
	"github.com/flowrun/flowrun/runtime/sweep"
)

// Group is connections that are swept together. Its methods may be called from any
// goroutine.
type Group[M sweep.Member] struct {
	*sweep.Group[M]
	write, close time.Duration
	hurried      atomic.Bool
	notice       []time.Duration
}

// NewGroup returns a group of none. A write may take write and, once the group ends,
// close. swept is what a sweep does for each connection: as [sweep.New] has it.
// notice is what is to be noticed by it besides, 0 for nothing.
func NewGroup[M sweep.Member](write, close time.Duration, swept func(m M, now, pace int64), notice ...time.Duration) *Group[M] {
	g := &Group[M]{write: write, close: close, notice: notice}
	g.Group = sweep.New(g.Pace, swept)
	return g
}

// Hurry says that the group is about to end.
func (g *Group[M]) Hurry() {
	g.hurried.Store(true)
	g.Repace()
}

// WriteLimit is how long a write may take at present, to a peer that this side parts
// from or not.
func (g *Group[M]) WriteLimit(parting bool) time.Duration {
	if parting || g.hurried.Load() {
		return min(g.write, g.close)
	}
	return g.write
}

// Pace is the time from one sweep to the next: a part of what is to be noticed.
func (g *Group[M]) Pace() time.Duration {
	pace := min(time.Second, g.WriteLimit(false)/4)
	for _, d := range g.notice {
		if d > 0 {
			pace = min(pace, d/4)
		}
	}
	return max(pace, 10*time.Millisecond)
}

// moves notes that something passes, once between two sweeps.
func (c *Conn) moves() {
	if c.active.Load() != unseen {
		c.active.Store(unseen)
	}
}

// Silent reports whether the reader has read all that has come: one that is busy, or
// waits for its turn on a busy machine, has perhaps not read what shows that its peer
// is there.
func (c *Conn) Silent() bool { return c.waiting.Load() && !nonblock.HasNews(c.Socket) }

// IsIdle reports whether nothing has passed for limit; 0 is for ever.
func (c *Conn) IsIdle(now, pace int64, limit time.Duration) bool {
	return limit > 0 && !c.active.CompareAndSwap(unseen, now) && now+pace-c.active.Load() >= int64(limit) && c.Silent()
}

// IsStuck reports whether there is a write that the sweep has seen for limit, and no
// room in the socket. On a busy machine a write may only be waiting for its turn to go
// on, and the sweep may have come late: how long the write had been going on before it
// was seen is not known.
func (c *Conn) IsStuck(now int64, limit time.Duration) bool {
	since := c.writing.Load()
	if since == unseen {
		c.writing.CompareAndSwap(unseen, now)
		return false
	}
	return since != 0 && now-since >= int64(limit) && !nonblock.HasRoom(c.Socket)
}
