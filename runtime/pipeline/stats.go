package pipeline

import "sync/atomic"

// StepStats says what one step has done since the start. For a step that
// sends on what it takes, In is the sum of Out, Dropped and Failed.
type StepStats struct {
	Type, Label string

	In      uint64 // events that came
	Out     uint64 // events sent on, whether or not they were then delivered; one that leaves by several ports counts once
	Dropped uint64 // events that the step keeps from going on, as the flow wants it
	Failed  uint64 // events that the step could not deal with: they went to err
	Held    int64  // events that it holds now, acknowledged
}

// counters are the counters of one step; each step embeds them. They are
// added to once per batch. The methods work on nil, which counts nothing.
type counters struct {
	in, out, dropped, failed atomic.Uint64
	held                     atomic.Int64
}

// counted is what the steps have by embedding counters.
type counted interface{ counts() *counters }

func (c *counters) counts() *counters { return c }

// add counts events that came, went on, were dropped and have failed.
func (c *counters) add(in, out, dropped, failed int) {
	if c == nil {
		return
	}
	add(&c.in, in)
	add(&c.out, out)
	add(&c.dropped, dropped)
	add(&c.failed, failed)
}

// add spares the memory that all senders share, where it can.
func add(to *atomic.Uint64, n int) {
	if n > 0 {
		to.Add(uint64(n))
	}
}

// Stats returns what the steps have done so far, in the order of the flow. It
// may be called from any goroutine.
func (i *Instance) Stats() []StepStats {
	all := make([]StepStats, len(i.steps))
	for n, s := range i.steps {
		all[n] = StepStats{Type: s.block.Type, Label: s.block.Label}
		if c, ok := s.sink.(counted); ok {
			c := c.counts()
			all[n].In, all[n].Out = c.in.Load(), c.out.Load()
			all[n].Dropped, all[n].Failed = c.dropped.Load(), c.failed.Load()
			all[n].Held = c.held.Load()
		}
	}
	return all
}
