package pipeline

import (
	"context"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"go.uber.org/zap"
)

// holder is a step that takes events and acknowledges them before they, or
// what is made of them, have been sent on.
type holder interface {
	flow.Sink
	// keep hands the step its clock, before the first Send.
	keep(c *clock)
	// tick sends what is due at now (nanoseconds since 1970) and returns when
	// it wants to be called again; never when there is nothing to wait for.
	// One goroutine calls it.
	tick(ctx context.Context, now int64) (next int64)
	// finish sends all that is held. What is sent to the step afterwards it
	// holds only until that Send returns. It is not called while tick runs.
	finish()
	// results are those that it has finished.
	results() *outbox
	Counts() *step.Counters
}

const never = math.MaxInt64

// longestWait is how long the timer goroutine trusts in the clock: somebody may
// set it, or the machine may have slept.
const longestWait = time.Minute

// clock wakes an instance's timer goroutine.
type clock struct {
	next  atomic.Int64    // when it wakes by itself
	alarm chan struct{}   // wakes it at once
	ctx   context.Context // the instance's, from Start on
}

// by sees to it that the steps are asked at the time at, or before.
func (c *clock) by(at int64) {
	for next := c.next.Load(); at < next; next = c.next.Load() {
		if c.next.CompareAndSwap(next, at) {
			select {
			case c.alarm <- struct{}{}:
			default: // it has been woken already
			}
			return
		}
	}
}

// wait is how long to sleep.
func (c *clock) wait() time.Duration {
	next := c.next.Load()
	d := time.Duration(next - time.Now().UnixNano())
	if next == never {
		return d
	}
	return min(d, longestWait)
}

// timing is what an Instance keeps for its steps that hold events.
type timing struct {
	holders []holder // in the order of the flow
	clock   clock
	stop    chan struct{} // closed by Finish
	stopped chan struct{} // closed when the goroutine has ended; nil while there is none
	end     sync.Once
}

// init finds the steps that hold events.
func (t *timing) init(steps []part) {
	t.clock.alarm = make(chan struct{}, 1)
	t.clock.next.Store(never)
	t.stop = make(chan struct{})
	for _, s := range steps {
		if h, ok := s.sink.(holder); ok {
			h.keep(&t.clock)
			t.holders = append(t.holders, h)
		}
	}
}

// Start begins to send what steps hold when it is due: without it, that
// happens only while events come, and in Finish. There is one goroutine for
// all steps of an instance, and none where no step holds anything. It ends with
// Finish; ctx ends all waits for what comes behind, and is what results are sent
// with. Start is called once, before events come.
func (i *Instance) Start(ctx context.Context) {
	if len(i.timing.holders) == 0 {
		return
	}
	i.timing.clock.ctx = ctx
	i.timing.stopped = make(chan struct{})
	go i.run(ctx)
}

func (i *Instance) run(ctx context.Context) {
	t := &i.timing
	defer close(t.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-t.clock.alarm:
		case <-t.stop:
			return
		}
		// Until the steps have answered, any time that is asked for is news.
		t.clock.next.Store(never)
		next := int64(never)
		for _, h := range t.holders {
			next = min(next, i.tick(ctx, h))
		}
		t.clock.by(next)
		select { // it was we who have woken ourselves, or it costs a turn
		case <-t.clock.alarm:
		default:
		}
		timer.Reset(t.clock.wait())
	}
}

// tick asks one step.
func (i *Instance) tick(ctx context.Context, h holder) (next int64) {
	now := time.Now().UnixNano()
	next = now + int64(time.Second) // after a panic
	i.catch(func() { next = h.tick(ctx, now) })
	return next
}

// catch keeps a panic of one step from ending the others' time.
func (i *Instance) catch(call func()) {
	defer func() {
		if p := recover(); p != nil {
			logPanic(i.problems.Log, p)
		}
	}()
	call()
}

func logPanic(log *zap.Logger, p any) {
	log.Error("a step panicked, which is a bug in it", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
}

// Finish sends all that steps hold, the first step first, and ends what Start
// began. Events may still come afterwards: what is made of them leaves within
// the Send that brings them. The end of Start's ctx ends its waits. It may be
// called more than once, from any goroutine.
func (i *Instance) Finish() {
	t := &i.timing
	t.end.Do(func() { close(t.stop) })
	if t.stopped != nil {
		<-t.stopped
	}
	for _, h := range t.holders {
		i.catch(h.finish)
	}
}

// passInterval is how often a wait looks whether what is being sent has been.
const passInterval = time.Millisecond

// Pass waits until what steps are sending now of what they held has been sent:
// nothing of it is on its way any more then to what the instance's ports led to
// before they were connected to something else. The error is ctx's.
func (i *Instance) Pass(ctx context.Context) error {
	tick := time.NewTicker(passInterval)
	defer tick.Stop()
	for _, h := range i.timing.holders {
		turn, running := h.results().turn()
		for running {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			var now uint64
			now, running = h.results().turn()
			running = running && now == turn
		}
	}
	return nil
}

// Holds reports whether a step of it holds events.
func (i *Instance) Holds() bool { return len(i.timing.holders) > 0 }

// Lost counts what steps made of events that they had acknowledged, and that
// neither the next step nor err took.
func (i *Instance) Lost() (n uint64) {
	for _, h := range i.timing.holders {
		n += h.results().missed.Load()
	}
	return n
}

// Held counts the events that steps hold now, and the results that they have
// finished and not sent.
func (i *Instance) Held() (n int) {
	for _, h := range i.timing.holders {
		n += int(h.Counts().Held.Load()) + h.results().unsent()
	}
	return n
}
