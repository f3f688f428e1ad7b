package flows

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/wiring"
	"github.com/flowrun/flowrun/runtime/flow"
)

var connectContent = source.Expected{
	Arguments: []string{"from", "via", "where", "to", "deliver", "on_lost_peer", "best_effort", "for_each"},
	Later:     laterConnect,
}

// connect is a connect block being read.
type connect struct {
	reader *reader
	source.Content
	block flow.ConnectBlock // without its ends
	hops  []hop
}

// hop is one element of via: a pipeline, or a use of a module.
type hop struct {
	wiring.End
	use *reader
	as  string // what the use is called beside the edge
}

// readConnects reads the connect blocks: first what is in via, so that all uses
// of a module are there when from joins them.
func (r *reader) readConnects() {
	families := readFamilies(r, "connect", 0, (*reader).readConnect)
	for _, b := range r.blocks["connect"] {
		f := families[b.Labels[0]]
		if f == nil {
			continue
		}
		for _, c := range append(f.all(), f.aside...) {
			leave := r.Within(c.reader.title)
			c.wire()
			leave()
		}
		delete(families, b.Labels[0])
	}
}

func (r *reader) readConnect(b source.Block, name string) *connect {
	b.Owner = "connect " + quote(b.Labels[0])
	c := &connect{reader: r, Content: r.Content(b.Region, connectContent)}
	r.Require(b.Region, c.Content, "from", "to")
	c.block = flow.ConnectBlock{Name: r.prefix + name, At: placeOf(b.At)}
	if a, ok := c.Arguments["via"]; ok {
		c.hops = r.via(a, name)
	}
	if a, ok := c.Arguments["where"]; ok {
		c.block.Where, _ = r.Compile(a.Expr, "where", nil)
	}
	r.readPolicy(&c.block, c.Content)
	return c
}

// readPolicy reads what decides who gets an event, and what becomes of one that
// cannot be delivered.
func (r *reader) readPolicy(block *flow.ConnectBlock, c source.Content) {
	if a, ok := c.Arguments["deliver"]; ok {
		switch name := r.Option(a, "reply", "broadcast", "topic", "identity"); name {
		case "broadcast":
			block.Deliver = flow.Broadcast
		case "topic", "identity":
			r.Errorf(a.Expr.Range(), "deliver = %q is %s", name, source.NotYet)
		}
	}
	if a, ok := c.Arguments["on_lost_peer"]; ok {
		block.LostPeerErr = r.Option(a, "drop", "err") == "err"
	}
	if a, ok := c.Arguments["best_effort"]; ok {
		if v, ok := r.Setting(a, cty.Bool); ok {
			block.BestEffort = v.True()
		}
	}
}

// via reads the pipelines and modules that an edge passes, in order. The same
// may stand there twice: each is an instance of its own.
func (r *reader) via(a source.Argument, edge string) (hops []hop) {
	for _, e := range expressions(a) {
		ref, ok := r.reference(e, "via")
		switch {
		case !ok:
		case ref.kind == "connector":
			r.Errorf(ref.at, "via wants pipelines, and connector.%s is none", ref.name)
		case ref.kind == "module":
			eachOf(r, ref, r.modules, func(m *module, text string) {
				m.used = true
				if m.folder != nil && r.checkPassage(m, ref, text) {
					use, as := m.inVia(r.whole, edge)
					hops = append(hops, hop{wiring.End{At: ref.at, Text: text}, use, as})
				}
			})
		default:
			for _, x := range r.resolve(ref, "via") {
				hops = append(hops, hop{End: x})
			}
		}
	}
	return hops
}

// checkPassage checks that events can pass a module.
func (r *reader) checkPassage(m *module, ref reference, text string) bool {
	if ref.port != "in" {
		r.Errorf(ref.at, "via wants modules without a port: events go into in and come from out")
		return false
	}
	if slices.Contains(m.ports("to"), "in") && slices.Contains(m.ports("from"), "out") {
		return true
	}
	r.Errorf(ref.at, "%s cannot stand in via: that takes an input \"in\" and an output \"out\"", text)
	return false
}

// wire adds the edge to the flow. A module in via cuts it: one part leads into
// the module, the next starts behind it.
func (c *connect) wire() {
	var from, to []wiring.End
	if a, ok := c.Arguments["from"]; ok {
		from = c.reader.ends(a)
	}
	if a, ok := c.Arguments["to"]; ok {
		to = c.reader.ends(a)
	}
	part, before := c.block, []wiring.End(nil)
	part.Deliver, part.LostPeerErr = flow.Reply, false
	for _, h := range c.hops {
		if h.use == nil {
			part.Via = append(part.Via, h.Name)
			continue
		}
		if before == nil {
			before = from
		}
		c.add(part, from, standFor(h.End, h.use.inputs["in"]), nil, nil)
		from = standFor(h.End, h.use.outputs["out"])
		part.Name, part.Where, part.Via = c.block.Name+"@"+h.as, nil, nil
	}
	part.Deliver, part.LostPeerErr = c.block.Deliver, c.block.LostPeerErr
	c.add(part, from, to, before, c.Arguments)
}

func (c *connect) add(block flow.ConnectBlock, from, to, before []wiring.End, arguments map[string]source.Argument) {
	w := c.reader.whole
	block.From, block.To = ports(from), ports(to)
	block.Fingerprint = c.reader.fingerprint(&block.Where, block.Deliver, block.LostPeerErr, block.BestEffort)
	if len(to) == 0 { // an empty for_each, or a problem that is told
		return
	}
	w.file.Connects = append(w.file.Connects, &block)
	w.edges = append(w.edges, wiring.Edge{ConnectBlock: &block, Sources: from, Targets: to, Before: before, Within: c.reader.title, Arguments: arguments})
}
