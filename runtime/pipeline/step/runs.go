package step

import (
	"context"

	"github.com/flowrun/flowrun/runtime/flow"
)

// A Way is where an event goes: a number that only its Chooser understands.
type Way uint64

// Nowhere is the way of an event that is filtered out.
const Nowhere Way = 0

// Chooser is a step that sends each event on unchanged.
type Chooser interface {
	// Choose says which way an event goes.
	Choose(e *flow.Event) (Way, error)
	// Pass sends events that go the same way, which is not Nowhere.
	Pass(ctx context.Context, w Way, run []flow.Event) error
	// Refuse deals with an event for which Choose returned an error. It
	// returns nil when the event counts as handled.
	Refuse(ctx context.Context, e *flow.Event, cause error) error
}

// Dispatch sends a batch through s, in runs of events that go the same way.
func Dispatch(ctx context.Context, s Chooser, batch []flow.Event) error {
	return (*Counters)(nil).Dispatch(ctx, s, batch)
}

// Dispatch is the same for a step that counts what becomes of its events.
func (c *Counters) Dispatch(ctx context.Context, s Chooser, batch []flow.Event) error {
	var failed error
	var out, dropped, refused int
	start, current := 0, Nowhere // the run that ends before i
	flush := func(end int) {
		if current == Nowhere {
			dropped += end - start
			return
		}
		out += end - start
		if err := s.Pass(ctx, current, batch[start:end]); err != nil {
			addFailures(&failed, start, end-start, err)
		}
	}
	for i := range batch {
		w, err := s.Choose(&batch[i])
		if err == nil && w == current {
			continue
		}
		flush(i)
		start, current = i, w
		if err != nil {
			start, current = i+1, Nowhere
			refused++
			if err := s.Refuse(ctx, &batch[i], err); err != nil {
				flow.Fail(&failed, i, err)
			}
		}
	}
	flush(len(batch))
	c.Add(len(batch), out, dropped, refused)
	return failed
}

// addFailures adds to *failed what err says of n events that begin at index
// from.
func addFailures(failed *error, from, n int, err error) {
	flow.Failures(err, n, func(index int, cause error) { flow.Fail(failed, from+index, cause) })
}

// Tally collects, event by event, what several sends of the same events came
// to. It costs nothing while all goes well.
type Tally struct {
	causes []error // by index in the batch; the first cause counts
}

// Add takes the result of sending the n events from index from, out of a batch
// of size.
func (t *Tally) Add(size, from, n int, err error) {
	if err == nil {
		return
	}
	flow.Failures(err, n, func(index int, cause error) { t.Fail(size, from+index, cause) })
}

// Fail notes that an event failed, out of a batch of size.
func (t *Tally) Fail(size, index int, cause error) {
	if t.causes == nil {
		t.causes = make([]error, size)
	}
	if t.causes[index] == nil {
		t.causes[index] = cause
	}
}

// Failed reports whether an event has failed.
func (t *Tally) Failed(index int) bool { return t.causes != nil && t.causes[index] != nil }

// Err is the tally as the result of a Send.
func (t *Tally) Err() error {
	var failed error
	for i, cause := range t.causes {
		if cause != nil {
			flow.Fail(&failed, i, cause)
		}
	}
	return failed
}
