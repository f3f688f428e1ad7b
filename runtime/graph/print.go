package graph

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// roles spells the roles for people.
var roles = map[flow.Role]string{flow.Source: "source", flow.Server: "server", flow.Client: "client", flow.Target: "target"}

// what describes the node behind its ID: "ws_server, server".
func (n *Node) what() string {
	switch {
	case n.Kind == Connector:
		return n.Connector.Type + ", " + roles[n.Role]
	case n.Private:
		return "pipeline." + n.Pipeline.Name
	case n.Kind == Edge && n.Edge.Where != nil:
		return n.terms("where " + n.Edge.Where.At())
	case n.Kind == Edge:
		return n.terms()
	}
	return ""
}

// terms adds to words how an edge delivers, where that is not as most do.
func (n *Node) terms(words ...string) string {
	switch n.Edge.Deliver {
	case flow.Broadcast:
		words = append(words, "broadcast")
	case flow.Topic:
		words = append(words, "topic "+n.Edge.Whom.At())
	case flow.Identity:
		words = append(words, "identity "+n.Edge.Whom.At())
	}
	if n.Edge.BestEffort {
		words = append(words, "best effort")
	}
	return strings.Join(words, ", ")
}

// Text lists the nodes with their wires, and the order of start. The same
// flow gives the same text.
func (g *Graph) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "flow %s\n", g.Flow)
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "\n%s", n.ID)
		if what := n.what(); what != "" {
			fmt.Fprintf(&b, " (%s)", what)
		}
		b.WriteByte('\n')
		for _, port := range n.Ports {
			for _, w := range g.Leaving(n, port) {
				fmt.Fprintf(&b, "  %s -> %s\n", port, w.To.ID)
			}
		}
	}
	b.WriteString("\nstart")
	for i, n := range g.Order() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(" " + n.ID)
	}
	b.WriteByte('\n')
	return b.String()
}

// label is the text inside a node of a drawing: what it is called in the flow
// and, below, what it is.
func (n *Node) label() (name, below string) {
	switch {
	case n.Kind == Connector:
		return n.ID, n.Connector.Type
	case n.Private:
		return "pipeline." + n.Pipeline.Name, "via of connect." + n.edgeName()
	case n.Kind == Edge && n.Edge.Where != nil:
		return n.ID, n.terms("where")
	case n.Kind == Edge:
		return n.ID, n.terms()
	}
	return n.ID, ""
}

// edgeName is the name of the edge that a private pipeline belongs to.
func (n *Node) edgeName() string {
	id := strings.TrimPrefix(n.ID, "connect.")
	return id[:strings.LastIndex(id, ".via[")]
}

// names gives each node a short name that any drawing language accepts.
func (g *Graph) names() map[*Node]string {
	names := make(map[*Node]string, len(g.Nodes))
	for i, n := range g.Nodes {
		names[n] = fmt.Sprintf("n%d", i)
	}
	return names
}

// Mermaid draws the graph as a Mermaid flowchart.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	names := g.names()
	shapes := map[Kind][2]string{Connector: {`["`, `"]`}, Pipeline: {`[["`, `"]]`}, Edge: {`("`, `")`}}
	for _, n := range g.Nodes {
		name, below := n.label()
		text := mermaidText(name)
		if below != "" {
			text += "<br/>" + mermaidText(below)
		}
		shape := shapes[n.Kind]
		fmt.Fprintf(&b, "  %s%s%s%s\n", names[n], shape[0], text, shape[1])
	}
	for _, w := range g.Wires {
		if w.Port == "out" {
			fmt.Fprintf(&b, "  %s --> %s\n", names[w.From], names[w.To])
		} else {
			fmt.Fprintf(&b, "  %s -->|%s| %s\n", names[w.From], mermaidText(w.Port), names[w.To])
		}
	}
	return b.String()
}

// mermaidText spells a text inside quotes, where entities are read.
func mermaidText(s string) string {
	return strings.NewReplacer("&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "#", "#35;").Replace(s)
}

// DOT draws the graph in the language of Graphviz.
func (g *Graph) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n  rankdir=LR\n", dotText(g.Flow))
	names := g.names()
	shapes := map[Kind]string{Connector: "box", Pipeline: "component", Edge: "oval"}
	for _, n := range g.Nodes {
		name, below := n.label()
		if below != "" {
			name += "\n" + below
		}
		fmt.Fprintf(&b, "  %s [shape=%s, label=%s]\n", names[n], shapes[n.Kind], dotText(name))
	}
	for _, w := range g.Wires {
		fmt.Fprintf(&b, "  %s -> %s", names[w.From], names[w.To])
		if w.Port != "out" {
			fmt.Fprintf(&b, " [label=%s]", dotText(w.Port))
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	return b.String()
}

func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// Description is what JSON spells.
type Description struct {
	Flow  string          `json:"flow"`
	Nodes []DescribedNode `json:"nodes"`
	Wires []DescribedWire `json:"wires"`
	Start []string        `json:"start"`
}

// DescribedNode is a node of it.
type DescribedNode struct {
	ID       string   `json:"id"`
	Kind     Kind     `json:"kind"`
	Type     string   `json:"type,omitempty"`
	Role     string   `json:"role,omitempty"`
	Pipeline string   `json:"pipeline,omitempty"`
	Where    string   `json:"where,omitempty"` // its place
	Terms    string   `json:"terms,omitempty"` // of delivery: "broadcast, best effort"
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Ports    []string `json:"ports"`
}

// DescribedWire is a wire of it, by the ids of nodes.
type DescribedWire struct {
	From string `json:"from"`
	Port string `json:"port"`
	To   string `json:"to"`
}

// JSON describes the graph for programs, indented and ending in a newline.
func (g *Graph) JSON() []byte {
	j := Description{Flow: g.Flow, Nodes: []DescribedNode{}, Wires: []DescribedWire{}, Start: []string{}}
	for _, n := range g.Nodes {
		node := DescribedNode{ID: n.ID, Kind: n.Kind, File: n.At.File, Line: n.At.Line, Ports: n.Ports}
		switch n.Kind {
		case Connector:
			node.Type, node.Role = n.Connector.Type, roles[n.Role]
		case Pipeline:
			node.Pipeline = n.Pipeline.Name
		case Edge:
			node.Terms = n.terms()
			if n.Edge.Where != nil {
				node.Where = n.Edge.Where.At()
			}
		}
		j.Nodes = append(j.Nodes, node)
	}
	for _, w := range g.Wires {
		j.Wires = append(j.Wires, DescribedWire{w.From.ID, w.Port, w.To.ID})
	}
	for _, n := range g.Order() {
		j.Start = append(j.Start, n.ID)
	}
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		panic(err) // strings and numbers can always be spelled
	}
	return append(text, '\n')
}
