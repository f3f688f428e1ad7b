package flows

import (
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

var connectContent = source.Expected{
	Arguments: []string{"from", "via", "where", "to", "deliver", "on_lost_peer", "best_effort"},
	Later:     laterConnect,
}

// readConnects reads the connect blocks.
func (r *reader) readConnects() {
	names := map[string]hcl.Range{}
	for _, b := range r.blocks["connect"] {
		name := b.Labels[0]
		b.Owner = "connect " + quote(name)
		if !r.ValidName(b, 0) {
			continue
		}
		if first, again := names[name]; again {
			r.Twice(b, first)
			continue
		}
		names[name] = b.At
		r.readConnect(b)
	}
}

func (r *reader) readConnect(b source.Block) {
	c := r.Content(b.Region, connectContent)
	r.Require(b.Region, c, "from", "to")
	block := &flow.ConnectBlock{Name: b.Labels[0], At: placeOf(b.At)}
	var from []reference
	if a, ok := c.Arguments["from"]; ok {
		from = r.references(a)
		for _, ref := range from {
			block.From = append(block.From, ref.PortRef)
		}
	}
	if a, ok := c.Arguments["via"]; ok {
		block.Via = r.via(a)
	}
	if a, ok := c.Arguments["where"]; ok {
		block.Where, _ = r.Compile(a.Expr, "where", nil)
	}
	if a, ok := c.Arguments["to"]; ok {
		for _, ref := range r.references(a) {
			block.To = append(block.To, ref.PortRef)
		}
	}
	r.readPolicy(block, c)
	r.file.Connects = append(r.file.Connects, block)
	r.edges = append(r.edges, edge{block, from, c.Arguments})
}

// via reads the pipelines that an edge passes, in order. The same may stand
// there twice: each is an instance of its own.
func (r *reader) via(a source.Argument) (names []string) {
	exprs, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		exprs = []hcl.Expression{a.Expr}
	}
	for _, e := range exprs {
		ref, ok := r.reference(e, "via")
		switch {
		case !ok:
		case ref.Kind != "pipeline":
			r.Errorf(ref.at, "via wants pipelines, and %s.%s is none", ref.Kind, ref.Name)
		default:
			names = append(names, ref.Name)
		}
	}
	return names
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

var referenceText = regexp.MustCompile(`^(connector|pipeline)\.[\w-]+(\.[\w-]+)?$`)

func looksLikeReference(v cty.Value) bool {
	return v.Type() == cty.String && v.IsKnown() && !v.IsNull() && referenceText.MatchString(v.AsString())
}
