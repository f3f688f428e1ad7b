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
	trace() *flow.Trace // of the last event in it that has one
	// ofErrs reports whether err events are in it.
	ofErrs() bool
}

// outbox sends the results of a step in the order in which they were added,
// while no lock is held. What waits in it is about the events of many, so it is
// sent by a goroutine of its own, which ends when nothing waits any more: a
// connection that does not take what is for it holds back its own reader, and
// that must not hold back the others.
//
// The methods that say so take the step's mutex, the others are called with it.
type outbox struct {
	mu      *sync.Mutex // the step's
	env     *flow.StepEnv
	counts  *step.Counters
	clock   *clock // nil in a step that stands alone
	most    int    // results that may wait when more events come
	waiting []result
	busy    int           // results that are being sent
	turns   uint64        // how often some have been
	sending chan struct{} // closed when the goroutine that sends is done; nil while there is none
	missed  atomic.Uint64 // results that nothing took
}

// The bounds of what is sent at a time, and of what may wait (beside all that a
// step finishes at once) when more events come.
const (
	maxSent    = 1024
	maxWaiting = 10000
)

// add puts a result behind the others.
func (o *outbox) add(r result) { o.waiting = append(o.waiting, r) }

// full reports that no more events are to be taken: some who brought them have
// not waited until their results were sent, because their ctx has ended or
// because they bring err events.
func (o *outbox) full() bool { return len(o.waiting) >= o.most }

// room waits until the outbox is not full any more. It takes the mutex.
func (o *outbox) room(ctx context.Context) error {
	if flow.OnErrPath(ctx) {
		return flow.ErrFull
	}
	o.flush(ctx)
	return ctx.Err()
}

// flush waits until all that was added has been sent: a step whose results are
// not taken holds back those who fill it. On the err path it does not wait, since
// it may be called by the very goroutine that sends. It takes the mutex.
func (o *outbox) flush(ctx context.Context) {
	sending := o.start()
	if sending == nil || flow.OnErrPath(ctx) {
		return
	}
	select {
	case <-sending:
	case <-ctx.Done():
	}
}

// finish is flush for those who wait as long as the instance. It takes the
// mutex.
func (o *outbox) finish() {
	if sending := o.start(); sending != nil {
		<-sending
	}
}

// start sees to it that what waits is sent, and returns what is closed then.
func (o *outbox) start() (sending <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sending == nil && len(o.waiting) > 0 {
		o.sending = make(chan struct{})
		go o.send()
	}
	return o.sending
}

// send sends until nothing waits. It takes the mutex.
func (o *outbox) send() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.waiting) > 0 {
		ctx, ofErrs := o.ctx(), o.waiting[0].ofErrs()
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
		o.busy = n
		o.mu.Unlock()
		o.deliver(ctx, batch)
		o.mu.Lock()
		o.busy = 0
		o.turns++
	}
	close(o.sending)
	o.sending = nil
}

// ctx ends with the instance: results do not end with one of those whose events
// are in them.
func (o *outbox) ctx() context.Context {
	if o.clock != nil && o.clock.ctx != nil {
		return o.clock.ctx
	}
	return context.Background()
}

func (o *outbox) deliver(ctx context.Context, batch []result) {
	defer o.catch(len(batch))
	events := make([]flow.Event, 0, len(batch))
	now := time.Now().UnixNano()
	for _, r := range batch {
		v, at, err := r.payload()
		e := flow.Event{Value: v, Origin: r.origin(), Time: now, Trace: r.trace()}
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

// catch keeps a panic in what comes behind from ending the process, and counts
// the results that were being sent.
func (o *outbox) catch(n int) {
	if p := recover(); p != nil {
		o.missed.Add(uint64(n))
		logPanic(o.env.Problems.Log, p)
	}
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

// turn tells which sending is running; false when none is. It takes the mutex.
func (o *outbox) turn() (n uint64, running bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.turns, o.busy > 0
}

// unsent counts the results that wait or are being sent. It takes the mutex.
func (o *outbox) unsent() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting) + o.busy
}
