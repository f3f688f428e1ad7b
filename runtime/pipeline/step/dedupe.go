package step

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Dedupe is the configuration of a step that drops what came before.
type Dedupe struct {
	Key     flow.Expr        `hcl:"key" required:"true" doc:"events with equal keys are duplicates; null is no key, and such events pass"`
	TTL     setting.Duration `hcl:"ttl" min:"1ms" doc:"how long a key is remembered, from the event that passed"`
	MaxKeys int              `hcl:"max_keys" min:"1" doc:"keys that are remembered; the oldest is forgotten for one more"`
}

// Ports implements flow.StepConfig: a dedupe has none of its own.
func (d *Dedupe) Ports() []string { return nil }

// New implements flow.StepConfig.
func (d *Dedupe) New(env flow.StepEnv) (flow.Sink, error) {
	if d.Key == nil {
		return nil, &setting.Error{Field: "key", Err: errors.New("a dedupe needs a key: what duplicates have in common")}
	}
	return &deduper{Dedupe: *d, env: env, seen: NewKeyed[time.Time](d.MaxKeys)}, nil
}

type deduper struct {
	Dedupe
	Counters
	env flow.StepEnv

	mu   sync.Mutex
	seen *Keyed[time.Time] // when the event passed
}

func (d *deduper) Send(ctx context.Context, batch []flow.Event) error {
	s := sievings.Get().(*sieving)
	s.deduper, s.now = d, time.Now()
	defer s.release()
	return d.Dispatch(ctx, s, batch)
}

// sieving is a deduper at work on one batch.
type sieving struct {
	*deduper
	now    time.Time
	passed []*Entry[time.Time] // of the run that is not sent yet; nil for an event without a key
}

var sievings = sync.Pool{New: func() any { return new(sieving) }}

func (s *sieving) release() {
	clear(s.passed)
	*s = sieving{passed: s.passed[:0]}
	sievings.Put(s)
}

func (s *sieving) Choose(e *flow.Event) (Way, error) {
	key, err := keyOf(s.Key, e)
	if err != nil {
		return Nowhere, err
	}
	defer key.release()
	var seen *Entry[time.Time]
	if !key.none() {
		if seen = s.remember(key.spelled, s.now); seen == nil {
			return Nowhere, nil
		}
	}
	s.passed = append(s.passed, seen)
	return 1, nil
}

// remember makes an entry of a key that is not known; nil for one that is.
func (d *deduper) remember(key []byte, now time.Time) *Entry[time.Time] {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Two for each that comes: what is past is gone in time, and nobody waits
	// until all of it is.
	for range 2 {
		if old := d.seen.Oldest(); old != nil && now.Sub(old.Value) >= time.Duration(d.TTL) {
			d.seen.Forget(old)
		}
	}
	if known := d.seen.Get(key); known != nil {
		if now.Sub(known.Value) < time.Duration(d.TTL) {
			return nil
		}
		d.seen.Forget(known)
	}
	return d.seen.Add(key, now)
}

var errPanicked = errors.New("a step panicked")

func (s *sieving) Pass(ctx context.Context, _ Way, run []flow.Event) error {
	err := errPanicked
	defer func() { s.settle(err) }()
	err = s.env.Next.Send(ctx, run)
	return err
}

// settle forgets the events of the run that were not delivered, so that they
// pass when they are sent again.
func (s *sieving) settle(err error) {
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		flow.Failures(err, len(s.passed), func(index int, _ error) {
			if e := s.passed[index]; e != nil {
				s.seen.Forget(e)
			}
		})
	}
	clear(s.passed)
	s.passed = s.passed[:0]
}

func (s *sieving) Refuse(ctx context.Context, e *flow.Event, cause error) error {
	return refuse(ctx, &s.env, s.Key, e, cause)
}

var dedupeSpec = flow.Spec[flow.StepConfig]{
	Name:    "dedupe",
	Summary: "drops events whose key came before",
	Doc: "Of the events with equal `key`" + ` one passes; those that come within ` + "`ttl`" + ` of it are dropped, and
count as delivered. A duplicate does not prolong that time: of an endless stream of them, one passes
every ` + "`ttl`" + `. An event whose key is null passes always.

All connections that send into the step share what it remembers, in memory: a restart forgets it. It
remembers ` + "`max_keys`" + ` keys, and forgets the oldest for one more, so that its duplicates pass; a key takes
about 200 bytes, however long it is.

An event that passes and is then not delivered is forgotten: it passes when it is sent again. While it
is under way, its duplicates are dropped; they do not wait to see what becomes of it.

An event for which ` + "`key`" + ` fails goes to the pipeline's ` + "`err`" + ` port; without one it has failed. The
other events of its batch go on.`,
	Example: dedupeExample,
	Config:  func() flow.StepConfig { return &Dedupe{TTL: setting.Duration(time.Minute), MaxKeys: 100000} },
}

const dedupeExample = `connector "metronome" "clock" {
  interval = "1s"
}

connector "stdio" "console" {
  codec = "json"
}

pipeline "fewer" {
  dedupe "one_of_three" {
    key = floor(event.tick / 3)
    ttl = "10s"
  }
}

connect "show" {
  from = connector.clock
  via  = [pipeline.fewer]
  to   = connector.console
}
`
