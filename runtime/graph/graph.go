package graph

import (
	"fmt"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// Kind says what a node is.
type Kind string

// The kinds of nodes.
const (
	Connector Kind = "connector"
	Pipeline  Kind = "pipeline"
	Edge      Kind = "connect"
)

// Graph is the wiring of one flow. It is immutable.
type Graph struct {
	Flow  string
	Nodes []*Node // connectors, shared pipelines, then each edge with its own pipelines; in the order of the file
	Wires []Wire  // grouped by where they start; of one port, in the order in which events are sent

	leaving map[start][]Wire
}

// start is where wires start.
type start struct {
	node *Node
	port string
}

// Node is one part of the running flow.
type Node struct {
	ID    string // unique in the flow and stable as long as its block's name is: "connector.edge"
	Kind  Kind
	At    flow.Place
	Ports []string // where wires may start

	// One of these, by Kind, is what the node is made from. A private instance
	// has its Edge beside its Pipeline.
	Connector *flowfile.ConnectorBlock
	Pipeline  *flowfile.PipelineBlock
	Edge      *flowfile.ConnectBlock

	// Private is set for an instance of a pipeline that belongs to one edge.
	Private bool
	// Role is that of a connector.
	Role flow.Role

	leadsTo flow.Role
	key     string // its ID, or of a private instance what stays when others are put before it
}

// Wire leads from a port of one node into another node.
type Wire struct {
	From *Node
	Port string
	To   *Node
}

// New draws the wiring of f, whose references must be resolved.
func New(f *flowfile.File) *Graph {
	b := builder{
		graph: &Graph{Flow: f.Name}, file: f, byID: map[string]*Node{},
		pipelines: map[string]*flowfile.PipelineBlock{}, instances: map[string][]*Node{},
	}
	for _, p := range f.Pipelines {
		b.pipelines[p.Name] = p
	}
	for _, c := range f.Connectors {
		b.add(&Node{ID: "connector." + c.Name, Kind: Connector, At: c.At, Connector: c, Role: c.Config.Shape().Role, Ports: []string{"out", "err"}})
	}
	b.addSharedPipelines()
	for _, c := range f.Connects {
		b.addEdge(c)
	}
	for _, c := range f.Connects {
		b.wireEdge(c)
	}
	b.groupWires()
	b.graph.findRoles()
	return b.graph
}

// Leaving returns the wires that start at a port of n, in the order in which
// events are sent.
func (g *Graph) Leaving(n *Node, port string) []Wire {
	return g.leaving[start{n, port}]
}

type builder struct {
	graph *Graph
	file  *flowfile.File
	byID  map[string]*Node

	pipelines map[string]*flowfile.PipelineBlock
	instances map[string][]*Node // of a pipeline
}

func (b *builder) add(n *Node) {
	if n.key == "" {
		n.key = n.ID
	}
	b.graph.Nodes = append(b.graph.Nodes, n)
	b.byID[n.ID] = n
	if n.Kind == Pipeline {
		b.instances[n.Pipeline.Name] = append(b.instances[n.Pipeline.Name], n)
	}
}

// addSharedPipelines adds an instance for each pipeline that is named in
// `from` or `to` in a way that only a shared instance can answer: by its in or
// out, or by any port when it is in no `via`.
func (b *builder) addSharedPipelines() {
	private := map[string]bool{}
	named := map[string]bool{}
	for _, c := range b.file.Connects {
		for _, name := range c.Via {
			private[name] = true
		}
	}
	for _, c := range b.file.Connects {
		for _, ref := range slices.Concat(c.From, c.To) {
			if ref.Kind == "pipeline" && (ref.Port == "in" || ref.Port == "out" || !private[ref.Name]) {
				named[ref.Name] = true
			}
		}
	}
	for _, p := range b.file.Pipelines {
		if named[p.Name] {
			b.add(pipelineNode("pipeline."+p.Name, p))
		}
	}
}

func pipelineNode(id string, p *flowfile.PipelineBlock) *Node {
	return &Node{ID: id, Kind: Pipeline, At: p.At, Pipeline: p, Ports: slices.Concat([]string{"out", "err"}, p.Ports)}
}

func (b *builder) addEdge(c *flowfile.ConnectBlock) {
	id := "connect." + c.Name
	b.add(&Node{ID: id, Kind: Edge, At: c.At, Edge: c, Ports: []string{"out"}})
	for i, name := range c.Via {
		n := pipelineNode(viaID(id, i), b.pipelines[name])
		n.Private, n.Edge = true, c
		n.key = fmt.Sprintf("%s.via %s %d", id, name, count(c.Via[:i], name))
		b.add(n)
	}
}

func count(names []string, name string) (n int) {
	for _, other := range names {
		if other == name {
			n++
		}
	}
	return n
}

func viaID(edge string, i int) string { return fmt.Sprintf("%s.via[%d]", edge, i) }

func (b *builder) wireEdge(c *flowfile.ConnectBlock) {
	edge := b.byID["connect."+c.Name]
	for _, ref := range c.From {
		for _, n := range b.sources(ref) {
			b.wire(n, ref.Port, edge)
		}
	}
	last := edge
	for i := range c.Via {
		next := b.byID[viaID(edge.ID, i)]
		b.wire(last, "out", next)
		last = next
	}
	for _, ref := range c.To {
		b.wire(last, "out", b.byID[ref.Kind+"."+ref.Name])
	}
}

// sources returns the nodes that have the port ref means.
func (b *builder) sources(ref flowfile.PortRef) []*Node {
	if ref.Kind == "connector" || ref.Port == "out" {
		return []*Node{b.byID[ref.Kind+"."+ref.Name]}
	}
	return b.instances[ref.Name]
}

func (b *builder) wire(from *Node, port string, to *Node) {
	b.graph.Wires = append(b.graph.Wires, Wire{from, port, to})
}

// groupWires orders wires by node and port; the order within a port stays that
// of the file.
func (b *builder) groupWires() {
	g := b.graph
	g.leaving = map[start][]Wire{}
	for _, w := range g.Wires {
		at := start{w.From, w.Port}
		g.leaving[at] = append(g.leaving[at], w)
	}
	g.Wires = g.Wires[:0]
	for _, n := range g.Nodes {
		for _, port := range n.Ports {
			g.Wires = append(g.Wires, g.leaving[start{n, port}]...)
		}
	}
}
