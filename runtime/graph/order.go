package graph

import (
	"cmp"
	"iter"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Order returns the connectors in the order in which they start: by role,
// targets first and sources last, and among one role those before which
// others send to them. Where connectors send to each other in a circle, the
// one that stands first in the file starts last. They end in the order of
// their roles, from source to target.
func (g *Graph) Order() []*Node {
	var order []*Node
	seen := map[*Node]bool{}
	var visit func(n *Node)
	visit = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for w := range g.from(n) {
			visit(w.To)
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
func (g *Graph) LeadsTo(n *Node) flow.Role { return n.leadsTo }

// findRoles is what LeadsTo knows. No pipelines lead to each other in a circle.
func (g *Graph) findRoles() {
	seen := map[*Node]bool{}
	for _, n := range g.Nodes {
		g.follow(n, seen, func(n *Node) {
			if n.leadsTo = flow.Target; n.Kind == Connector {
				n.leadsTo = n.Role
				return
			}
			for w := range g.from(n) {
				n.leadsTo = min(n.leadsTo, w.To.leadsTo)
			}
		})
	}
}

// from goes through all wires that start at n.
func (g *Graph) from(n *Node) iter.Seq[Wire] {
	return func(yield func(Wire) bool) {
		for _, port := range n.Ports {
			for _, w := range g.Leaving(n, port) {
				if !yield(w) {
					return
				}
			}
		}
	}
}

// follow visits what is behind n and then n. It does not go on behind a
// connector that it comes to: what leaves there is not what came.
func (g *Graph) follow(n *Node, seen map[*Node]bool, visit func(*Node)) {
	if seen[n] {
		return
	}
	seen[n] = true
	if n.Kind != Connector {
		for w := range g.from(n) {
			g.follow(w.To, seen, visit)
		}
	}
	visit(n)
}
