package topic

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Match says how the patterns of subscribers and the topics of messages are
// compared.
type Match string

// The ways to compare.
const (
	Exact Match = "exact" // they are the same
	Glob  Match = "glob"  // in a pattern, * stands for any characters and ? for one
	CIDR  Match = "cidr"  // both are prefixes or addresses, and one contains the other
)

// Check returns the pattern as a board of this kind wants it: of prefixes, the
// one spelling that they have.
func (m Match) Check(pattern string) (string, error) {
	if m != CIDR {
		return pattern, nil
	}
	p, err := parsePrefix(pattern)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

// Subscriber is what a board's subscribers are: things with a number that tells
// them apart.
type Subscriber interface {
	comparable
	// Ordinal grows from one subscriber to the next.
	Ordinal() uint64
}

// Message is something published, as a board keeps it.
type Message struct {
	Frames []flow.Frame // what is written; shared with all to whom it is replayed
	Time   int64        // when it was published, in nanoseconds since 1970
	seq    uint64
}

// NewMessage makes a message of frames that are copied. What the flow wrote about
// them is about now, and is not kept.
func NewMessage(frames []flow.Frame, now int64) *Message {
	m := &Message{Frames: slices.Clone(frames), Time: now}
	data := make([]byte, 0, m.size())
	for i, f := range frames {
		start := len(data)
		data = append(data, f.Data...)
		m.Frames[i] = flow.Frame{Data: data[start:len(data):len(data)], Binary: f.Binary}
	}
	return m
}

// Seq is the message's place among all that the board has kept, from 1.
func (m *Message) Seq() uint64 { return m.seq }

func (m *Message) size() (n int) {
	for _, f := range m.Frames {
		n += len(f.Data)
	}
	return n
}

// Board holds the subscriptions of one connector. Its methods may be called from
// any goroutine.
type Board[S Subscriber] struct {
	mu      sync.RWMutex
	index   index[S]
	history *history // nil where nothing is kept
}

// index finds the subscribers of a topic.
type index[S Subscriber] interface {
	add(pattern string, s S)
	remove(pattern string, s S)
	// match appends the sets in which the subscribers of a topic are.
	match(sets []set[S], topic string) ([]set[S], error)
}

// NewBoard returns a board without subscribers. Without limits it keeps no
// history.
func NewBoard[S Subscriber](match Match, limits *flow.History) *Board[S] {
	b := &Board[S]{}
	switch match {
	case Glob:
		b.index = &globs[S]{}
	case CIDR:
		b.index = &prefixes[S]{}
	default:
		b.index = exact[S]{}
	}
	if limits != nil {
		b.history = newHistory(*limits, match)
	}
	return b
}

// Keeps reports whether the board keeps what is published.
func (b *Board[S]) Keeps() bool { return b.history != nil }

// Join makes s a subscriber by patterns that Check has returned, or, when the
// board holds messages of theirs that came after the given one, returns those, in
// their order, and changes nothing: the caller sends them and joins again, after
// the last of them. It begins with after = 0. now is the time, in nanoseconds
// since 1970.
func (b *Board[S]) Join(s S, patterns []string, after uint64, now int64) (missed []*Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.history != nil {
		if missed = b.history.after(patterns, after, now); len(missed) > 0 {
			return missed
		}
	}
	for _, p := range patterns {
		b.index.add(p, s)
	}
	return nil
}

// Leave ends subscriptions of s.
func (b *Board[S]) Leave(s S, patterns ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range patterns {
		b.index.remove(p, s)
	}
}

// Publish appends to dst the subscribers of a message with these topics, each
// once, in the order of their ordinals, and keeps the message, where there is one
// and the board has a history. An error concerns a topic that cannot be one;
// then nobody is found and nothing kept.
func (b *Board[S]) Publish(dst []S, topics []string, m *Message) ([]S, error) {
	if b.history != nil && m != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
	} else {
		b.mu.RLock()
		defer b.mu.RUnlock()
	}
	var room [16]set[S]
	sets := room[:0]
	for _, t := range topics {
		var err error
		if sets, err = b.index.match(sets, t); err != nil {
			return dst, fmt.Errorf("topic %q: %w", t, err)
		}
	}
	if b.history != nil && m != nil {
		b.history.keep(topics, m)
	}
	return union(dst, sets), nil
}

// set is a set of subscribers, in the order of their ordinals.
type set[S Subscriber] []S

func (s set[S]) find(x S) (int, bool) {
	return slices.BinarySearchFunc(s, x.Ordinal(), func(s S, n uint64) int {
		switch o := s.Ordinal(); {
		case o < n:
			return -1
		case o > n:
			return 1
		}
		return 0
	})
}

func (s set[S]) with(x S) set[S] {
	if len(s) == 0 || s[len(s)-1].Ordinal() < x.Ordinal() { // as who comes last does
		return append(s, x)
	}
	i, found := s.find(x)
	if found {
		return s
	}
	return slices.Insert(s, i, x)
}

func (s set[S]) without(x S) set[S] {
	if i, found := s.find(x); found {
		return slices.Delete(s, i, i+1)
	}
	return s
}

// union appends to dst who is in one of the sets. Sets may be many and much the
// same: it holds no more than twice those who are in them, and one set.
func union[S Subscriber](dst []S, sets []set[S]) []S {
	start, room := len(dst), 1024
	for _, s := range sets {
		if dst = append(dst, s...); len(dst)-start > room {
			dst = unique(dst, start)
			room = max(room, 2*(len(dst)-start))
		}
	}
	if len(sets) < 2 {
		return dst
	}
	return unique(dst, start)
}

// unique sorts what begins at start, and leaves each subscriber once.
func unique[S Subscriber](dst []S, start int) []S {
	all := dst[start:]
	slices.SortFunc(all, func(a, b S) int { return cmp.Compare(a.Ordinal(), b.Ordinal()) })
	return dst[:start+len(slices.Compact(all))]
}
