package pipeline

import (
	"cmp"
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"go.uber.org/zap"
)

// window is the step. All times are nanoseconds since 1970.
//
// A group's events are in panes: parts of the stream that do not overlap. A
// tumbling window and a session are one pane; a sliding window is several, of
// which the oldest leaves and a new one comes with each `every`. A pane that
// has been in a result gets no more events, so results are computed from panes
// without the lock.
type window struct {
	Window
	step.Counters
	env   flow.StepEnv
	clock *clock
	kind  windowKind
	width int64 // of a window: time, or number of events
	step  int64 // of a pane: time, or number of events; the gap of a session

	mu       sync.Mutex // guards what follows; nothing is sent while it is held
	groups   *step.Keyed[group]
	due      agenda // the groups that close by time
	closed   int64  // panes that end before this have closed, and get no more events
	newest   int64  // with time: how far the stream has come, less lateness
	seen     int64  // with time: when the last event came, by the clock
	sending  int    // Sends that are going on
	arrivals uint64
	closing  []*closedWindow
	finished bool
	out      outbox
	span     span // used by the one who sends
}

type windowKind int

const (
	byTime windowKind = iota
	byCount
	bySilence
)

// longAgo is before all times of events.
const longAgo = math.MinInt64 / 8 * 7

// slack is how long a window that is due is left to the timer goroutine before
// a Send closes it. It keeps the readers of connections free of that, as long as
// results are taken in time.
const slack = int64(100 * time.Millisecond)

var (
	errGroups = errors.New("there is no room for another group: the window keeps max_groups of them")
	errItems  = errors.New("the group is full: it keeps max_items values for collect and distinct")
	errLate   = errors.New("the event is late: its window has closed")
)

// Send implements flow.Sink.
func (w *window) Send(ctx context.Context, batch []flow.Event) error {
	a := arriving.Get().(*arrivals)
	defer a.release()
	a.look(ctx, w, batch)
	for !w.take(a, batch) {
		if err := w.out.room(ctx); err != nil {
			return err
		}
	}
	if w.Time != nil {
		defer w.rest()
	}
	if a.closed {
		w.out.flush(ctx)
	}
	var failed error
	for _, r := range a.refused {
		problem := flow.Problem{Kind: "step", At: w.place(r.Err), Step: w.env.Label, Err: r.Err, Event: batch[r.Index]}
		if err := w.env.Problems.Handle(ctx, problem); err != nil {
			flow.Fail(&failed, r.Index, err)
		}
	}
	return failed
}

// place is where in the flow file a mistake of an event is.
func (w *window) place(cause error) string {
	var part interface{ At() string }
	switch {
	case errors.As(cause, &part):
		return part.At()
	case w.Time != nil && !errors.Is(cause, errGroups) && !errors.Is(cause, errItems):
		return w.Time.At()
	}
	return ""
}

// take puts a batch into panes, unless there is no room for their results.
func (w *window) take(a *arrivals, batch []flow.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out.full() {
		return false
	}
	soonest := w.due.first()
	if w.Time == nil && a.now-slack >= soonest {
		w.closeDue(a.now)
	}
	dropped := 0
	for i := range batch {
		x := &a.events[i]
		if x.err == nil {
			x.err = w.put(&batch[i], x, a)
		}
		switch {
		case x.err == nil:
		case errors.Is(x.err, errDropped):
			dropped++
		default:
			a.refused = append(a.refused, flow.Failure{Index: i, Err: x.err})
		}
	}
	if w.finished {
		w.closeAll()
	}
	w.seen, a.closed = a.now, len(w.closing) > 0
	w.hand()
	w.Counters.Add(len(batch), 0, dropped, len(a.refused))
	if next := w.due.first(); next < soonest && w.clock != nil {
		w.clock.by(w.onClock(next, a.now))
	}
	if w.Time != nil {
		w.sending++
	}
	return true
}

// rest notes that a Send is over: from now on it may be that no event comes.
func (w *window) rest() {
	now := time.Now().UnixNano()
	w.mu.Lock()
	w.sending--
	w.seen = now
	w.mu.Unlock()
}

var errDropped = errors.New("dropped")

// put takes one event into its pane.
func (w *window) put(e *flow.Event, x *arrival, a *arrivals) error {
	t := x.time
	if w.Time == nil {
		t = max(a.now, w.closed) // although somebody may set the clock back
		w.closed = t
	} else {
		w.moveOn(t)
	}
	key := a.keyOf(x)
	g := w.groups.Get(key)
	for {
		var p *pane
		if g != nil {
			p = w.find(&g.Value, t)
		}
		full := p != nil && p.acc.Items() >= w.MaxItems
		crowded := g == nil && w.groups.Len() >= w.MaxGroups
		switch {
		case w.Time != nil && w.late(p, t):
			if w.Late == "err" {
				return errLate
			}
			return errDropped
		case !full && !crowded:
			return w.add(g, p, key, x, e, t, a.errs)
		case w.OnOverflow == "drop":
			return errDropped
		case w.OnOverflow == "close" && full:
			w.forget(g)
			g = nil
		case w.OnOverflow == "close":
			w.forget(w.groups.Oldest())
		case full:
			return errItems
		default:
			return errGroups
		}
	}
}

// moveOn follows the stream's own time.
func (w *window) moveOn(t int64) {
	mark := t - int64(w.Lateness)
	if mark <= w.newest {
		return
	}
	w.newest = mark
	if mark >= w.due.first() {
		w.closeDue(mark)
	}
	w.closed = max(w.closed, mark)
}

// late reports whether an event at t comes when its window has closed. p is
// the pane that would take it.
func (w *window) late(p *pane, t int64) bool {
	if w.kind == bySilence {
		return p == nil && t+w.step <= w.closed
	}
	return floor(t, w.step)+w.step <= w.closed
}

// floor is the multiple of step at t or before.
func floor(t, step int64) int64 {
	if r := t % step; r < 0 {
		return t - r - step
	} else {
		return t - r
	}
}

// add counts an event in pane p of group g, each of which is nil when there is
// none yet.
func (w *window) add(g *step.Entry[group], p *pane, key []byte, x *arrival, e *flow.Event, t int64, errs bool) error {
	created := p == nil
	if created {
		p = &pane{acc: w.Emit.New(), start: t, end: t, arrived: w.arrivals}
		if w.kind == byTime {
			p.start = floor(t, w.step)
			p.end = p.start + w.step
		}
	}
	if err := p.acc.Add(e); err != nil {
		return err
	}
	w.arrivals++
	w.Held.Add(1)
	p.events++
	p.trace = cmp.Or(e.Trace, p.trace)
	p.errs = p.errs || errs
	switch w.Origins {
	case "all":
		w.addOrigin(&p.origins, e.Origin)
	case "last":
		p.origins.only(e.Origin)
	}
	if g == nil {
		g = w.groups.Add(key, group{key: x.key.Held(), place: -1})
	}
	if created {
		g.Value.insert(p)
	}
	w.settle(g, p, t)
	return nil
}

// addOrigin adds connections to those that a result answers.
func (w *window) addOrigin(to *origins, o *flow.Origin) {
	if !to.add(o, w.MaxOrigins) && !to.told {
		to.told = true
		w.env.Problems.Log.Warn("a window has events of more than max_origins connections: the others get no answer",
			zap.String("step", w.env.Label), zap.Int("max_origins", w.MaxOrigins))
	}
}

// hand gives closed windows to the outbox, in the order of start and then of
// the group's first arrival.
func (w *window) hand() {
	if len(w.closing) == 0 {
		return
	}
	sortClosed(w.closing)
	for _, c := range w.closing {
		w.out.add(c)
	}
	clear(w.closing) // or they would stay in memory until as many close again
	w.closing = w.closing[:0]
}

// keep implements holder.
func (w *window) keep(c *clock) { w.clock, w.out.clock = c, c }

// results implements holder.
func (w *window) results() *outbox { return &w.out }

// tick implements holder.
func (w *window) tick(ctx context.Context, now int64) (next int64) {
	next = w.closeAt(now)
	w.out.flush(ctx)
	return next
}

// closeAt closes what is due by the clock, and returns when something is next.
func (w *window) closeAt(now int64) (next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if due := w.due.first(); w.onClock(due, now) <= now {
		// Beside what is due now, a silent stream has come as far as this.
		w.closeDue(due + now - w.onClock(due, now))
	}
	w.hand()
	return w.onClock(w.due.first(), now)
}

// onClock is when what is due at a time of the stream is due by the clock. With
// time, that is as far off as the stream's own time has still to go: while
// nothing comes, it goes on with the clock. It does not while a Send is going
// on, which may be waiting for somebody who is slow.
func (w *window) onClock(due, now int64) int64 {
	if w.Time == nil || due == never {
		return due
	}
	since := w.seen
	if w.sending > 0 {
		since = now
	}
	return since + due - w.newest
}

// finish implements holder.
func (w *window) finish() {
	w.mu.Lock()
	w.finished = true
	w.closeAll()
	w.hand()
	w.mu.Unlock()
	w.out.finish()
}
