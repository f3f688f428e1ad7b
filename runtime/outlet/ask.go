package outlet

import (
	"context"

	"github.com/flowrun/flowrun/runtime/flow"
)

// ask has a flow.Asker deliver a run, each event with a question of its own. The
// sender waits; others ask meanwhile. The caller holds mu.
//
//go:noinline // keeps a large frame off the stack of every reader
func (o *Outlet) ask(ctx context.Context, run []flow.Event) (refused Refusals) {
	for o.closed == nil && o.writer == nil {
		if err := o.wait(ctx); err != nil {
			refused.AddAll(len(run), Refusal{Err: err})
			return refused
		}
	}
	if o.closed != nil {
		refused.AddAll(len(run), o.isClosed())
		return refused
	}
	t := Borrow()
	defer t.Release()
	if refused = o.encodeNoted(t, run); len(t.frames) == 0 {
		return refused
	}
	asker, now := o.writer.(flow.Asker), clock()
	err := o.unlocked(func() error { return asker.Ask(ctx, t.frames) })
	flow.Failures(err, len(t.frames), func(k int, cause error) {
		refused.Add(len(run), t.of[k], Refusal{Kind: "write", Err: cause})
	})
	delivered := t.frames[:0]
	for k, f := range t.frames {
		if refused == nil || refused[t.of[k]].Err == nil {
			delivered = append(delivered, f)
		}
	}
	o.count(delivered, now)
	clear(t.frames)
	return refused
}
