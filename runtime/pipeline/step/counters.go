package step

import "sync/atomic"

// Counters are the counters of one step; each step embeds them. They are
// added to once per batch. The methods work on nil, which counts nothing.
type Counters struct {
	In      atomic.Uint64 // events that came
	Out     atomic.Uint64 // events sent on, whether or not they were then delivered; one that leaves by several ports counts once
	Dropped atomic.Uint64 // events that the step keeps from going on, as the flow wants it
	Failed  atomic.Uint64 // events that the step could not deal with: they went to err
	Held    atomic.Int64  // events that it holds now, acknowledged
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
