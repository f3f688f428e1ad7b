// Package hearing lets connectors hear what the process tells about itself, except
// for what has to do with the delivery of that: it would be news, which would be
// delivered.
package hearing

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/notice"
)

// Circle is all connectors that hear of the process, and whatever their events can
// reach: of these nothing is told to any of them.
type Circle struct {
	// Now is what runs. It is called by whoever tells something, with locks held.
	Now func() Running

	mu       sync.Mutex // held by who changes hearers
	hearers  atomic.Pointer[map[component]int]
	delivery atomic.Pointer[delivery]
}

// Running is what runs, from one reload to the next; values are compared.
type Running interface {
	// Graph is the wiring of a flow, nil when there is no such flow.
	Graph(flow string) *graph.Graph
}

type component struct{ flow, address string }

// delivery is the circle at one time.
type delivery struct {
	of      Running
	hearers *map[component]int
	all     map[component]bool
}

// Hear subscribes a connector to a feed, as notice.Observable says.
func (c *Circle) Hear(f *feed.Feed[notice.Notice], who *flow.Component, size int, wants func(notice.Notice) bool) notice.Hearing {
	me := component{who.Flow, who.Address()}
	c.count(me, 1)
	s := f.Only(size, func(n notice.Notice) bool { return wants(n) && !c.has(n.Connector) })
	return notice.Hearing{C: s.C, Lost: s.Lost, Close: sync.OnceFunc(func() {
		s.Close()
		c.count(me, -1)
	})}
}

func (c *Circle) count(who component, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[component]int{}
	if now := c.hearers.Load(); now != nil {
		next = maps.Clone(*now)
	}
	if next[who] += n; next[who] == 0 {
		delete(next, who)
	}
	c.hearers.Store(&next)
}

// has reports whether a component is in the circle. It takes no lock.
func (c *Circle) has(who *flow.Component) bool {
	if who == nil {
		return false
	}
	d := c.delivery.Load()
	if now, hearers := c.Now(), c.hearers.Load(); d == nil || d.of != now || d.hearers != hearers {
		d = &delivery{of: now, hearers: hearers, all: map[component]bool{}}
		for h := range *hearers {
			d.all[h] = true
			if g := now.Graph(h.flow); g != nil {
				for address := range g.Reach(h.address) {
					d.all[component{h.flow, address}] = true
				}
			}
		}
		c.delivery.Store(d)
	}
	return d.all[component{who.Flow, who.Address()}]
}
