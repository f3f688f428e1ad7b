package flows

import (
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

// edge is a connect block, and where in it its sources stand.
type edge struct {
	*flow.ConnectBlock
	from []reference
}

// checkReplies reports sources whose events can come from no connection of a
// target that has several: each would fail, since it is a reply to nobody.
func (r *reader) checkReplies() {
	if r.misread { // an edge may be missing
		return
	}
	arrivals := r.arrivals()
	for _, e := range r.edges {
		for _, to := range e.To {
			if to.Kind != "connector" || !r.connectors[to.Name].shape.Many {
				continue
			}
			for _, from := range e.from {
				if origins := arrivals.leaving(from.PortRef); len(origins) > 0 && !origins[to.Name] {
					r.Errorf(from.at, "no event of %s can be a reply: none comes from a connection of connector.%s", from.short("from"), to.Name).
						Hint("deliver = \"broadcast\" would send to all connections; it is %s", source.NotYet)
				}
			}
		}
	}
}

// arrivals tells for each connector and pipeline, by kind and name, of which
// connectors events can arrive there.
type arrivals map[[2]string]map[string]bool

// leaving lists the connectors whose events can leave by a port. Instances of
// a pipeline are taken as one.
func (a arrivals) leaving(port flow.PortRef) map[string]bool {
	origins := map[string]bool{}
	if port.Kind == "pipeline" || port.Port == "err" { // what could not be written leaves by err, too
		for name := range a[[2]string{port.Kind, port.Name}] {
			origins[name] = true
		}
	}
	if port.Kind == "connector" {
		origins[port.Name] = true
	}
	return origins
}

func (r *reader) arrivals() arrivals {
	a := arrivals{}
	for grown := true; grown; {
		grown = false
		arrive := func(kind, name, origin string) {
			at := [2]string{kind, name}
			if a[at] == nil {
				a[at] = map[string]bool{}
			}
			grown = grown || !a[at][origin]
			a[at][origin] = true
		}
		for _, e := range r.edges {
			for _, from := range e.From {
				for origin := range a.leaving(from) {
					for _, name := range e.Via {
						arrive("pipeline", name, origin)
					}
					for _, to := range e.To {
						arrive(to.Kind, to.Name, origin)
					}
				}
			}
		}
	}
	return a
}
