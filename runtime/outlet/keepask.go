package outlet

import (
	"context"
	"errors"
	"math"

	"github.com/flowrun/flowrun/runtime/flow"
)

// askSomeKept has a flow.Asker deliver what comes next, and reports whether there was
// anything, and all of it is done: an event that is answered leaves the queue, and so
// does one whose question has failed, which is told. What an asker that ends has not
// done stays, and what is behind that. The caller holds mu, which is given up meanwhile.
func (o *Outlet) askSomeKept(w flow.Writer) bool {
	k := o.kept
	if k.stop || k.left || !o.due() {
		return false
	}
	ahead := o.terms.Keep.Ahead
	maxBytes, maxEvents := keptWrite, ahead
	if k.collector != nil {
		maxBytes, maxEvents = ahead*k.collector.MaxBytes, math.MaxInt
	}
	n, ok := o.nextKept(w, maxBytes, maxEvents)
	if !ok || n == 0 {
		return false
	}
	now, asker := clock(), w.(flow.Asker)
	ctx := context.Background() // the asker has its own limits of time
	var frames []flow.Frame
	err := o.unlocked(func() error { frames = o.collected(n); return asker.Ask(ctx, frames) })
	done, failed := n, map[int]error{}
	flow.Failures(err, len(frames), func(i int, cause error) {
		from, to := k.of(i)
		if errors.Is(cause, flow.ErrClosed) {
			done = min(done, from)
			return
		}
		for event := from; event < to; event++ {
			if failed[event] == nil {
				failed[event] = cause
			}
		}
	})
	for i := range done {
		if why := failed[i]; why == nil {
			o.count(k.batch.Of(i), now)
		} else {
			_ = o.unlocked(func() error { o.terms.undelivered(ctx, k.batch.Of(i), why); return nil })
		}
	}
	if done > 0 {
		o.confirm(k.batch.Upto(done))
	}
	var ended error
	if done < n {
		ended = flow.ErrClosed
	}
	o.wroteKept(w, n, ended)
	return ended == nil
}
