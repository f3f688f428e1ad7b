package link

import (
	"context"
	"sync/atomic"
)

// gate is what received frames pass. It costs a frame, or as many as come together,
// one atomic load.
type gate struct {
	shut atomic.Pointer[chan struct{}] // closed when it opens; nil while it is open
}

// Pause has all connections wait with what they receive, until Resume: their
// readers read nothing more, and their peers cannot send more than fits in between.
// It may be called more than once.
func (t *Table) Pause() {
	opens := make(chan struct{})
	t.gate.shut.CompareAndSwap(nil, &opens)
}

// Resume ends what Pause began, and does nothing else.
func (t *Table) Resume() {
	if opens := t.gate.shut.Swap(nil); opens != nil {
		close(*opens)
	}
}

// Paused reports whether connections wait.
func (t *Table) Paused() bool { return t.gate.shut.Load() != nil }

// wait returns when the gate is open, or who receives has to end: nothing is lost.
func (g *gate) wait(ctx context.Context, shut *chan struct{}) {
	for ; shut != nil; shut = g.shut.Load() {
		select {
		case <-*shut:
		case <-ctx.Done():
			return
		}
	}
}
