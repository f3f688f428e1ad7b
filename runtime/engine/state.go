package engine

import (
	"slices"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/engine/internal/uses"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/wiring"
)

// state is what an engine runs, from one reload to the next. It is not changed:
// a reload makes another one.
type state struct {
	flows []*flowing
	group // of all flows
}

// flowing is one flow as it runs.
type flowing struct {
	file      *flowfile.File
	graph     *graph.Graph
	units     map[*graph.Node]*unit
	instances map[*graph.Node]*uses.Use
	problems  map[string]*flow.Problems // by the address of connector or pipeline
	wiring    *wiring.Wiring
	edges     map[string]*pipeline.EdgeCounts
}

// stateOf puts flows together.
func stateOf(flows []*flowing) *state {
	s := &state{flows: flows}
	for _, f := range flows {
		for _, n := range f.graph.Order() {
			s.units = append(s.units, f.units[n])
		}
		s.instances = append(s.instances, uses.Places(f.graph, f.instances)...)
	}
	// Of several flows, too, all targets start before any client, and so on.
	slices.SortStableFunc(s.units, func(a, b *unit) int { return int(b.shape.Role) - int(a.shape.Role) })
	return s
}

// flow finds a flow by its name.
func (s *state) flow(name string) *flowing {
	for _, f := range s.flows {
		if f.file.Name == name {
			return f
		}
	}
	return nil
}

// Graph implements hearing.Running.
func (s *state) Graph(name string) *graph.Graph {
	if f := s.flow(name); f != nil {
		return f.graph
	}
	return nil
}

// sequence counts the connections of a connector, whichever unit it is at a
// time.
func (e *Engine) sequence(c *flow.Component) *atomic.Uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := c.Flow + "/" + c.Name
	if e.sequences[name] == nil {
		e.sequences[name] = new(atomic.Uint64)
	}
	return e.sequences[name]
}

// Total sums up the counters of all connectors, those that have been, too, and
// what pipelines have lost. Connections and bytes are those of servers and clients
// alone. It may be called at any time, from any goroutine.
func (e *Engine) Total() link.Stats {
	e.mu.Lock()
	sum, groups := e.past, e.groups()
	e.mu.Unlock()
	for _, g := range groups {
		sum.Add(g.stats())
	}
	return sum
}

// groups are what runs, and what is ending since a reload. The caller holds mu.
func (e *Engine) groups() []*group {
	return append([]*group{&e.now.Load().group}, e.leaving...)
}
