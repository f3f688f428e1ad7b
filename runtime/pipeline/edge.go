package pipeline

import (
	"context"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"go.uber.org/zap"
)

// Edge is a connection from one port to one or more sinks, with a condition.
// Its fields are set before the first Send and not changed.
type Edge struct {
	Where    flow.Expr      // events for which it is not true stay behind, delivered; nil lets all pass
	To       []flow.Sink    // an event is sent to these in order, until one refuses it
	Problems *flow.Problems // of the component that the events come from: takes events that Where fails on
	Counts   *EdgeCounts    // of all edges of that name; nil where nobody counts
}

// EdgeCounts say what has become of the events of an edge. They are added to once
// per batch.
type EdgeCounts struct {
	Delivered atomic.Uint64 // taken by what it leads to
	Failed    atomic.Uint64 // not taken by that, nor by an err port; or the condition could not be told
	Filtered  atomic.Uint64 // the condition was not true
}

func (c *EdgeCounts) add(n int, err error) {
	switch {
	case c == nil:
	case err != nil:
		c.addFailures(n, err)
	default:
		c.Delivered.Add(uint64(n))
	}
}

//go:noinline // keeps a large frame off the stack of every reader
func (c *EdgeCounts) addFailures(n int, err error) {
	failed := 0
	flow.Failures(err, n, func(int, error) { failed++ })
	c.Failed.Add(uint64(failed))
	if n > failed {
		c.Delivered.Add(uint64(n - failed))
	}
}

// Send implements flow.Sink.
func (x *Edge) Send(ctx context.Context, batch []flow.Event) error {
	if x.Where != nil {
		return x.choose(ctx, batch)
	}
	if len(x.To) != 1 {
		return x.pass(ctx, batch)
	}
	err := x.To[0].Send(ctx, batch)
	x.Counts.add(len(batch), err)
	return err
}

// choose sends on what the condition lets pass.
//
//go:noinline // keeps a large frame off the stack of every reader
func (x *Edge) choose(ctx context.Context, batch []flow.Event) error {
	var c step.Counters
	err := c.Dispatch(ctx, (*ways)(x), batch)
	if x.Counts != nil {
		if n := c.Dropped.Load(); n > 0 {
			x.Counts.Filtered.Add(n)
		}
		if n := c.Failed.Load(); n > 0 {
			x.Counts.Failed.Add(n)
		}
	}
	return err
}

func (x *Edge) pass(ctx context.Context, batch []flow.Event) error {
	err := inOrder(ctx, x.To, batch)
	x.Counts.add(len(batch), err)
	return err
}

// ways is how an edge chooses.
type ways Edge

func (x *ways) Choose(e *flow.Event) (step.Way, error) {
	pass, err := x.Where.Test(e)
	if pass {
		return 1, err
	}
	return step.Nowhere, err
}

func (x *ways) Pass(ctx context.Context, _ step.Way, run []flow.Event) error {
	return (*Edge)(x).pass(ctx, run)
}

func (x *ways) Refuse(ctx context.Context, e *flow.Event, cause error) error {
	if x.Problems == nil {
		return cause
	}
	return x.Problems.Handle(ctx, flow.Problem{Kind: "where", At: step.Place(x.Where, cause), Err: cause, Event: *e})
}

// inOrder sends batch to each sink in turn, leaving out what has failed.
func inOrder(ctx context.Context, sinks []flow.Sink, batch []flow.Event) error {
	if len(sinks) == 1 {
		return sinks[0].Send(ctx, batch)
	}
	var t step.Tally
	for _, s := range sinks {
		for i := 0; i < len(batch); {
			end := i
			for end < len(batch) && !t.Failed(end) {
				end++
			}
			if end > i {
				t.Add(len(batch), i, end-i, s.Send(ctx, batch[i:end]))
			}
			// What has just failed was sent already: go on behind the run.
			i = end + 1
		}
	}
	return t.Err()
}

// FanOut returns a sink that sends to all of sinks, for the edges at one port:
// each gets every event, and an event is delivered when all have taken it. One
// sink comes back as itself, none as nil.
func FanOut(sinks []flow.Sink) flow.Sink {
	switch len(sinks) {
	case 0:
		return nil
	case 1:
		return sinks[0]
	}
	return &fanOut{sinks}
}

type fanOut struct{ sinks []flow.Sink }

func (f *fanOut) Send(ctx context.Context, batch []flow.Event) error {
	var t step.Tally
	for _, s := range f.sinks {
		t.Add(len(batch), 0, len(batch), s.Send(ctx, batch))
	}
	return t.Err()
}

// BestEffort leaves an edge out of the acknowledgement. It sends as the edge
// does, and waits for it, but what fails there is logged, and the event counts as
// delivered. Its fields are set before the first Send.
type BestEffort struct {
	To  flow.Sink
	Log *zap.Logger // rate-limited
}

// Send implements flow.Sink.
func (b *BestEffort) Send(ctx context.Context, batch []flow.Event) error {
	if err := b.To.Send(ctx, batch); err != nil {
		n := 0
		flow.Failures(err, len(batch), func(int, error) { n++ })
		b.Log.Warn("a best-effort edge did not deliver", zap.Int("events", n), zap.Error(err))
	}
	return nil
}
