package link

import (
	"context"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/queue"
	"go.uber.org/zap"
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

// Kept tells of the queue on the disk: how many events may still be sent, how many have left
// it so far, and whether somebody is there who takes them. It does not wait for the disk.
func (t *Table) Kept() (waiting int, left uint64, there bool) {
	left = t.terms.Counters.Confirmed.Load() + t.terms.Counters.Dropped.Load()
	waiting, there = t.single.Kept()
	return waiting, left, there
}

// LeaveKept leaves what is in the queue on the disk to the next start.
func (t *Table) LeaveKept() { t.single.LeaveKept() }

// Hurry says that the end is near: what waits in queues to leave together with others
// does so no longer.
func (t *Table) Hurry() {
	if t.single != nil {
		t.single.Hurry()
	}
	for _, o := range t.laneOutlets() {
		o.Hurry()
	}
}

// undelivered tells of an event that was accepted, and will not arrive.
func (t *Table) undelivered(ctx context.Context, message []byte, why error) {
	if err := t.cfg.Problems.Handle(ctx, flow.Problem{Kind: "write", Err: why, Raw: message}); err != nil {
		t.cfg.Log.Warn("an event that was in the queue is given up, and err has not taken it", zap.Error(err))
	}
}
