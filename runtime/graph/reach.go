package graph

// Reach lists the blocks that events of the connector at address can get to, by
// their addresses, and its own: by what it is connected to, and by what these send
// in turn, since what a connector brings may be an answer to what it was sent.
// It is nil when there is no such connector.
func (g *Graph) Reach(address string) map[string]bool {
	var at []*Node
	seen := map[*Node]bool{}
	visit := func(n *Node) {
		if !seen[n] {
			seen[n] = true
			at = append(at, n)
		}
	}
	for _, n := range g.Nodes {
		if n.Kind == Connector && n.ID == address {
			visit(n)
		}
	}
	var reached map[string]bool
	for len(at) > 0 {
		n := at[0]
		at = at[1:]
		if reached == nil {
			reached = map[string]bool{}
		}
		reached[n.Block()] = true
		for _, port := range n.Ports {
			for _, w := range g.Leaving(n, port) {
				visit(w.To)
			}
		}
	}
	return reached
}

// Block is the address of the block that the node is made from: of every instance
// of a pipeline the same.
func (n *Node) Block() string {
	if n.Kind == Pipeline {
		return "pipeline." + n.Pipeline.Name
	}
	return n.ID
}
