package link

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/queue"
)

// Prepare opens the persistent queue, where there is one. It is called before anything
// is sent, and may be called again. The error says what keeps the queue from being
// opened.
func (t *Table) Prepare() error {
	keep := t.terms.Keep
	if keep == nil || keep.Dir == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return flow.ErrClosed
	case t.prepared:
		return nil
	}
	set := t.cfg.Queues
	if set == nil {
		set = queue.NewSet()
	}
	q, err := set.Open(keep.Dir, t.terms.Limits(), t.cfg.Log)
	if err != nil {
		return err
	}
	t.prepared = true
	t.single.Keep(q, func() bool { return set.Close(q) })
	return nil
}

// errDropped is what became of an event that was kept, and made room.
var errDropped = errors.New("the queue is full, and this was the oldest event in it: dropped, as overflow says")

// dropped tells of such an event. Where nobody hears of it, it is counted, no more.
func (t *Table) dropped(ctx context.Context, message []byte) {
	_ = t.cfg.Problems.Handle(ctx, flow.Problem{Kind: "write", Err: errDropped, Raw: message})
}
