package engine

import (
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/notice"
)

// A unit lets its connector hear of the others.
var _ notice.Observable = (*unit)(nil)

// Notices implements notice.Observable.
func (u *unit) Notices(size int, wants func(notice.Notice) bool) notice.Hearing {
	return u.hear(u.engine.notices, size, wants)
}

// Records implements notice.Observable.
func (u *unit) Records(size int, wants func(notice.Notice) bool) notice.Hearing {
	return u.hear(u.engine.records, size, wants)
}

// Scrape implements notice.Observable.
func (u *unit) Scrape() []byte { return u.engine.scrape(u.engine.Health()) }

func (u *unit) hear(f *feed.Feed[notice.Notice], size int, wants func(notice.Notice) bool) notice.Hearing {
	u.hears.Store(true)
	u.engine.hearers.Add(1)
	s := f.Only(size, func(n notice.Notice) bool { return wants(n) && !u.engine.delivers(n.Connector) })
	return notice.Hearing{C: s.C, Lost: s.Lost, Close: s.Close}
}

// entered tells of a connection that has begun. Links that lead to no peer, but to a
// file or a clock, are none.
func (u *unit) entered(o *flow.Origin) { u.tellOf(notice.ConnectionNew, o, nil) }

// removed tells of its end.
func (u *unit) removed(o *flow.Origin, reason error) { u.tellOf(notice.ConnectionClose, o, reason) }

func (u *unit) tellOf(what string, o *flow.Origin, reason error) {
	if !u.engine.notices.Listened() || o.Peer.Host == "" {
		return
	}
	c := notice.Connection{Origin: o, Host: o.Peer.Addr(), Reason: reason}
	if u.shape.Role == flow.Server {
		c.Host, c.Client = "", o.Peer.Host
		if at := u.listeners(); len(at) > 0 {
			c.Host = at[0].Address
		}
	} else if o.Parent != nil {
		c.Client = o.Parent.Peer.Host
	}
	u.engine.notices.Publish(c.Notice(what))
}

// delivery is the set of components that have to do with the delivery of what
// connectors hear of the process, at one time.
type delivery struct {
	of      *state
	hearers uint64 // how many there had been
	all     map[component]bool
}

type component struct{ flow, address string }

// delivers reports whether a component may have to do with the delivery of what
// connectors hear. It is called by whoever tells something, with locks held.
func (e *Engine) delivers(c *flow.Component) bool {
	if c == nil {
		return false
	}
	d := e.delivery.Load()
	if now, hearers := e.now.Load(), e.hearers.Load(); d == nil || d.of != now || d.hearers != hearers {
		d = &delivery{of: now, hearers: hearers, all: map[component]bool{}}
		for _, u := range now.units {
			if u.hears.Load() {
				for address := range now.flow(u.component.Flow).graph.Reach(u.component.Address()) {
					d.all[component{u.component.Flow, address}] = true
				}
			}
		}
		e.delivery.Store(d)
	}
	return d.all[component{c.Flow, c.Address()}]
}
