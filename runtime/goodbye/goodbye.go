// Package goodbye spreads the goodbyes of a server that ends over a time: its
// clients are told one after the other, so that they come back as they were sent
// away, and not all at once.
//
// A server that has nothing else to do leaves its end to [Await]. Others own a [Round]
// and ask it to go on whenever it is time for the next one.
package goodbye

import (
	"context"
	"time"
)

// Await is the life of a server whose connections look after themselves: it waits for
// the end of ctx, sees all told goodbye, and returns when the last has gone. begin
// returns the goodbyes, and what is closed then; told is called when all have had
// theirs. Both are called by the goroutine that calls Await.
func Await[T any](ctx context.Context, begin func() (*Round[T], <-chan struct{}), told func()) {
	<-ctx.Done()
	round, empty := begin()
	turn := time.After(0)
	for {
		select {
		case now := <-turn:
			if wait := round.Say(now); wait > 0 {
				turn = time.After(wait)
				continue
			}
			told()
		case <-empty:
			return
		}
	}
}

// Round is a series of goodbyes. It is used by one goroutine at a time.
type Round[T any] struct {
	begin  time.Time
	spread time.Duration
	all    []T
	tell   func(T)
	said   int // to how many of them
}

// New begins a round now: tell is called for each of all, evenly over spread; 0 for
// all at once.
func New[T any](spread time.Duration, all []T, tell func(T)) *Round[T] {
	return &Round[T]{begin: time.Now(), spread: spread, all: all, tell: tell}
}

// Say tells those whose turn has come by now, of whom the first is there from the
// beginning, and returns how long it is to the next turn; 0 when everyone has had
// theirs.
func (r *Round[T]) Say(now time.Time) time.Duration {
	for ; r.said < len(r.all); r.said++ {
		turn := r.begin.Add(r.spread / time.Duration(len(r.all)) * time.Duration(r.said))
		if wait := turn.Sub(now); wait > 0 {
			return wait
		}
		r.tell(r.all[r.said])
	}
	return 0
}
