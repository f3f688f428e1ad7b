package wiring

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/graph"
)

// Tracer follows some of the events on their way. Its sinks stand in the way as taps
// do, and are not there when there is no tracer. Their Send must return what next's
// does.
type Tracer interface {
	// Begin returns what decides, of events that come into a flow by a port of a
	// connector, which ones are followed.
	Begin(from *flow.Component, role flow.Role, port string, next flow.Sink) flow.Sink
	// Hop returns what sees those that are followed pass a connect of a flow.
	Hop(flow, connect string, next flow.Sink) flow.Sink
}

// Lookers are all who look on at one flow.
type Lookers struct {
	Taps   Taps
	Tracer Tracer // nil for none
}

// at reports whether anybody looks on at what comes from a port.
func (l Lookers) at(j *joint) bool { return l.Tracer != nil || l.Taps.at(j.places) }

// from returns next with those before it who look on at a port.
func (l Lookers) from(w *Wiring, j *joint, next flow.Sink) flow.Sink {
	next = l.Taps.through(j.places[0], next)
	if n := j.node; l.Tracer != nil && n.Kind == graph.Connector {
		next = l.Tracer.Begin(w.parts.Problems(n).Component, n.Role, j.name, next)
	}
	return next
}

// past returns next with those before it who look on at an edge.
func (l Lookers) past(w *Wiring, edge *graph.Node, next flow.Sink) flow.Sink {
	next = l.Taps.through(placeOf(edge), next)
	if l.Tracer != nil {
		next = l.Tracer.Hop(w.graph.Flow, edge.Edge.Name, next)
	}
	return next
}

// onward returns next with who sees what leaves a pipeline of one edge: where that
// holds events, they did not when they passed the edge.
func (l Lookers) onward(w *Wiring, use *graph.Node, next flow.Sink) flow.Sink {
	if l.Tracer != nil && w.parts.Instance(use).Holds() {
		return l.Tracer.Hop(w.graph.Flow, use.Edge.Name, next)
	}
	return next
}
