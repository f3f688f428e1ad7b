package wiring

import (
	"maps"

	"github.com/flowrun/flowrun/runtime/flow"
)

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
	flow        *Flow
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
		return a.flow.Pipelines[port.Name].after(in, port.Port)
	}
	own := arrival{some: true, origins: map[string]bool{port.Name: true}}
	if port.Port == "err" || a.flow.Connectors[port.Name].Shape.Per != nil { // what could not be written leaves by err, too
		own.origins = union(own.origins, a.connectors[port.Name].origins)
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

func (f *Flow) arrivals() arrivals {
	a := arrivals{f, map[string]arrival{}, map[string]arrival{}, map[string]arrival{}}
	for grown := true; grown; {
		grown = false
		arrive := func(at map[string]arrival, name string, s arrival) {
			if !at[name].covers(s) {
				grown = true
				at[name] = at[name].with(s)
			}
		}
		for _, e := range f.Edges {
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
