package pipeline

import (
	"context"

	"github.com/flowrun/flowrun/runtime/flow"
)

// A way is where an event goes: a number that only its chooser understands.
type way uint64

// nowhere is the way of an event that is filtered out.
const nowhere way = 0

// chooser is a step that sends each event on unchanged.
type chooser interface {
	// choose says which way an event goes.
	choose(e *flow.Event) (way, error)
	// send sends events that go the same way, which is not nowhere.
	send(ctx context.Context, w way, run []flow.Event) error
	// refuse deals with an event for which choose returned an error. It
	// returns nil when the event counts as handled.
	refuse(ctx context.Context, e *flow.Event, cause error) error
}

// dispatch sends a batch through c, in runs of events that go the same way.
func dispatch(ctx context.Context, c chooser, batch []flow.Event) error {
	return (*counters)(nil).dispatch(ctx, c, batch)
}

// dispatch is the same for a step that counts what becomes of its events.
func (n *counters) dispatch(ctx context.Context, c chooser, batch []flow.Event) error {
	var failed error
	var out, dropped, refused int
	start, current := 0, nowhere // the run that ends before i
	flush := func(end int) {
		if current == nowhere {
			dropped += end - start
			return
		}
		out += end - start
		if err := c.send(ctx, current, batch[start:end]); err != nil {
			addFailures(&failed, start, end-start, err)
		}
	}
	for i := range batch {
		w, err := c.choose(&batch[i])
		if err == nil && w == current {
			continue
		}
		flush(i)
		start, current = i, w
		if err != nil {
			start, current = i+1, nowhere
			refused++
			if err := c.refuse(ctx, &batch[i], err); err != nil {
				flow.Fail(&failed, i, err)
			}
		}
	}
	flush(len(batch))
	n.add(len(batch), out, dropped, refused)
	return failed
}

// addFailures adds to *failed what err says of n events that begin at index
// from.
func addFailures(failed *error, from, n int, err error) {
	flow.Failures(err, n, func(index int, cause error) { flow.Fail(failed, from+index, cause) })
}

// tally collects, event by event, what several sends of the same events came
// to. It costs nothing while all goes well.
type tally struct {
	causes []error // by index in the batch; the first cause counts
}

// add takes the result of sending the n events from index from, out of a batch
// of size.
func (t *tally) add(size, from, n int, err error) {
	if err == nil {
		return
	}
	flow.Failures(err, n, func(index int, cause error) { t.fail(size, from+index, cause) })
}

// fail notes that an event failed, out of a batch of size.
func (t *tally) fail(size, index int, cause error) {
	if t.causes == nil {
		t.causes = make([]error, size)
	}
	if t.causes[index] == nil {
		t.causes[index] = cause
	}
}

// err is the tally as the result of a Send.
func (t *tally) err() error {
	var failed error
	for i, cause := range t.causes {
		if cause != nil {
			flow.Fail(&failed, i, cause)
		}
	}
	return failed
}
