package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"go.uber.org/zap"
)

// result is something that a step has finished, and that becomes an event when
// it is sent.
type result interface {
	// payload computes it. at is the place of the expression that failed.
	payload() (v flow.Value, at string, err error)
	origin() *flow.Origin
	// ofErrs reports whether err events are in it.
	ofErrs() bool
}

// outbox sends the results of a step in the order in which they were added. It
// is sent by whoever finds it filled, one goroutine at a time, and while no
// lock is held.
//
// The methods that say so take the step's mutex, the others are called with it.
type outbox struct {
	mu      *sync.Mutex // the step's
	env     *flow.StepEnv
	counts  *step.Counters
	clock   *clock // nil in a step that stands alone
	waiting []result
	sending chan struct{} // closed when the one who sends is done; nil when nobody does
	missed  atomic.Uint64
}

// The bounds of what is sent at a time, and of what may wait when more events
// come.
const (
	maxSent    = 1024
	maxWaiting = 10000
)

// add puts a result behind the others.
func (o *outbox) add(r result) { o.waiting = append(o.waiting, r) }

// full reports that no more events are to be taken: some who brought them have
// not waited until their results were sent, because their ctx has ended or
// because they bring err events.
func (o *outbox) full() bool { return len(o.waiting) >= maxWaiting }

// room waits until the outbox is not full any more. It takes the mutex.
func (o *outbox) room(ctx context.Context) error {
	if flow.OnErrPath(ctx) {
		return flow.ErrFull
	}
	o.flush(ctx)
	return ctx.Err()
}

// flush sends what waits, or waits for whoever is doing so: a step whose
// results are not taken holds back those who fill it. It takes the mutex.
func (o *outbox) flush(ctx context.Context) {
	for {
		o.mu.Lock()
		sending := o.sending
		if len(o.waiting) == 0 {
			o.mu.Unlock()
			return
		}
		if sending == nil {
			o.sending = make(chan struct{})
			o.mu.Unlock()
			o.send(ctx)
			return
		}
		o.mu.Unlock()
		if flow.OnErrPath(ctx) {
			return // it may be this very goroutine that sends
		}
		select {
		case <-sending:
		case <-ctx.Done():
			return
		}
	}
}

// send sends until nothing waits. It takes the mutex.
func (o *outbox) send(ctx context.Context) {
	if o.clock != nil && o.clock.ctx != nil {
		ctx = onBehalf{o.clock.ctx, ctx}
	}
	o.mu.Lock()
	defer func() { // in spite of a panic in what comes behind
		close(o.sending)
		o.sending = nil
		o.mu.Unlock()
	}()
	for len(o.waiting) > 0 {
		ctx, ofErrs := ctx, o.waiting[0].ofErrs()
		if ofErrs { // or what fails would come back for ever
			ctx = flow.ErrPath(ctx)
		}
		n := 1
		for n < min(len(o.waiting), maxSent) && o.waiting[n].ofErrs() == ofErrs {
			n++
		}
		batch := o.waiting[:n]
		if o.waiting = o.waiting[n:]; len(o.waiting) == 0 {
			o.waiting = nil
		}
		o.unlocked(func() { o.deliver(ctx, batch) })
	}
}

// onBehalf is the ctx of a Send of results: others have a part in them, so it
// does not end with the one who happens to send them, but with the instance. What
// the sender's ctx carries, it carries.
type onBehalf struct {
	context.Context
	sender context.Context
}

func (c onBehalf) Value(key any) any { return c.sender.Value(key) }

func (o *outbox) unlocked(f func()) {
	o.mu.Unlock()
	defer o.mu.Lock()
	f()
}

func (o *outbox) deliver(ctx context.Context, batch []result) {
	events := make([]flow.Event, 0, len(batch))
	now := time.Now().UnixNano()
	for _, r := range batch {
		v, at, err := r.payload()
		e := flow.Event{Value: v, Origin: r.origin(), Time: now}
		if err != nil {
			o.counts.Add(0, 0, 0, 1)
			o.report(ctx, e, at, err)
			continue
		}
		events = append(events, e)
	}
	if len(events) == 0 {
		return
	}
	o.counts.Add(0, len(events), 0, 0)
	err := o.env.Next.Send(ctx, events)
	flow.Failures(err, len(events), func(i int, cause error) { o.report(ctx, events[i], "", cause) })
}

// report tells of a result that could not be made or delivered. Nobody waits
// for the events behind it any more, so what err does not take is lost.
func (o *outbox) report(ctx context.Context, e flow.Event, at string, cause error) {
	problem := flow.Problem{Kind: "step", At: at, Step: o.env.Label, Err: cause, Event: e}
	if o.env.Problems.Handle(ctx, problem) != nil {
		o.missed.Add(1)
		o.env.Problems.Log.Warn("a result is lost: nothing took it", zap.String("step", o.env.Label), zap.Error(cause))
	}
}

// lost counts the results that nothing took.
func (o *outbox) lost() uint64 { return o.missed.Load() }
