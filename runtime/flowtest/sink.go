package flowtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// patience is how long a condition may take to come true. It only bounds
// tests that fail.
var patience = time.Minute

// Sink records the events that it is sent. The zero Sink is ready for use, by
// any number of goroutines.
type Sink struct {
	// Refuse, when set, decides the fate of each event: the error that it
	// returns fails the event, which is not recorded then. Set it before the
	// first Send.
	Refuse func(e *flow.Event) error

	mu      sync.Mutex
	events  []flow.Event
	batches []int
	changed chan struct{}
}

// Send implements flow.Sink.
func (s *Sink) Send(_ context.Context, batch []flow.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for i := range batch {
		if s.Refuse != nil {
			if cause := s.Refuse(&batch[i]); cause != nil {
				flow.Fail(&err, i, cause)
				continue
			}
		}
		s.events = append(s.events, batch[i].Held())
	}
	s.batches = append(s.batches, len(batch))
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return err
}

// Events returns what has arrived so far.
func (s *Sink) Events() []flow.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]flow.Event(nil), s.events...)
}

// Batches returns the number of events of each Send so far.
func (s *Sink) Batches() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.batches...)
}

// Wait returns when n events have arrived, and all of them.
func (s *Sink) Wait(t testing.TB, n int) []flow.Event {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		if len(s.events) >= n {
			defer s.mu.Unlock()
			return append([]flow.Event(nil), s.events...)
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed, have := s.changed, len(s.events)
		s.mu.Unlock()
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("%d of %d events have arrived", have, n)
		}
	}
}

// Payloads returns the decoded payloads of events.
func Payloads(t testing.TB, events []flow.Event) []flow.Value {
	t.Helper()
	values := make([]flow.Value, len(events))
	for i := range events {
		v, err := events[i].Payload()
		if err != nil {
			t.Fatalf("payload of event %d: %v", i, err)
		}
		values[i] = v
	}
	return values
}

// Texts returns the payloads of events that are texts or bytes, as strings.
func Texts(t testing.TB, events []flow.Event) []string {
	t.Helper()
	texts := make([]string, len(events))
	for i, v := range Payloads(t, events) {
		switch v.Kind() {
		case flow.Text:
			texts[i] = v.Text()
		case flow.Bytes:
			texts[i] = string(v.Bytes())
		default:
			t.Fatalf("payload of event %d is of type %v", i, v.Kind())
		}
	}
	return texts
}
