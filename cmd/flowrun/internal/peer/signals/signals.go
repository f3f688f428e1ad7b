// Package signals is how the peers of a test wait for each other: by names that
// they give when they have come so far, and that others await.
package signals

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Board is what the peers of one test tell each other: names, and how often
// each has been signalled. It is safe for concurrent use.
type Board struct {
	mu      sync.Mutex
	counts  map[string]int
	givers  map[string][]string // who can give a name
	ended   map[string]bool     // who gives nothing any more
	changed chan struct{}       // closed when a count or who gives changes
}

// New returns a Board on which nothing has been signalled yet.
func New() *Board {
	return &Board{counts: map[string]int{}, givers: map[string][]string{}, ended: map[string]bool{}, changed: make(chan struct{})}
}

// Join says who can give a name, before anybody waits for it: `peer "alice"`.
func (b *Board) Join(who, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.givers[name], who) {
		b.givers[name] = append(b.givers[name], who)
	}
}

// Leave says who gives nothing any more.
func (b *Board) Leave(who string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended[who] = true
	b.change()
}

// change wakes those who wait.
func (b *Board) change() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Silent is why a signal comes no more: all who give it have ended.
type Silent struct{ Givers []string }

func (s *Silent) Error() string {
	if len(s.Givers) == 1 {
		return s.Givers[0] + " gives it, and has ended"
	}
	return strings.Join(s.Givers, ", ") + " give it, and have ended"
}

// silent returns a *Silent when a name will not be given any more.
func (b *Board) silent(name string) error {
	givers := b.givers[name]
	if len(givers) == 0 || slices.ContainsFunc(givers, func(who string) bool { return !b.ended[who] }) {
		return nil
	}
	return &Silent{givers}
}

// Signal counts the name once more.
func (b *Board) Signal(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[name]++
	b.change()
}

// Await returns when the name has been signalled n times, or with the count so
// far and why it will not be: a *Silent, or the cause of the end of ctx.
func (b *Board) Await(ctx context.Context, name string, n int) (int, error) {
	for {
		b.mu.Lock()
		count, changed, silent := b.counts[name], b.changed, b.silent(name)
		b.mu.Unlock()
		if count >= n {
			return count, nil
		}
		if silent != nil {
			return count, silent
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return count, context.Cause(ctx)
		}
	}
}

// String tells which signals there were.
func (b *Board) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(b.counts)) {
		all = append(all, fmt.Sprintf("%q %d×", name, b.counts[name]))
	}
	if len(all) == 0 {
		return "no signals"
	}
	return "signals " + strings.Join(all, ", ")
}
