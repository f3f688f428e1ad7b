package graph

import (
	"cmp"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Order returns the connectors in the order in which they start: by role,
// targets first and sources last, and among one role those before which
// others send to them. Where connectors send to each other in a circle, the
// one that stands first in the file starts last. They end in the order of
// their roles, from source to target.
func (g *Graph) Order() []*Node {
	next := map[*Node][]*Node{}
	for _, w := range g.Wires {
		next[w.From] = append(next[w.From], w.To)
	}
	var order []*Node
	seen := map[*Node]bool{}
	var visit func(n *Node)
	visit = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, to := range next[n] {
			visit(to)
		}
		if n.Kind == Connector {
			order = append(order, n)
		}
	}
	for _, n := range g.Nodes {
		visit(n)
	}
	slices.SortStableFunc(order, func(a, b *Node) int { return cmp.Compare(b.Role, a.Role) })
	return order
}

// Instances returns the instances of pipelines in the order in which events
// pass them: each before those that it leads to.
func (g *Graph) Instances() []*Node {
	var order []*Node
	seen := map[*Node]bool{}
	for _, n := range g.Nodes {
		g.follow(n, seen, func(n *Node) {
			if n.Kind == Pipeline {
				order = append(order, n)
			}
		})
	}
	slices.Reverse(order)
	return order
}

// LeadsTo returns the role of the connectors that n leads to, by any port and
// through other instances; of several roles the one that ends first, and
// Target when it leads to none.
func (g *Graph) LeadsTo(n *Node) flow.Role {
	first := flow.Target
	g.follow(n, map[*Node]bool{}, func(n *Node) {
		if n.Kind == Connector {
			first = min(first, n.Role)
		}
	})
	return first
}

// follow visits what is behind n and then n. It does not go on behind a
// connector that it comes to: what leaves there is not what came.
func (g *Graph) follow(n *Node, seen map[*Node]bool, visit func(*Node)) {
	if seen[n] {
		return
	}
	seen[n] = true
	if n.Kind != Connector {
		for _, w := range g.Wires {
			if w.From == n {
				g.follow(w.To, seen, visit)
			}
		}
	}
	visit(n)
}
