package engine

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"os"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"go.uber.org/zap"
)

// bootID names this run of the process: "<node>.<boot>". Connection ids begin
// with it, so that none is used twice, on whatever node.
func bootID() string {
	node, err := os.Hostname()
	if err != nil || node == "" {
		node = "localhost"
	}
	var random [5]byte
	_, _ = rand.Read(random[:]) // does not fail
	return node + "." + strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
}

// builder makes the parts of one flow and wires them. It changes nothing that
// runs: what is kept of a former version is connected by connect.
type builder struct {
	*flowing
	engine *Engine
	former *flowing                    // what it takes over from, if anything
	kept   map[*graph.Node]*graph.Node // nodes of the former graph, by the new ones that they go on as
	joints []joint
}

// joint is a port with what it is to lead to; nil for nothing.
type joint struct {
	port *flow.Port
	to   flow.Sink
	kept bool // events may pass already
}

// builder returns what makes a flow of its file. What stays, as changes say, is
// taken from former.
func (e *Engine) builder(file *flow.File, g *graph.Graph, former *flowing, changes []graph.Change) *builder {
	b := &builder{
		flowing: &flowing{
			file: file, graph: g,
			units:     map[*graph.Node]*unit{},
			instances: map[*graph.Node]*instance{},
			problems:  map[string]*flow.Problems{},
		},
		engine: e,
		former: former,
		kept:   map[*graph.Node]*graph.Node{},
	}
	for _, c := range changes {
		if c.Stays() {
			b.keep(c)
		}
	}
	return b
}

// build makes what is new.
func (b *builder) build() error {
	for _, n := range b.graph.Nodes {
		if err := b.node(n); err != nil {
			if b.engine.several.Load() {
				err = fmt.Errorf("%s: %w", b.file.Name, err)
			}
			return err
		}
	}
	b.wire()
	return nil
}

// keep takes a part of the former flow over.
func (b *builder) keep(c graph.Change) {
	b.kept[c.New] = c.Old
	switch c.New.Kind {
	case graph.Connector:
		b.units[c.New] = b.former.units[c.Old]
		b.problems[c.New.ID] = b.former.problems[c.Old.ID]
	case graph.Pipeline:
		address := "pipeline." + c.New.Pipeline.Name
		b.instances[c.New] = b.former.instances[c.Old]
		b.problems[address] = b.former.problems[address]
	}
}

func (b *builder) node(n *graph.Node) error {
	switch {
	case b.kept[n] != nil:
		return nil
	case n.Kind == graph.Connector:
		return b.connector(n)
	case n.Kind == graph.Pipeline:
		return b.pipeline(n)
	}
	return nil
}

func (b *builder) connector(n *graph.Node) error {
	block := n.Connector
	c, err := block.Config.New()
	if err != nil {
		return fmt.Errorf("connector.%s: %w", block.Name, err)
	}
	component := b.component("connector", block.Type, block.Name)
	log := b.engine.log.With(zap.String("flow", b.file.Name), zap.String("connector", block.Name))
	problems := &flow.Problems{Component: component, Log: log}
	shape := block.Config.Shape()
	b.problems[component.Address()] = problems
	u := &unit{
		engine:    b.engine,
		connector: c,
		component: component,
		shape:     shape,
		common:    block.Common,
		log:       log,
		farewell:  b.file.Drain.Farewell(),
		done:      make(chan struct{}),
	}
	u.running, u.end = context.WithCancel(b.engine.stages[shape.Role].ctx)
	u.feeding, u.endFeed = context.WithCancel(b.engine.stages[flow.Source].ctx)
	u.abandoned, u.abandon = context.WithCancel(b.engine.abandoned)
	config := link.Config{
		Component: component,
		Shape:     shape,
		Codec:     block.Codec,
		Pre:       block.Pre,
		Post:      block.Post,
		OnDecode:  block.Common.OnDecode,
		Problems:  problems,
		Log:       log,
		Settle:    u.settle,
		Seq:       b.engine.sequence(component),
	}
	if shape.Per != nil {
		lanes := &lanes{unit: u, connector: c}
		u.connector, config.Serve = lanes, lanes.serve
	}
	u.table = link.NewTable(config)
	b.units[n] = u
	return nil
}

func (b *builder) pipeline(n *graph.Node) error {
	component := b.component("pipeline", "", n.Pipeline.Name)
	problems := b.problems[component.Address()]
	if problems == nil {
		// Shared by all instances: the flow sees one pipeline.x.err.
		log := b.engine.log.With(zap.String("flow", b.file.Name), zap.String("pipeline", n.Pipeline.Name))
		problems = &flow.Problems{Component: component, Log: log}
		b.problems[component.Address()] = problems
	}
	i, err := pipeline.New(n.Pipeline, problems)
	if err != nil {
		return fmt.Errorf("%s: %w", component.Address(), err)
	}
	b.instances[n] = b.engine.newInstance(i, b.file.Name, n.ID)
	return nil
}

func (b *builder) component(kind, typ, name string) *flow.Component {
	return &flow.Component{Boot: b.engine.boot, Flow: b.file.Name, Kind: kind, Type: typ, Name: name}
}

// wire decides what every port leads to.
func (b *builder) wire() {
	for _, n := range b.graph.Nodes {
		if n.Kind == graph.Edge {
			continue // has no port of its own: see sink
		}
		for _, name := range n.Ports {
			j := joint{port: b.port(n, name), kept: b.kept[n] != nil}
			switch wires := b.graph.Leaving(n, name); {
			case len(wires) == 0:
			case n.Private && name == "out":
				// The end of an edge: its `to`, one after the other.
				j.to = inOrder(b.sinks(wires, n))
			default:
				j.to = pipeline.FanOut(b.sinks(wires, n))
			}
			b.joints = append(b.joints, j)
		}
	}
}

// connect connects the ports that are new, or those that are kept.
func (b *builder) connect(kept bool) {
	for _, j := range b.joints {
		if j.kept == kept {
			j.port.Connect(j.to)
		}
	}
}

func (b *builder) port(n *graph.Node, name string) *flow.Port {
	switch {
	case name == "err":
		return &b.nodeProblems(n).Port
	case n.Kind == graph.Connector:
		return b.units[n].table.Out()
	}
	return b.instances[n].Port(name)
}

func (b *builder) nodeProblems(n *graph.Node) *flow.Problems {
	if n.Kind == graph.Pipeline {
		return b.problems["pipeline."+n.Pipeline.Name]
	}
	return b.problems[n.ID]
}

func (b *builder) sinks(wires []graph.Wire, source *graph.Node) []flow.Sink {
	sinks := make([]flow.Sink, len(wires))
	for i, w := range wires {
		sinks[i] = b.sink(w, source)
	}
	return sinks
}

// sink is what a wire leads to. An edge becomes one sink per source, since
// the source hears of the problems with its expressions: what comes to its end
// through a pipeline has its source there.
func (b *builder) sink(w graph.Wire, source *graph.Node) flow.Sink {
	switch w.To.Kind {
	case graph.Connector:
		edge := w.From.Edge // only edges, and the pipelines in them, lead to connectors
		if edge.Whom != nil {
			return b.units[w.To].table.InTo(link.Whom{By: edge.Deliver, Names: edge.Whom, Problems: b.nodeProblems(source)}, edge.LostPeerErr)
		}
		return b.units[w.To].table.In(edge.Deliver, edge.LostPeerErr)
	case graph.Pipeline:
		return b.instances[w.To].In()
	}
	edge := w.To.Edge
	to := inOrder(b.sinks(b.graph.Leaving(w.To, "out"), source))
	if edge.Where != nil {
		to = &pipeline.Edge{Where: edge.Where, To: []flow.Sink{to}, Problems: b.nodeProblems(w.From)}
	}
	if edge.BestEffort {
		try := &pipeline.BestEffort{To: to, Log: b.engine.log.With(zap.String("flow", b.file.Name), zap.String("connect", edge.Name))}
		b.bestEffort = append(b.bestEffort, try)
		to = try
	}
	return to
}

// inOrder sends to several sinks, one after the other.
func inOrder(sinks []flow.Sink) flow.Sink {
	if len(sinks) == 1 {
		return sinks[0]
	}
	return &pipeline.Edge{To: sinks}
}
