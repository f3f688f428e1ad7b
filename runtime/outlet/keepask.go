package outlet

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
)

// askSomeKept has a flow.Asker deliver what comes next, and reports whether there was
// anything, and all of it is done: an event that is answered leaves the queue, and so
// does one whose question has failed, which is told. What an asker that ends has not
// done stays, and what is behind that. The caller holds mu, which is given up meanwhile.
func (o *Outlet) askSomeKept(w flow.Writer) bool {
	k := o.kept
	if k.stop || k.left {
		return false
	}
	n, ok := o.nextKept(w, o.terms.Keep.Ahead)
	if !ok || n == 0 {
		return false
	}
	now, asker := clock(), w.(flow.Asker)
	ctx := context.Background() // the asker has its own limits of time
	err := o.unlocked(func() error { return asker.Ask(ctx, k.batch.Frames) })
	done, failed := n, map[int]error{}
	flow.Failures(err, len(k.batch.Frames), func(i int, cause error) {
		event := k.batch.Whole(i)
		if errors.Is(cause, flow.ErrClosed) {
			done = min(done, event)
		} else if failed[event] == nil {
			failed[event] = cause
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
