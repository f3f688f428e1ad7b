package steptest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// ErrRefused is what the sinks fail with.
var ErrRefused = errors.New("refused")

// Recorder notes the words it is sent, a call per line, and refuses some.
type Recorder struct {
	Calls  []string
	Refuse string // words
	Whole  bool   // refuses the whole call instead of single events
}

// Send implements flow.Sink.
func (r *Recorder) Send(_ context.Context, batch []flow.Event) error {
	var words []string
	var err error
	for i := range batch {
		w := Word(&batch[i])
		words = append(words, w)
		if strings.Contains(" "+r.Refuse+" ", " "+w+" ") {
			flow.Fail(&err, i, ErrRefused)
		}
	}
	r.Calls = append(r.Calls, strings.Join(words, " "))
	if r.Whole && err != nil {
		return ErrRefused
	}
	return err
}

// ErrEvents notes the err events it is sent: kind, place, step and word.
type ErrEvents struct{ Got []string }

// Send implements flow.Sink.
func (r *ErrEvents) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		what, _ := batch[i].Value.Object().Get("error")
		var parts []string
		for _, k := range []string{"kind", "at", "step"} {
			v, _ := what.Object().Get(k)
			parts = append(parts, v.Text())
		}
		event, _ := batch[i].Value.Object().Get("event")
		parts = append(parts, Word(&flow.Event{Value: event}))
		r.Got = append(r.Got, strings.Join(parts, " "))
	}
	return nil
}

// Taker notes what leaves a pipeline, from any goroutine: each event's payload
// as text with the numbers of the connections that it answers, and when, by the
// clock, from the start of the test.
type Taker struct {
	Fail  func(i int) error // for the event of that number
	Block chan struct{}     // Send waits for it
	Calls int               // of Send

	start time.Time
	mu    sync.Mutex
	got   []string
}

// NewTaker returns one for a test that begins now.
func NewTaker() *Taker { return &Taker{start: time.Now()} }

// Send implements flow.Sink.
func (k *Taker) Send(ctx context.Context, batch []flow.Event) error {
	if k.Block != nil {
		select {
		case <-k.Block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Calls++
	var failed error
	for i := range batch {
		if k.Fail != nil {
			if err := k.Fail(len(k.got)); err != nil {
				flow.Fail(&failed, i, err)
			}
		}
		k.got = append(k.got, fmt.Sprintf("%v: %s%s", time.Since(k.start), Shown(batch[i].Value), answers(batch[i].Origin)))
	}
	return failed
}

// All returns what has come so far.
func (k *Taker) All() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.got
}

// Payloads returns what has come without its time.
func (k *Taker) Payloads() (all []string) {
	for _, s := range k.All() {
		_, s, _ = strings.Cut(s, ": ")
		all = append(all, s)
	}
	return all
}

// Each is called for each event, and fails those for which it returns an error.
type Each func(*flow.Event) error

// Send implements flow.Sink.
func (f Each) Send(_ context.Context, batch []flow.Event) error {
	var err error
	for i := range batch {
		if cause := f(&batch[i]); cause != nil {
			flow.Fail(&err, i, cause)
		}
	}
	return err
}

// Discard counts what it is sent.
type Discard struct{ N int }

// Send implements flow.Sink.
func (d *Discard) Send(_ context.Context, batch []flow.Event) error {
	d.N += len(batch)
	return nil
}
