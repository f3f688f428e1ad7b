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
}

// Send implements flow.Sink.
func (x *Edge) Send(ctx context.Context, batch []flow.Event) error {
	if x.Where == nil {
		return inOrder(ctx, x.To, batch)
	}
	return step.Dispatch(ctx, (*ways)(x), batch)
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
	return inOrder(ctx, x.To, run)
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

// BestEffort is an edge that is left out of the acknowledgement. What [BestEffort.Through]
// returns sends as the edge does, and waits for it, but what fails there is counted
// and logged, and the event counts as delivered.
type BestEffort struct {
	log    *zap.Logger
	failed atomic.Uint64
}

// NewBestEffort returns one that has counted nothing. Its log is rate-limited.
func NewBestEffort(log *zap.Logger) *BestEffort { return &BestEffort{log: log} }

// Failed counts the events that were not delivered, by whatever it led through.
func (b *BestEffort) Failed() uint64 { return b.failed.Load() }

// Account logs what has failed, at the end.
func (b *BestEffort) Account() { b.log.Debug("passed", zap.Uint64("failed", b.Failed())) }

// Through returns the sink that tries to deliver to one.
func (b *BestEffort) Through(to flow.Sink) flow.Sink { return &attempt{b, to} }

type attempt struct {
	*BestEffort
	to flow.Sink
}

// Send implements flow.Sink.
func (a *attempt) Send(ctx context.Context, batch []flow.Event) error {
	if err := a.to.Send(ctx, batch); err != nil {
		n := uint64(0)
		flow.Failures(err, len(batch), func(int, error) { n++ })
		a.failed.Add(n)
		a.log.Warn("a best-effort edge did not deliver", zap.Uint64("events", n), zap.Error(err))
	}
	return nil
}
