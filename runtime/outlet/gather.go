package outlet

import (
	"context"
	"time"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
)

// gathering is what a keeper needs where several events leave its queue as one.
type gathering struct {
	collector *encode.Collector // nil where each leaves alone
	since     int64             // when the oldest was seen that waits for others, Unix nanoseconds; 0 for none
	waits     bool              // a timer will look again
	hurry     bool              // nothing waits for others any more, see Hurry
}

// due reports whether what comes next is to be written now: nothing waits for others, or
// enough or for long enough. Else a timer looks again. The caller holds mu.
func (o *Outlet) due() bool {
	k := o.kept
	if k.collector == nil || k.hurry {
		return true
	}
	events, bytes := k.len()
	sent, sentBytes := k.queue.Sent()
	events, bytes = events-sent, bytes-sentBytes
	limits := o.terms.Limits()
	if events == 0 {
		return false
	}
	if bytes >= k.collector.MaxBytes || events >= (limits.Events+1)/2 || int64(bytes) >= limits.Bytes/2 {
		return true
	}
	now := clock()
	if k.since == 0 {
		k.since = now
	}
	left := k.collector.MaxWait - time.Duration(now-k.since)
	if left <= 0 {
		return true
	}
	if !k.waits {
		k.waits = true
		time.AfterFunc(left, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			k.waits = false
			o.writeKept()
		})
	}
	return false
}

// Hurry says that nothing more is waited for: what is queued is written as it is.
func (o *Outlet) Hurry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.haste()
}

// haste is Hurry for a caller that holds mu.
func (o *Outlet) haste() {
	if k := o.kept; k != nil && k.collector != nil && !k.hurry {
		k.hurry = true
		o.writeKept()
	}
}

// collected are the frames to be written of the n events of the batch. What cannot be
// among them is told. The caller does not hold mu, and nobody else uses the batch.
func (o *Outlet) collected(n int) []flow.Frame {
	k := o.kept
	if k.collector == nil {
		return k.batch.Frames
	}
	k.collector.Collect(n, k.batch.Of)
	k.collector.Lost(func(i int, why error) { o.terms.undelivered(context.Background(), k.batch.Of(i), why) })
	return k.collector.Frames
}

// done is how many events of the batch are, when the first n frames of what was
// collected are written.
func (k *keeper) done(n int) int {
	if k.collector == nil {
		return k.batch.Whole(n)
	}
	return k.collector.Done(n)
}

// of are the places of the events that are in frame i of what was collected: the first,
// and the one behind the last.
func (k *keeper) of(i int) (from, to int) {
	if k.collector == nil {
		event := k.batch.Whole(i)
		return event, event + 1
	}
	return k.collector.Of(i)
}
