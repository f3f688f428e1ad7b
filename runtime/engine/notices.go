package engine

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/notice"
)

// A unit lets its connector hear of the others.
var _ notice.Observable = (*unit)(nil)

// Notices implements notice.Observable.
func (u *unit) Notices(size int, wants func(notice.Notice) bool) notice.Hearing {
	return u.engine.circle.Hear(u.engine.notices, u.component, size, wants)
}

// Records implements notice.Observable.
func (u *unit) Records(size int, wants func(notice.Notice) bool) notice.Hearing {
	return u.engine.circle.Hear(u.engine.records, u.component, size, wants)
}

// Scrape implements notice.Observable.
func (u *unit) Scrape() []byte { return u.engine.scrape(u.engine.Health()) }

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
