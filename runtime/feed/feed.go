// Package feed passes on what happens to whoever wants to hear of it, without
// ever making the one wait to whom it happens.
//
// A [Feed] has any number of subscribers, each with a bounded queue of its own. Who
// publishes puts the value into every queue that has room; where there is none,
// the subscriber loses it, and can tell how many it has lost ([Subscription.Lost]).
// One that is slow delays nobody else.
//
// Most of the time nobody listens. [Feed.Listened] says so for the price of one
// atomic load, so that nobody builds what nobody hears:
//
//	if f.Listened() {
//		f.Publish(describe(what))
//	}
//
// Publish takes no lock of the feed's. It may be called with locks held, as long
// as the functions of [Feed.Only] need none of these.
package feed

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Feed passes values on to its subscribers. The zero Feed has none and is ready
// for use; it is not to be copied. All methods may be called from any goroutine.
type Feed[T any] struct {
	mu          sync.Mutex // held by who changes subscribers
	subscribers atomic.Pointer[[]*Subscription[T]]
}

// Subscription is one subscriber's part of a feed.
type Subscription[T any] struct {
	// C has what was published, in the order in which the feed got it. It is never
	// closed: who reads it must have another reason to end.
	C <-chan T

	feed  *Feed[T]
	queue chan T // C
	wants func(T) bool
	lost  atomic.Uint64
}

// Listened reports whether anybody would get what is published now.
func (f *Feed[T]) Listened() bool { return f.subscribers.Load() != nil }

// Publish passes v on to every subscriber that has room for it, and returns at
// once. All get the same v: what it points to is not changed any more.
func (f *Feed[T]) Publish(v T) {
	all := f.subscribers.Load()
	if all == nil {
		return
	}
	for _, s := range *all {
		s.offer(v)
	}
}

func (s *Subscription[T]) offer(v T) {
	if s.wants != nil && !s.wants(v) {
		return
	}
	select {
	case s.queue <- v:
	default:
		s.lost.Add(1)
	}
}

// Subscribe begins to hear what is published from now on. size is how many values
// may wait in C, at least 1. The subscription must be closed.
func (f *Feed[T]) Subscribe(size int) *Subscription[T] { return f.Only(size, nil) }

// Only is Subscribe for those values that are wanted, so that no others take up
// room. wants is called by whoever publishes, from several goroutines at a time:
// it must return soon, and neither publish nor wait.
func (f *Feed[T]) Only(size int, wants func(T) bool) *Subscription[T] {
	queue := make(chan T, max(size, 1))
	s := &Subscription[T]{C: queue, feed: f, queue: queue, wants: wants}
	f.change(func(all []*Subscription[T]) []*Subscription[T] { return append(all, s) })
	return s
}

// Lost counts the values that were published while there was no room in C.
func (s *Subscription[T]) Lost() uint64 { return s.lost.Load() }

// Close ends the subscription. What waits in C can still be read; what is being
// published at this moment may still arrive there. It may be called more than
// once.
func (s *Subscription[T]) Close() {
	s.feed.change(func(all []*Subscription[T]) []*Subscription[T] {
		return slices.DeleteFunc(all, func(other *Subscription[T]) bool { return other == s })
	})
}

// change replaces the list of subscribers, which Publish may be reading.
func (f *Feed[T]) change(edit func([]*Subscription[T]) []*Subscription[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*Subscription[T]
	if now := f.subscribers.Load(); now != nil {
		all = slices.Clone(*now)
	}
	if all = edit(all); len(all) == 0 {
		f.subscribers.Store(nil)
		return
	}
	f.subscribers.Store(&all)
}
