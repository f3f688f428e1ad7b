package wiring

import (
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/graph"
)

// Place is where events pass in a flow, as it is written there: "connect.echo",
// "connector.edge.out", "pipeline.slim.in". Of a pipeline that is used several
// times, that is all its uses. At a connect, events pass that its `where` lets
// pass, before its `via`.
type Place string

// Tap looks on at a place.
type Tap interface {
	// Through returns what hears events on their way to next. It is called once
	// for each way that leads past the place, and anew after a reload. Its Send
	// must return what next's does.
	Through(next flow.Sink) flow.Sink
}

// Taps are those of one flow. nil are none.
type Taps map[Place][]Tap

// at reports whether anybody looks on at one of these places.
func (t Taps) at(places []Place) bool {
	return len(t) > 0 && slices.ContainsFunc(places, func(p Place) bool { return len(t[p]) > 0 })
}

// through returns next with the taps of a place before it.
func (t Taps) through(at Place, next flow.Sink) flow.Sink {
	for _, tap := range t[at] {
		next = tap.Through(next)
	}
	return next
}

// Places lists all places of a flow, in the order of the file.
func Places(g *graph.Graph) (all []Place) {
	seen := map[Place]bool{}
	add := func(p Place) {
		if !seen[p] {
			seen[p] = true
			all = append(all, p)
		}
	}
	reached := map[*graph.Node]bool{}
	for _, wire := range g.Wires {
		reached[wire.To] = true
	}
	for _, n := range g.Nodes {
		if n.Kind == graph.Edge {
			add(placeOf(n))
			continue
		}
		if reached[n] {
			add(placeIn(n))
		}
		for _, name := range n.Ports {
			if has(n, name) {
				add(placeAt(n, name))
			}
		}
	}
	return all
}

// has reports whether a connector has the port.
func has(n *graph.Node, port string) bool {
	return n.Kind != graph.Connector || port != "out" || n.Connector.Config.Shape().Out
}

// placesFrom lists what events from a port of n come past, the port first.
func placesFrom(g *graph.Graph, n *graph.Node, port string) []Place {
	all := []Place{placeAt(n, port)}
	var follow func(wires []graph.Wire)
	follow = func(wires []graph.Wire) {
		for _, wire := range wires {
			if wire.To.Kind != graph.Edge {
				all = append(all, placeIn(wire.To))
				continue
			}
			all = append(all, placeOf(wire.To))
			follow(g.Leaving(wire.To, "out"))
		}
	}
	follow(g.Leaving(n, port))
	return all
}

// placeOf is the place of an edge.
func placeOf(n *graph.Node) Place { return Place(n.ID) }

// placeIn is where events come into a node.
func placeIn(n *graph.Node) Place { return placeAt(n, "in") }

// placeAt is a port. The uses of a pipeline are one place.
func placeAt(n *graph.Node, port string) Place {
	if n.Kind == graph.Pipeline {
		return Place("pipeline." + n.Pipeline.Name + "." + port)
	}
	return Place(n.ID + "." + port)
}
