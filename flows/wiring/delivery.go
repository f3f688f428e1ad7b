package wiring

import "github.com/flowrun/flowrun/runtime/flow"

// delivery warns of policies that change nothing, and reports sources whose
// events can come from no connection of a target that has several: each would
// fail, since it is a reply to nobody.
func (f *Flow) delivery() {
	a := f.arrivals()
	for _, e := range f.Edges {
		leave := f.Within(e.Within)
		f.policy(e)
		f.whom(e)
		for _, to := range e.Targets {
			if shape := f.Connectors[to.Name].Shape; to.Kind != "connector" || e.Deliver != flow.Reply || !shape.Many {
				continue // where one connection is all, or opens when it is needed
			}
			typ := f.Connectors[to.Name].Type
			for _, from := range e.Sources {
				s := a.through(e.Via, a.leaving(from.PortRef))
				f.late(from, to, s)
				if !s.some || s.wrote[typ] || s.wrote[anyType] {
					continue
				}
				for _, x := range a.named(e, from) {
					why := "none comes from a connection of " + to.Text
					if shape := f.Connectors[x.Name].Shape; shape.Asks && shape.Keep != nil {
						why = "with a queue, nobody waits for its answers"
					}
					if a.leaving(x.PortRef).origins[to.Name] {
						if s.origins[to.Name] {
							continue
						}
						why = "a step in via keeps no origins"
					}
					f.Errorf(x.At, "no event of %s can be a reply: %s", x.Text, why).
						Hint("write deliver = \"broadcast\" to send each to all of its connections, or choose one by meta.%s.peer in a map step", typ)
				}
			}
		}
		leave()
	}
}

// late warns of replies that come when nobody waits for them.
func (f *Flow) late(from, to End, s arrival) {
	if hurried := f.Connectors[to.Name].Shape.Hurried; hurried != "" && s.later[to.Name] {
		f.Warnf(from.At, "replies that come by this edge are late: %s answers a request as soon as its events are delivered", to.Text).
			Hint("with %s = \"10s\", %s waits for them", hurried, to.Text)
	}
}

// named tells where the file names the events of a source: behind a module in
// via, at the from of the block, as far as they can come from there.
func (a arrivals) named(e Edge, source End) (list []End) {
	out := a.leaving(source.PortRef).origins
	for _, x := range e.Before {
		in := a.leaving(x.PortRef).origins
		if len(out) == 0 || len(union(in, out)) < len(in)+len(out) {
			list = append(list, x)
		}
	}
	if list == nil {
		return []End{source}
	}
	return list
}

// policy warns of arguments that change nothing.
func (f *Flow) policy(e Edge) {
	var connectors, many bool
	for _, to := range e.Targets {
		if to.Kind == "connector" {
			c := f.Connectors[to.Name]
			connectors, many = true, many || c.Shape.Many || c.Shape.Per != nil || !c.Sound
		}
	}
	if a, ok := e.Arguments["deliver"]; ok && !connectors {
		f.Warnf(a.At, "deliver has no effect: %s is no connector", e.Targets[0].Text).Hint("write it in the edge that leads to one")
	}
	if a, ok := e.Arguments["on_lost_peer"]; ok {
		switch {
		case !many:
			f.Warnf(a.At, "on_lost_peer has no effect: no target has connections to lose one by one")
		case e.Deliver == flow.Broadcast:
			f.Warnf(a.At, "on_lost_peer has no effect: a broadcast goes to whoever is there")
		case e.Deliver == flow.Topic:
			f.Warnf(a.At, "on_lost_peer has no effect: a topic goes to whoever has subscribed to it")
		}
	}
}

// whom reports targets that do not know what the edge delivers by.
func (f *Flow) whom(e Edge) {
	for _, to := range e.Targets {
		c := f.Connectors[to.Name]
		if to.Kind != "connector" || !c.Sound {
			continue
		}
		var block string
		switch {
		case e.Deliver == flow.Topic && c.Shape.Topics == nil:
			block = "topics"
		case e.Deliver == flow.Identity && c.Shape.Sessions == nil:
			block = "sessions"
		default:
			continue
		}
		at := to.At
		if a, ok := e.Arguments["deliver"]; ok {
			at = a.Expr.Range()
		}
		way := map[string]string{"topics": "topic", "sessions": "identity"}[block]
		if c.Shape.Role != flow.Server || !c.Shape.Many {
			f.Errorf(at, "%s cannot deliver by %s: it has no connections that others open", to.Text, way)
			continue
		}
		f.Errorf(at, "%s cannot deliver by %s: it has no %s block", to.Text, way, block).
			Hint("%s", map[string]string{
				"topics":   "topics { subscribe = event.subscribe } says what its clients subscribe to",
				"sessions": "sessions { key = peer.claims.sub } says whose its connections are",
			}[block])
	}
}
