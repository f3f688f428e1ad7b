package outlet

import (
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/histogram"
)

// Counters are what the outlets of one connector have in common to count. What
// was written each counts for itself, in memory that its writer has at hand.
type Counters struct {
	Sent      atomic.Uint64       // events handed to a writer by outlets that are settled
	Bytes     atomic.Uint64       // in these
	Lost      atomic.Uint64       // events for a connection that ended before they were written, or replies to one that was gone
	LostSlow  atomic.Uint64       // of these, since the connection was too slow
	Dropped   atomic.Uint64       // events, by the overflow policy
	Confirmed atomic.Uint64       // events that have left a queue which keeps them, by being confirmed
	Resent    atomic.Uint64       // events handed to a writer once more, since the connection before was lost
	Slow      atomic.Uint64       // connections ended because their queue was full
	Latency   histogram.Durations // from an event's arrival until it was handed to a writer
}

// Counts are what one outlet has done, and what it holds.
type Counts struct {
	Events, Bytes         uint64 // handed to a writer
	Waiting, WaitingBytes int    // in the queue, and being written
	Oldest                int64  // when the first event arrived that is in the queue, Unix nanoseconds; 0 for none, or not known
	Last                  int64  // when something was last written, Unix nanoseconds; 0 for never
}

// Counts returns what the outlet has counted: nothing once it is settled, except
// for what waits.
func (o *Outlet) Counts() Counts {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.counts
	k := o.kept
	if k == nil {
		c.Waiting, c.WaitingBytes = o.queue.len()+o.queue.busy, o.queue.bytes+o.queue.busyBytes
		if o.queue.len() > 0 {
			c.Oldest = o.queue.frames[0].Time
		}
		return c
	}
	if c.Waiting, c.WaitingBytes = k.len(); c.Waiting > 0 {
		q := k.queue
		_ = o.unlocked(func() error { c.Oldest = q.Oldest(); return nil }) // it may have to be read
	}
	return c
}

// Settle adds what the outlet has counted to the counters of all, where what it
// still writes is counted from now on. Who adds up the counters keeps anybody from
// calling it meanwhile.
func (o *Outlet) Settle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.settled {
		return
	}
	o.settled = true
	o.terms.Counters.Sent.Add(o.counts.Events)
	o.terms.Counters.Bytes.Add(o.counts.Bytes)
	o.counts.Events, o.counts.Bytes = 0, 0
}

// clock is what count is given as now.
//
//go:noinline // keeps a large frame off the stack of every reader
func clock() int64 { return time.Now().UnixNano() }

// count counts frames that the writer has taken, which it was handed at now. The
// caller holds mu.
//
//go:noinline // keeps a large frame off the stack of every reader
func (o *Outlet) count(frames []flow.Frame, now int64) {
	if len(frames) == 0 {
		return
	}
	all := &o.terms.Counters
	bytes := 0
	for i := 0; i < len(frames); {
		from, came := i, frames[i].Time
		for ; i < len(frames) && frames[i].Time == came; i++ {
			bytes += len(frames[i].Data)
		}
		if came != 0 {
			all.Latency.Add(time.Duration(now-came), uint64(i-from))
		}
	}
	o.counts.Last = now
	if o.settled {
		all.Sent.Add(uint64(len(frames)))
		all.Bytes.Add(uint64(bytes))
		return
	}
	o.counts.Events += uint64(len(frames))
	o.counts.Bytes += uint64(bytes)
}
