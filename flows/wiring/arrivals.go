package wiring

import (
	"maps"

	"github.com/flowrun/flowrun/runtime/flowfile"
)

// arrival is what is known of the events that can be at some place.
type arrival struct {
	some    bool            // there can be any
	origins map[string]bool // the connectors that they come from, or on whose behalf
	later   map[string]bool // those of them of which an event comes here when what made it may have been acknowledged: it was held, or is an answer
	wrote   map[string]bool // the types under which the flow may have written a peer into meta
}

// anyType stands for types that cannot be seen.
const anyType = "*"

func (a arrival) with(b arrival) arrival {
	return arrival{a.some || b.some, union(a.origins, b.origins), union(a.later, b.later), union(a.wrote, b.wrote)}
}

// union shares what it can with a and b.
func union(a, b map[string]bool) map[string]bool {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	}
	u := maps.Clone(b)
	maps.Copy(u, a)
	return u
}

// add extends a, whose sets are its own, and reports whether b brought anything.
func (a *arrival) add(b arrival) (grown bool) {
	grown = b.some && !a.some
	a.some = a.some || b.some
	for _, set := range []struct {
		to   *map[string]bool
		from map[string]bool
	}{{&a.origins, b.origins}, {&a.later, b.later}, {&a.wrote, b.wrote}} {
		for name := range set.from {
			if (*set.to)[name] {
				continue
			}
			if *set.to == nil {
				*set.to = map[string]bool{}
			}
			(*set.to)[name], grown = true, true
		}
	}
	return grown
}

// after is what is at a port of the pipeline when in comes into it.
func (p Pipeline) after(in arrival, port string) arrival {
	var here arrival
	now, failed := in, in
	for _, s := range p.Passages {
		for _, name := range s.ports {
			if name == port {
				here = here.with(now)
			}
		}
		if s.meta { // what it sends on, it makes of what it has held
			now.wrote, now.later = nil, now.origins
		}
		if s.withdrawn {
			now.origins, now.later = nil, nil
		}
		now.wrote = union(now.wrote, s.wrote)
		failed = failed.with(now)
	}
	switch port {
	case "out":
		return now
	case "err": // an err event has its origin, and a meta of its own
		return arrival{some: failed.some, origins: failed.origins, later: failed.later}
	}
	return here
}

// arrivals is what can come into each connector and pipeline. shared is the
// instance of a pipeline that is the target of edges; all are those in via, too.
type arrivals struct {
	flow                    *Flow
	connectors, shared, all places
}

type places map[string]*arrival

func (p places) at(name string) arrival {
	if a := p[name]; a != nil {
		return *a
	}
	return arrival{}
}

func (p places) add(name string, s arrival) (grown bool) {
	if p[name] == nil {
		p[name] = &arrival{}
	}
	return p[name].add(s)
}

// leaving is what can leave by a port.
func (a arrivals) leaving(port flowfile.PortRef) arrival {
	if port.Kind == "pipeline" {
		in := a.all.at(port.Name)
		if port.Port == "out" {
			in = a.shared.at(port.Name)
		}
		return a.flow.Pipelines[port.Name].after(in, port.Port)
	}
	own := arrival{some: true, origins: map[string]bool{port.Name: true}}
	in, shape := a.connectors.at(port.Name), a.flow.Connectors[port.Name].Shape
	switch {
	case port.Port == "err": // what could not be written leaves by it, too
		own.origins, own.later = union(own.origins, in.origins), in.later
	case shape.Per != nil:
		own.origins, own.later = union(own.origins, in.origins), in.origins
	case shape.Asks && shape.Keep == nil:
		own.origins, own.later = union(own.origins, in.origins), in.later
	}
	return own
}

// through is what leaves the last of the pipelines in via.
func (a arrivals) through(via []string, s arrival) arrival {
	for _, name := range via {
		s = a.flow.Pipelines[name].after(s, "out")
	}
	return s
}

// arrivals follows the edges, again those behind a place where there is more
// than before.
func (f *Flow) arrivals() arrivals {
	a := arrivals{f, places{}, places{}, places{}}
	component := func(port flowfile.PortRef) flowfile.PortRef {
		return flowfile.PortRef{Kind: port.Kind, Name: port.Name}
	}
	behind := map[flowfile.PortRef][]int{}
	todo, waits := make([]int, len(f.Edges)), make([]bool, len(f.Edges))
	for i, e := range f.Edges {
		todo[i], waits[i] = i, true
		for _, from := range e.From {
			behind[component(from)] = append(behind[component(from)], i)
		}
	}
	again := func(port flowfile.PortRef) {
		for _, i := range behind[component(port)] {
			if !waits[i] {
				todo, waits[i] = append(todo, i), true
			}
		}
	}
	for len(todo) > 0 {
		i := todo[0]
		todo, waits[i] = todo[1:], false
		for _, from := range f.Edges[i].From {
			s := a.leaving(from)
			for _, name := range f.Edges[i].Via {
				if a.all.add(name, s) {
					again(flowfile.PortRef{Kind: "pipeline", Name: name})
				}
				s = a.through([]string{name}, s)
			}
			for _, to := range f.Edges[i].To {
				var grown bool
				if to.Kind == "connector" {
					grown = a.connectors.add(to.Name, s)
				} else {
					grown = a.shared.add(to.Name, s)
					grown = a.all.add(to.Name, s) || grown
				}
				if grown {
					again(to)
				}
			}
		}
	}
	return a
}
