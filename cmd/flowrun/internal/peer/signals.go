package peer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Signals are what the peers of one test tell each other: names, and how often
// each has been signalled. It is safe for concurrent use.
type Signals struct {
	mu      sync.Mutex
	counts  map[string]int
	changed chan struct{} // closed when a count changes
}

// NewSignals returns Signals that nobody has given yet.
func NewSignals() *Signals {
	return &Signals{counts: map[string]int{}, changed: make(chan struct{})}
}

// Signal counts the name once more.
func (s *Signals) Signal(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[name]++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Await returns when the name has been signalled n times, or with the count so
// far and the cause when ctx ends.
func (s *Signals) Await(ctx context.Context, name string, n int) (int, error) {
	for {
		s.mu.Lock()
		count, changed := s.counts[name], s.changed
		s.mu.Unlock()
		if count >= n {
			return count, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return count, context.Cause(ctx)
		}
	}
}

// heard tells which signals there were.
func (s *Signals) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		all = append(all, fmt.Sprintf("%q %d×", name, s.counts[name]))
	}
	if len(all) == 0 {
		return "no signals"
	}
	return "signals " + strings.Join(all, ", ")
}

// Signal is the step `signal`, labelled with what is reached.
type Signal struct {
	Name string `hcl:"name,label" doc:"what is reached"`
}

// Run implements Step.
func (s *Signal) Run(_ context.Context, p *Peer) error {
	p.log.Add("signal %q", s.Name)
	p.script.Signals.Signal(s.Name)
	return nil
}

// Await is the step `await`, labelled with what is waited for.
type Await struct {
	Name   string        `hcl:"name,label" doc:"what a signal names"`
	Count  int           `hcl:"count" min:"1" doc:"how often it must have been signalled"`
	Within flow.Duration `hcl:"within" min:"1ms" doc:"deadline; that of the peer when not given"`
}

// Run implements Step.
func (a *Await) Run(ctx context.Context, p *Peer) error {
	ctx, cancel := p.deadline(ctx, a.Within)
	defer cancel()
	count, err := p.script.Signals.Await(ctx, a.Name, a.Count)
	if err == nil {
		p.log.Add("heard signal %q", a.Name)
		return nil
	}
	u := &unexpected{what: fmt.Sprintf("signal %q came %d of %d times%s", a.Name, count, a.Count, soon(err)), got: p.script.Signals.heard()}
	if a.Count == 1 {
		u.what = fmt.Sprintf("signal %q did not come%s", a.Name, soon(err))
	}
	return u
}
