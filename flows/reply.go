package flows

import (
	"maps"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

// edge is a connect block, or a part of one between two modules in its via, and
// where in it its ends and policies stand.
type edge struct {
	*flow.ConnectBlock
	from, to  []end
	title     string // what it stands in: see Report.Within
	arguments map[string]source.Argument
}

// checkDelivery reports what stands in edges about connections that do not
// matter there, and sources whose events can come from no connection of a target
// that has several: each would fail, since it is a reply to nobody.
func (w *whole) checkDelivery() {
	if w.misread { // an edge may be missing
		return
	}
	a := w.arrivals()
	for _, e := range w.edges {
		leave := w.Within(e.title)
		w.checkPolicy(e)
		for _, to := range e.to {
			if to.Kind != "connector" || e.Deliver != flow.Reply || !w.connectors[to.Name].shape.Many {
				continue
			}
			typ := w.connectors[to.Name].block.Type
			for _, from := range e.from {
				before := a.leaving(from.PortRef)
				s := a.through(e.Via, before)
				if !s.some || s.origins[to.Name] || s.wrote[typ] || s.wrote[anyType] {
					continue
				}
				why := "none comes from a connection of " + to.text
				if before.origins[to.Name] {
					why = "a step in via keeps no origins"
				}
				w.Errorf(from.at, "no event of %s can be a reply: %s", from.text, why).
					Hint("write deliver = \"broadcast\" to send each to all of its connections, or choose one by meta.%s.peer in a map step", typ)
			}
		}
		leave()
	}
}

// checkPolicy warns of arguments that change nothing.
func (w *whole) checkPolicy(e edge) {
	var connectors, many bool
	for _, to := range e.To {
		if to.Kind == "connector" {
			c := w.connectors[to.Name]
			connectors, many = true, many || c.shape.Many || !c.sound
		}
	}
	if a, ok := e.arguments["deliver"]; ok && !connectors {
		w.Warnf(a.At, "deliver has no effect: %s is no connector", e.to[0].text).Hint("write it in the edge that leads to one")
	}
	if a, ok := e.arguments["on_lost_peer"]; ok {
		switch {
		case !many:
			w.Warnf(a.At, "on_lost_peer has no effect: no target has connections to lose one by one")
		case e.Deliver != flow.Reply:
			w.Warnf(a.At, "on_lost_peer has no effect: a broadcast goes to whoever is there")
		}
	}
}

// arrival is what is known of the events that can be at some place.
type arrival struct {
	some    bool            // there can be any
	origins map[string]bool // the connectors that they come from, or on whose behalf
	wrote   map[string]bool // the types under which the flow may have written a peer into meta
}

// anyType stands for types that cannot be seen.
const anyType = "*"

func (a arrival) with(b arrival) arrival {
	return arrival{a.some || b.some, union(a.origins, b.origins), union(a.wrote, b.wrote)}
}

func (a arrival) covers(b arrival) bool {
	return (a.some || !b.some) && len(union(a.origins, b.origins)) == len(a.origins) && len(union(a.wrote, b.wrote)) == len(a.wrote)
}

func union(a, b map[string]bool) map[string]bool {
	if len(b) == 0 {
		return a
	}
	u := maps.Clone(b)
	maps.Copy(u, a)
	return u
}

// passage is what a step does to the way back of the events that pass it.
type passage struct {
	ports           []string
	wrote           map[string]bool
	meta, withdrawn bool // the meta, or the origins, end here
}

// passageOf tells it from the configuration of a step, and from meta, what it
// writes into meta; nil when it writes nothing.
func passageOf(config flow.StepConfig, meta hcl.Expression) passage {
	p := passage{ports: config.Ports()}
	if f, ok := config.(flow.Forgetter); ok {
		p.meta, p.withdrawn = f.Forgets()
	}
	if meta != nil {
		p.wrote = addressed(meta)
	}
	return p
}

// addressed lists the types of connectors under which meta may hold a peer.
// What is not written out may hold any.
func addressed(meta hcl.Expression) map[string]bool {
	types := map[string]bool{}
	items, diags := hcl.ExprMap(meta)
	if diags.HasErrors() {
		return map[string]bool{anyType: true}
	}
	for _, item := range items {
		name, plain := source.PlainKey(item.Key)
		if !plain {
			name = anyType
		}
		fields, diags := hcl.ExprMap(item.Value)
		if diags.HasErrors() {
			types[name] = true
		}
		for _, f := range fields {
			if field, plain := source.PlainKey(f.Key); !plain || field == "peer" && !isNull(f.Value) {
				types[name] = true
			}
		}
	}
	return types
}

func isNull(e hcl.Expression) bool {
	v, diags := e.Value(nil)
	return !diags.HasErrors() && v.IsNull()
}

// after is what is at a port of the pipeline when in comes into it.
func (p *pipeline) after(in arrival, port string) arrival {
	var here arrival
	now, failed := in, in
	for _, s := range p.passages {
		for _, name := range s.ports {
			if name == port {
				here = here.with(now)
			}
		}
		if s.meta {
			now.wrote = nil
		}
		if s.withdrawn {
			now.origins = nil
		}
		now.wrote = union(now.wrote, s.wrote)
		failed = failed.with(now)
	}
	switch port {
	case "out":
		return now
	case "err": // an err event has its origin, and a meta of its own
		return arrival{some: failed.some, origins: failed.origins}
	}
	return here
}

// arrivals is what can come into each connector and pipeline. shared is the
// instance of a pipeline that is the target of edges; all are those in via, too.
type arrivals struct {
	whole       *whole
	connectors  map[string]arrival
	shared, all map[string]arrival
}

// leaving is what can leave by a port.
func (a arrivals) leaving(port flow.PortRef) arrival {
	if port.Kind == "pipeline" {
		in := a.all[port.Name]
		if port.Port == "out" {
			in = a.shared[port.Name]
		}
		return a.whole.pipelines[port.Name].after(in, port.Port)
	}
	own := arrival{some: true, origins: map[string]bool{port.Name: true}}
	if port.Port == "err" || a.whole.connectors[port.Name].shape.Tied { // what could not be written leaves by err, too
		own.origins = union(own.origins, a.connectors[port.Name].origins)
	}
	return own
}

// through is what leaves the last of the pipelines in via.
func (a arrivals) through(via []string, s arrival) arrival {
	for _, name := range via {
		s = a.whole.pipelines[name].after(s, "out")
	}
	return s
}

func (w *whole) arrivals() arrivals {
	a := arrivals{w, map[string]arrival{}, map[string]arrival{}, map[string]arrival{}}
	for grown := true; grown; {
		grown = false
		arrive := func(at map[string]arrival, name string, s arrival) {
			if !at[name].covers(s) {
				grown = true
				at[name] = at[name].with(s)
			}
		}
		for _, e := range w.edges {
			for _, from := range e.From {
				s := a.leaving(from)
				for _, name := range e.Via {
					arrive(a.all, name, s)
					s = a.through([]string{name}, s)
				}
				for _, to := range e.To {
					if to.Kind == "connector" {
						arrive(a.connectors, to.Name, s)
						continue
					}
					arrive(a.shared, to.Name, s)
					arrive(a.all, to.Name, s)
				}
			}
		}
	}
	return a
}
