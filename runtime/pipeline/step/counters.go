package step

import "sync/atomic"

// Counters are the counters of one step; each step embeds them. They are
// added to once per batch. The methods work on nil, which counts nothing.
type Counters struct {
	In, Out, Dropped, Failed atomic.Uint64
	Held                     atomic.Int64
}

// Counts is how a pipeline finds the counters of its steps.
func (c *Counters) Counts() *Counters { return c }

// Add counts events that came, went on, were dropped and have failed.
func (c *Counters) Add(in, out, dropped, failed int) {
	if c == nil {
		return
	}
	add(&c.In, in)
	add(&c.Out, out)
	add(&c.Dropped, dropped)
	add(&c.Failed, failed)
}

// add spares the memory that all senders share, where it can.
func add(to *atomic.Uint64, n int) {
	if n > 0 {
		to.Add(uint64(n))
	}
}
