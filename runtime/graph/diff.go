package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Fate is what becomes of a part of a flow when another version of the flow
// takes over.
type Fate string

// The fates.
const (
	Keep    Fate = "keep"    // it goes on as if nothing had happened
	Rewire  Fate = "rewire"  // it goes on, and sends to others than before
	Restart Fate = "restart" // another one takes its place
	Start   Fate = "start"   // it is new
	Stop    Fate = "stop"    // it is no more
)

// Fates lists them, the gentle ones first.
var Fates = []Fate{Keep, Rewire, Start, Restart, Stop}

// Change is the fate of one node. Old is nil for what starts, and New for what
// stops.
type Change struct {
	Fate     Fate
	Old, New *Node
}

// Node is the new node where there is one, else the old one.
func (c Change) Node() *Node {
	if c.New != nil {
		return c.New
	}
	return c.Old
}

// Stays reports whether the node of before goes on.
func (c Change) Stays() bool { return c.Fate == Keep || c.Fate == Rewire }

// Closes reports whether connections are closed that others have made, or that
// were made to others.
func (c Change) Closes() bool {
	ends := c.Fate == Restart || c.Fate == Stop
	return ends && c.Old.Kind == Connector && (c.Old.Role == flow.Server || c.Old.Role == flow.Client)
}

// Diff compares two versions of a flow. It returns what becomes of each node of
// the newer, in its order, and then which of the older stop; either may be nil,
// for a flow that is new or no more.
//
// A node is the same in both when its block is called the same; the instance of a
// pipeline in the via of an edge also when others were put before it. It goes on
// when it has the same fingerprint. A connector that reads for others, a source
// or a target that also brings events in, does not go on when its out is
// connected for the first time, or is not any more: it would read for nobody.
func Diff(old, newer *Graph) []Change {
	d := diff{old: old, newer: newer, before: map[string]*Node{}, seen: map[*Node]bool{}}
	for _, n := range old.nodes() {
		d.before[n.key] = n
	}
	for _, n := range newer.nodes() {
		d.add(n)
	}
	for _, n := range old.nodes() {
		if !d.seen[n] {
			d.changes = append(d.changes, Change{Fate: Stop, Old: n})
		}
	}
	return d.changes
}

func (g *Graph) nodes() []*Node {
	if g == nil {
		return nil
	}
	return g.Nodes
}

type diff struct {
	old, newer *Graph
	before     map[string]*Node // by key
	seen       map[*Node]bool   // of before
	changes    []Change
}

func (d *diff) add(n *Node) {
	c := Change{Fate: Start, New: n}
	if was := d.before[n.key]; was != nil && was.Kind == n.Kind {
		d.seen[was] = true
		c.Old, c.Fate = was, d.fate(was, n)
	}
	d.changes = append(d.changes, c)
}

func (d *diff) fate(was, is *Node) Fate {
	switch {
	case is.Kind != Edge && was.fingerprint() != is.fingerprint():
		return Restart
	case is.Kind == Connector && (is.Role == flow.Source || is.Role == flow.Target) && d.old.reads(was) != d.newer.reads(is):
		return Restart
	case d.old.surroundings(was) != d.newer.surroundings(is):
		return Rewire
	}
	return Keep
}

func (n *Node) fingerprint() flow.Fingerprint {
	switch n.Kind {
	case Connector:
		return n.Connector.Fingerprint
	case Pipeline:
		return n.Pipeline.Fingerprint
	}
	return n.Edge.Fingerprint
}

// reads reports whether anybody wants what comes from a connector.
func (g *Graph) reads(n *Node) bool { return len(g.Leaving(n, "out")) > 0 }

// surroundings spells where n sends to, and for an edge also what it takes
// from. The order of edges at a port does not count.
func (g *Graph) surroundings(n *Node) string {
	var all []string
	for _, port := range n.Ports {
		for _, w := range g.Leaving(n, port) {
			all = append(all, port+" -> "+g.behind(w.To))
		}
	}
	if n.Kind != Edge {
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	var from []string
	for _, w := range g.Wires {
		if w.To == n {
			from = append(from, w.From.key+" "+w.Port)
		}
	}
	slices.Sort(from)
	return g.behind(n) + "\n" + strings.Join(from, "\n")
}

// behind spells what a wire leads to, through an edge.
func (g *Graph) behind(n *Node) string {
	if n.Kind != Edge {
		return n.key
	}
	text := fmt.Sprintf("%s %x", n.key, n.fingerprint())
	for _, w := range g.Leaving(n, "out") {
		text += ", " + w.To.key
	}
	return text
}
