package pipeline

import (
	"cmp"
	"context"
	"math"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Batch is the configuration of a step that makes a list of several events.
type Batch struct {
	MaxEvents int              `hcl:"max_events" min:"1" doc:"events in a list"`
	MaxWait   setting.Duration `hcl:"max_wait" min:"1ms" max:"3650d" doc:"how long the first event of a list waits for others"`
	MaxBytes  setting.Size     `hcl:"max_bytes" min:"1B" doc:"about how large the events of a list are together; one that is larger by itself is alone in its list"`
}

// Ports implements flow.StepConfig: a batch has none of its own.
func (b *Batch) Ports() []string { return nil }

// New implements flow.StepConfig.
func (b *Batch) New(env flow.StepEnv) (flow.Sink, error) {
	s := &batcher{Batch: *b, env: env}
	s.out = outbox{mu: &s.mu, env: &s.env, counts: &s.Counters, most: maxWaiting}
	return s, nil
}

// batcher is the step.
type batcher struct {
	Batch
	step.Counters
	env   flow.StepEnv
	clock *clock

	mu       sync.Mutex // guards what follows; nothing is sent while it is held
	list     list
	finished bool
	out      outbox
}

// list is what is collected. It is a result when it is full.
type list struct {
	events  []flow.Value
	bytes   int
	since   int64 // by the clock, when its first event came
	due     int64
	origins origins
	seen    *flow.Trace // of the last event that has one
	errs    bool        // err events are among them
}

// over reports whether the list has waited for as long as it may at the time
// now, or somebody has set the clock back since it began.
func (l *list) over(now int64) bool {
	return len(l.events) > 0 && (now >= l.due || now < l.since-int64(time.Minute))
}

func (l *list) payload() (flow.Value, string, error) { return flow.ListOf(l.events), "", nil }
func (l *list) origin() *flow.Origin                 { return l.origins.union() }
func (l *list) trace() *flow.Trace                   { return l.seen }
func (l *list) ofErrs() bool                         { return l.errs }

// Send implements flow.Sink.
func (b *batcher) Send(ctx context.Context, batch []flow.Event) error {
	taken, closed := b.take(ctx, batch)
	for !taken {
		if err := b.out.room(ctx); err != nil {
			return err
		}
		taken, closed = b.take(ctx, batch)
	}
	if closed {
		b.out.flush(ctx)
	}
	return nil
}

// take puts a batch into lists, unless there is no room for these; closed is
// whether it has closed any.
func (b *batcher) take(ctx context.Context, batch []flow.Event) (taken, closed bool) {
	now, errs := time.Now().UnixNano(), flow.OnErrPath(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out.full() {
		return false, false
	}
	before := len(b.out.waiting)
	if b.list.over(now - slack) {
		b.close()
	}
	waited := len(b.list.events) > 0
	for i := range batch {
		b.put(&batch[i], now, errs)
	}
	b.Counters.Add(len(batch), 0, 0, 0)
	b.Held.Add(int64(len(batch)))
	switch {
	case b.finished:
		b.close()
	case !waited && len(b.list.events) > 0 && b.clock != nil:
		b.clock.by(b.list.due)
	}
	return true, len(b.out.waiting) > before
}

func (b *batcher) put(e *flow.Event, now int64, errs bool) {
	v := e.HeldPayload()
	size := v.Size()
	if b.list.bytes+size > int(b.MaxBytes) {
		b.close()
	}
	l := &b.list
	if len(l.events) == 0 {
		l.since, l.due = now, now+int64(b.MaxWait)
	}
	l.events = append(l.events, v)
	l.bytes += size
	l.origins.add(e.Origin, math.MaxInt)
	l.seen = cmp.Or(e.Trace, l.seen)
	l.errs = l.errs || errs
	if len(l.events) >= b.MaxEvents || l.bytes >= int(b.MaxBytes) {
		b.close()
	}
}

// close hands the list to the outbox, if there is anything in it.
func (b *batcher) close() {
	if len(b.list.events) == 0 {
		return
	}
	full := b.list
	b.list = list{}
	b.Held.Add(-int64(len(full.events)))
	b.out.add(&full)
}

// keep implements holder.
func (b *batcher) keep(c *clock) { b.clock, b.out.clock = c, c }

// results implements holder.
func (b *batcher) results() *outbox { return &b.out }

// tick implements holder.
func (b *batcher) tick(ctx context.Context, now int64) (next int64) {
	b.mu.Lock()
	if b.list.over(now) {
		b.close()
	}
	next = never
	if len(b.list.events) > 0 {
		next = b.list.due
	}
	b.mu.Unlock()
	b.out.flush(ctx)
	return next
}

// finish implements holder.
func (b *batcher) finish() {
	b.mu.Lock()
	b.finished = true
	b.close()
	b.mu.Unlock()
	b.out.finish()
}

var batchSpec = flow.Spec[flow.StepConfig]{
	Name:    "batch",
	Summary: "makes one event of several: the list of them",
	Doc: `A list goes on when it has ` + "`max_events`" + `, when its first event has waited for ` + "`max_wait`" + `, and
before it would be larger than ` + "`max_bytes`" + `, whichever comes first; and when the process ends. Its
events are in the order in which they came. It has no meta, and answers every connection that an
event in it came from, once.

An event counts as delivered when the list has taken it. A crash loses what is in the list: at most
` + "`max_events`" + ` of each use of the pipeline. When a list cannot be delivered, it goes to the pipeline's
` + "`err`" + ` port; without one it is lost, which is logged and counted. As long as a list is not taken by what
comes behind, those who bring more events wait.`,
	Example: batchExample,
	Config: func() flow.StepConfig {
		return &Batch{MaxEvents: 100, MaxWait: setting.Duration(time.Second), MaxBytes: 1 << 20}
	},
}

const batchExample = `connector "metronome" "clock" {
  interval = "100ms"
  event    = jsonencode({ text = "hello" })
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "in_tens" {
  batch "ten" {
    max_events = 10
    max_wait   = "5s"
  }
}

connect "show" {
  from = connector.clock
  via  = [pipeline.in_tens]
  to   = connector.console
}
`
