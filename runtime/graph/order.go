package graph

import (
	"cmp"
	"slices"
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
