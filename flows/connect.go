package flows

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/wiring"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// ConnectArguments are the arguments of a connect block.
var ConnectArguments = []string{"from", "where", "via", "to", "deliver", "topic", "identity", "on_lost_peer", "best_effort", "for_each"}

// connect is a connect block being read.
type connect struct {
	reader *reader
	source.Content
	block flowfile.ConnectBlock // without its ends
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
	for _, b := range r.Blocks["connect"] {
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
	c := &connect{reader: r, Content: r.Content(b.Region, source.Expected{Arguments: ConnectArguments})}
	r.Require(b.Region, c.Content, "from", "to")
	c.block = flowfile.ConnectBlock{Name: r.prefix + name, At: placeOf(b.At)}
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
func (r *reader) readPolicy(block *flowfile.ConnectBlock, c source.Content) {
	deliver, said := c.Arguments["deliver"]
	way := "reply"
	if said {
		way = r.Option(deliver, "reply", "broadcast", "topic", "identity")
		block.Deliver = map[string]flow.Delivery{"broadcast": flow.Broadcast, "topic": flow.Topic, "identity": flow.Identity}[way]
	}
	for _, name := range []string{"topic", "identity"} {
		a, ok := c.Arguments[name]
		switch {
		case ok:
			r.readWhom(block, a, way)
		case way == name:
			r.Errorf(deliver.Expr.Range(), "deliver = %q needs the argument %s", name, name).Hint("%s", whom[name])
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

// whom is what topic and identity are.
var whom = map[string]string{
	"topic":    "topic = event.symbol: one topic, or a list of them; null for none",
	"identity": "identity = event.user: the session key of a connection, or a list of them; null for none",
}

// readWhom reads topic or identity; way is what deliver says, "" where it says
// nothing that there is.
func (r *reader) readWhom(block *flowfile.ConnectBlock, a source.Argument, way string) {
	x, ok := r.Compile(a.Expr, a.Name, nil)
	switch {
	case way == a.Name:
		block.Whom = x
	case way != "":
		r.Errorf(a.At, "%s needs deliver = %q", a.Name, a.Name)
		return
	}
	wanted, what := flow.OfNull|flow.OfText|flow.OfList, "a topic is a string"
	if a.Name == "identity" {
		wanted, what = wanted|flow.OfNumber|flow.OfBool, "an identity is a string or a number"
	}
	if k, kinded := x.(flow.Kinded); ok && kinded && k.Kinds()&wanted == 0 {
		r.Errorf(a.Expr.Range(), "%s, or a list of them, and this is %s", what, k.Kinds())
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
	part.Deliver, part.Whom, part.LostPeerErr = flow.Reply, nil, false
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
	part.Deliver, part.Whom, part.LostPeerErr = c.block.Deliver, c.block.Whom, c.block.LostPeerErr
	c.add(part, from, to, before, c.Arguments)
}

func (c *connect) add(block flowfile.ConnectBlock, from, to, before []wiring.End, arguments map[string]source.Argument) {
	w := c.reader.whole
	block.From, block.To = ports(from), ports(to)
	block.Fingerprint = c.reader.fingerprint(&block.Where, block.Deliver, &block.Whom, block.LostPeerErr, block.BestEffort)
	if len(to) == 0 { // an empty for_each, or a problem that is told
		return
	}
	w.file.Connects = append(w.file.Connects, &block)
	w.edges = append(w.edges, wiring.Edge{ConnectBlock: &block, Sources: from, Targets: to, Before: before, Within: c.reader.title, Arguments: arguments})
}
