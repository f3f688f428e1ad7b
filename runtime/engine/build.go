package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/runtime/engine/internal/lanes"
	"github.com/flowrun/flowrun/runtime/engine/internal/lifecycle"
	"github.com/flowrun/flowrun/runtime/engine/internal/uses"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/wiring"
	"go.uber.org/zap"
)

// builder makes the parts of one flow and wires them. It changes nothing that
// runs: ports are connected by connect.
type builder struct {
	*flowing
	engine *Engine
	former *flowing                    // what it takes over from, if anything
	kept   map[*graph.Node]*graph.Node // nodes of the former graph, by the new ones that they go on as
}

// builder returns what makes a flow of its file. What stays, as changes say, is
// taken from former.
func (e *Engine) builder(file *flowfile.File, g *graph.Graph, former *flowing, changes []graph.Change) *builder {
	b := &builder{
		flowing: &flowing{
			file: file, graph: g,
			units:     map[*graph.Node]*unit{},
			instances: map[*graph.Node]*uses.Use{},
			problems:  map[string]*flow.Problems{},
			edges:     edgeCounts(file, former),
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
	b.wiring = wiring.New(b.graph, wiring.Parts{
		Table:    func(n *graph.Node) *link.Table { return b.units[n].table },
		Instance: func(n *graph.Node) *pipeline.Instance { return b.instances[n].Instance },
		Problems: b.problemsOf,
		Counts:   func(n *graph.Node) *pipeline.EdgeCounts { return b.edges[n.Edge.Name] },
		Log:      b.engine.log.With(zap.String("flow", b.file.Name)),
	})
	return nil
}

// problemsOf are those of a connector or of a pipeline, which its uses share.
func (f *flowing) problemsOf(n *graph.Node) *flow.Problems {
	if n.Kind == graph.Pipeline {
		return f.problems["pipeline."+n.Pipeline.Name]
	}
	return f.problems[n.ID]
}

// connect connects the ports that are new, or those that are kept, by which events
// may pass already.
func (b *builder) connect(kept bool) {
	b.wiring.Connect(func(n *graph.Node) bool { return (b.kept[n] != nil) == kept }, b.engine.taps.of(b.file.Name))
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
		life:      lifecycle.Lifecycle{Component: component, Log: log, Notices: b.engine.notices, Lanes: shape.Per != nil},
		farewell:  b.file.Drain.Farewell(),
		done:      make(chan struct{}),
		problems:  problems,
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
		Entered:   u.entered,
		Removed:   u.removed,
		Queues:    b.engine.queues,
	}
	if shape.Role == flow.Server {
		config.Trace = b.engine.traceOf
	}
	if shape.Per != nil {
		all := &lanes.Lanes{
			Host: u, Connector: c, Reconnect: u.common.Reconnect, Idle: shape.Per.IdleTimeout, Running: u.running, Opened: u.life.Opened, Tried: u.life.Tried, Reopened: u.life.Reopened, Catch: u.catch,
			EndIdle: func(since time.Time) { u.table.EndIdle(since) },
		}
		u.connector, config.Serve = all, all.Serve
	}
	u.table = link.NewTable(config)
	context.AfterFunc(u.receiving(), u.table.Resume) // what waits is delivered
	u.holdBack()
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
	name := n.ID
	if b.engine.several.Load() {
		name = b.file.Name + ": " + name
	}
	b.instances[n] = uses.New(b.engine.abandoned, i, name)
	return nil
}

func (b *builder) component(kind, typ, name string) *flow.Component {
	return &flow.Component{Boot: b.engine.boot, Flow: b.file.Name, Kind: kind, Type: typ, Name: name}
}

// edgeCounts are where the edges of a flow count, those of its former version
// where they had the same name.
func edgeCounts(file *flowfile.File, former *flowing) map[string]*pipeline.EdgeCounts {
	edges := make(map[string]*pipeline.EdgeCounts, len(file.Connects))
	for _, c := range file.Connects {
		edges[c.Name] = new(pipeline.EdgeCounts)
		if former != nil && former.edges[c.Name] != nil {
			edges[c.Name] = former.edges[c.Name]
		}
	}
	return edges
}
