// Package wiring connects the ports of a flow that is built: it decides what each
// port leads to, and makes it so.
//
// What stands between a port and the parts behind it are a few sinks that follow
// from the graph: the edges with their conditions, a fan-out where several begin,
// best-effort edges, and at the end one connector or pipeline as one edge uses it.
// All of them begin at a flow.Port, which can be connected to something else while
// events pass. So a reload makes another wiring of the same parts and connects the
// ports to it.
//
// # Taps
//
// In the same way somebody looks on at what passes a [Place]: as long as there is a
// [Tap] at it, the ports that lead past the place are connected to sinks with the
// tap's in between, and afterwards to the very sinks of before. Nothing of that is
// on the way of an event that nobody looks at. What counts or encodes (the ends,
// and the counters of edges) is the same with and without taps.
//
// A port that is not connected stays so for those who ask ([flow.Port.Connected]):
// the tap hears what the port drops.
//
// A [Tracer] looks on everywhere, in the same way: where events leave a connector, at
// each edge, and where a pipeline of one edge lets go what it has held.
package wiring

import (
	"context"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"go.uber.org/zap"
)

// Parts are what the nodes of a graph have become.
type Parts struct {
	Table    func(connector *graph.Node) *link.Table
	Instance func(use *graph.Node) *pipeline.Instance
	Problems func(component *graph.Node) *flow.Problems // of a connector or the use of a pipeline
	Counts   func(edge *graph.Node) *pipeline.EdgeCounts
	Log      *zap.Logger
}

// Wiring is what the ports of one flow lead to. Its methods are called by one
// goroutine at a time.
type Wiring struct {
	graph  *graph.Graph
	parts  Parts
	joints []joint
	ends   map[end]flow.Sink
}

// joint is a port with what it leads to while nobody looks on; nil for nothing.
type joint struct {
	node   *graph.Node
	name   string
	port   *flow.Port
	to     flow.Sink
	places []Place // that events from the port come past, the port itself first
}

// end is a use of a connector by an edge: reports about what an edge names go to
// the source of the events.
type end struct {
	connector, source *graph.Node
	edge              *flowfile.ConnectBlock
}

// New wires the parts of a graph. It changes no port.
func New(g *graph.Graph, parts Parts) *Wiring {
	w := &Wiring{graph: g, parts: parts, ends: map[end]flow.Sink{}}
	for _, n := range g.Nodes {
		if n.Kind == graph.Edge {
			continue // has no port of its own: see sink
		}
		for _, name := range n.Ports {
			w.joints = append(w.joints, joint{
				node: n, name: name, port: w.port(n, name), to: w.behind(n, name, Lookers{}), places: placesFrom(g, n, name),
			})
		}
	}
	return w
}

// Connect connects the ports of the nodes that are meant.
func (w *Wiring) Connect(meant func(*graph.Node) bool, by Lookers) {
	for i := range w.joints {
		if j := &w.joints[i]; meant(j.node) {
			w.connect(j, by)
		}
	}
}

// Retap connects those ports anew from which events come past a place, whose taps
// have changed.
func (w *Wiring) Retap(at Place, by Lookers) {
	for i := range w.joints {
		if j := &w.joints[i]; slices.Contains(j.places, at) {
			w.connect(j, by)
		}
	}
}

func (w *Wiring) connect(j *joint, by Lookers) {
	to, aside := j.to, flow.Sink(nil)
	switch {
	case !by.at(j):
	case to == nil:
		if by.Taps.at(j.places) {
			aside = by.Taps.through(j.places[0], nowhere{})
		}
	default:
		to = by.from(w, j, w.behind(j.node, j.name, by))
	}
	j.port.Connect(to)
	j.port.Aside(aside)
}

func (w *Wiring) port(n *graph.Node, name string) *flow.Port {
	switch {
	case name == "err":
		return &w.parts.Problems(n).Port
	case n.Kind == graph.Connector:
		return w.parts.Table(n).Out()
	}
	return w.parts.Instance(n).Port(name)
}

// behind is what a port leads to, nil for nothing.
func (w *Wiring) behind(n *graph.Node, port string, by Lookers) flow.Sink {
	wires := w.graph.Leaving(n, port)
	switch {
	case len(wires) == 0:
		return nil
	case n.Private && port == "out":
		// The end of an edge: its `to`, one after the other.
		return by.onward(w, n, inOrder(w.sinks(wires, n, by)))
	}
	return pipeline.FanOut(w.sinks(wires, n, by))
}

func (w *Wiring) sinks(wires []graph.Wire, source *graph.Node, by Lookers) []flow.Sink {
	sinks := make([]flow.Sink, len(wires))
	for i, wire := range wires {
		sinks[i] = w.sink(wire, source, by)
	}
	return sinks
}

// sink is what a wire leads to. An edge becomes one sink per source, since
// the source hears of the problems with its expressions: what comes to its end
// through a pipeline has its source there.
func (w *Wiring) sink(wire graph.Wire, source *graph.Node, by Lookers) flow.Sink {
	switch wire.To.Kind {
	case graph.Connector:
		// Only edges, and the pipelines in them, lead to connectors.
		return by.Taps.through(placeIn(wire.To), w.end(end{wire.To, source, wire.From.Edge}))
	case graph.Pipeline:
		return by.Taps.through(placeIn(wire.To), w.parts.Instance(wire.To).In())
	}
	edge := wire.To.Edge
	behind := by.past(w, wire.To, inOrder(w.sinks(w.graph.Leaving(wire.To, "out"), source, by)))
	to := &pipeline.Edge{
		Where: edge.Where, To: []flow.Sink{behind},
		Problems: w.parts.Problems(wire.From), Counts: w.parts.Counts(wire.To),
	}
	if edge.BestEffort {
		return &pipeline.BestEffort{To: to, Log: w.parts.Log.With(zap.String("connect", edge.Name))}
	}
	return to
}

// end is made once: with a broadcast it holds an encoder.
func (w *Wiring) end(e end) flow.Sink {
	if known := w.ends[e]; known != nil {
		return known
	}
	table := w.parts.Table(e.connector)
	to := table.In(e.edge.Deliver, e.edge.LostPeerErr)
	if e.edge.Whom != nil {
		to = table.InTo(link.Whom{By: e.edge.Deliver, Names: e.edge.Whom, Problems: w.parts.Problems(e.source)}, e.edge.LostPeerErr)
	}
	w.ends[e] = to
	return to
}

// inOrder sends to several sinks, one after the other.
func inOrder(sinks []flow.Sink) flow.Sink {
	if len(sinks) == 1 {
		return sinks[0]
	}
	return &pipeline.Edge{To: sinks}
}

// nowhere is behind the taps of a port that nothing is connected to.
type nowhere struct{}

// Send implements flow.Sink.
func (nowhere) Send(context.Context, []flow.Event) error { return nil }
