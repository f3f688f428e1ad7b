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

// builder makes the parts of one flow and wires them.
type builder struct {
	engine    *Engine
	file      *flow.File
	boot      string
	graph     *graph.Graph
	units     map[*graph.Node]*unit
	instances map[*graph.Node]*pipeline.Instance
	problems  map[string]*flow.Problems // by the address of connector or pipeline
}

func (b *builder) build() error {
	b.graph = graph.New(b.file)
	b.units = map[*graph.Node]*unit{}
	b.instances = map[*graph.Node]*pipeline.Instance{}
	b.problems = map[string]*flow.Problems{}
	for _, n := range b.graph.Nodes {
		var err error
		switch n.Kind {
		case graph.Connector:
			err = b.connector(n)
		case graph.Pipeline:
			err = b.pipeline(n)
		}
		if err != nil {
			if b.engine.several {
				err = fmt.Errorf("%s: %w", b.file.Name, err)
			}
			return err
		}
	}
	b.wire()
	for _, n := range b.graph.Order() {
		u := b.units[n]
		u.findSource()
		b.engine.units = append(b.engine.units, u)
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
	instance, err := pipeline.New(n.Pipeline, problems)
	if err != nil {
		return fmt.Errorf("%s: %w", component.Address(), err)
	}
	b.instances[n] = instance
	return nil
}

func (b *builder) component(kind, typ, name string) *flow.Component {
	return &flow.Component{Boot: b.boot, Flow: b.file.Name, Kind: kind, Type: typ, Name: name}
}

// wire connects every port that something leaves by.
func (b *builder) wire() {
	for _, n := range b.graph.Nodes {
		if n.Kind == graph.Edge {
			continue // has no port of its own: see sink
		}
		for _, name := range n.Ports {
			wires := b.graph.Leaving(n, name)
			if len(wires) == 0 {
				continue
			}
			sinks := b.sinks(wires)
			if n.Private && name == "out" {
				// The end of an edge: its `to`, one after the other.
				b.port(n, name).Connect(inOrder(sinks))
			} else {
				b.port(n, name).Connect(pipeline.FanOut(sinks))
			}
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

func (b *builder) sinks(wires []graph.Wire) []flow.Sink {
	sinks := make([]flow.Sink, len(wires))
	for i, w := range wires {
		sinks[i] = b.sink(w)
	}
	return sinks
}

// sink is what a wire leads to. An edge becomes one sink per source, since
// the source hears of the problems with its condition.
func (b *builder) sink(w graph.Wire) flow.Sink {
	switch w.To.Kind {
	case graph.Connector:
		edge := w.From.Edge // only edges, and the pipelines in them, lead to connectors
		return b.units[w.To].table.In(edge.Deliver, edge.LostPeerErr)
	case graph.Pipeline:
		return b.instances[w.To].In()
	}
	edge := w.To.Edge
	to := inOrder(b.sinks(b.graph.Leaving(w.To, "out")))
	if edge.Where != nil {
		to = &pipeline.Edge{Where: edge.Where, To: []flow.Sink{to}, Problems: b.nodeProblems(w.From)}
	}
	if edge.BestEffort {
		try := &pipeline.BestEffort{To: to, Log: b.engine.log.With(zap.String("flow", b.file.Name), zap.String("connect", edge.Name))}
		b.engine.bestEffort = append(b.engine.bestEffort, try)
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
