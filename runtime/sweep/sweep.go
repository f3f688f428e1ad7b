// Package sweep looks after many connections with one goroutine and one timer, so that
// a message costs no deadline: who reads and writes notes what it does, and the sweep
// sees what has taken too long.
package sweep

import (
	"sync"
	"sync/atomic"
	"time"
)

// Member is what a [Group] holds: it embeds a [Seat].
type Member interface {
	comparable
	seat() *Seat
}

// Seat is where a member is in its group, which alone uses it.
type Seat struct{ place int }

func (s *Seat) seat() *Seat { return s }

// Group is members that are looked after, while there are any. Its methods may be
// called from any goroutine. Its times are nanoseconds since it was made, and never 0.
type Group[M Member] struct {
	pace func() time.Duration
	look func(m M, now, pace int64)
	born time.Time
	last atomic.Int64 // when it was swept
	wake chan struct{}

	mu      sync.Mutex
	members []M           // each knows its place
	over    chan struct{} // closed when the last one has gone; nil when there is none
}

// New returns a group of none. pace says how long it may be from one sweep to the
// next: a part of what is to be noticed. look is called by one goroutine for each
// member, with the time and the pace of the sweep; what it does must not wait.
func New[M Member](pace func() time.Duration, look func(m M, now, pace int64)) *Group[M] {
	g := &Group[M]{pace: pace, look: look, born: time.Now(), wake: make(chan struct{}, 1)}
	g.last.Store(1)
	return g
}

// Add takes a member in. Each is removed once.
func (g *Group[M]) Add(m M) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m.seat().place = len(g.members)
	g.members = append(g.members, m)
	if g.over == nil {
		g.last.Store(g.Now())
		g.over = make(chan struct{})
		go g.sweep(g.over)
	}
}

// Remove forgets a member.
func (g *Group[M]) Remove(m M) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := len(g.members) - 1
	moved, place := g.members[last], m.seat().place
	g.members[place], moved.seat().place = moved, place
	clear(g.members[last:])
	g.members = g.members[:last]
	if last == 0 {
		close(g.over)
		g.members, g.over = nil, nil
	}
}

// nobody is over in a group of none.
var nobody = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Gone is closed when the last of the present members has been removed, and of those
// that are added before: now, where there is none.
func (g *Group[M]) Gone() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over == nil {
		return nobody
	}
	return g.over
}

// All appends the present members to dst.
func (g *Group[M]) All(dst []M) []M {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append(dst, g.members...)
}

// Now is the time.
func (g *Group[M]) Now() int64 { return int64(time.Since(g.born)) + 1 }

// Last is when the last sweep began: a time that costs nothing to tell.
func (g *Group[M]) Last() int64 { return g.last.Load() }

// Repace asks for the pace anew.
func (g *Group[M]) Repace() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *Group[M]) sweep(over chan struct{}) {
	var all []M
	tick := time.NewTimer(g.pace())
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-g.wake:
		case <-tick.C:
			now, pace := g.Now(), int64(g.pace())
			g.last.Store(now)
			all = g.All(all[:0])
			for _, m := range all {
				g.look(m, now, pace)
			}
			clear(all)
		}
		tick.Reset(g.pace())
	}
}
