package flows

import (
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

var connectContent = source.Expected{Arguments: []string{"from", "via", "where", "to", "deliver"}, Later: laterConnect}

// readConnects reads the connect blocks.
func (r *reader) readConnects() {
	names := map[string]hcl.Range{}
	for _, b := range r.blocks["connect"] {
		name := b.Labels[0]
		b.Owner = "connect " + quote(name)
		if !r.validName(b, 0) {
			continue
		}
		if first, again := names[name]; again {
			r.twice(b, first)
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
	if a, ok := c.Arguments["deliver"]; ok {
		r.deliver(a)
	}
	r.file.Connects = append(r.file.Connects, block)
	r.edges = append(r.edges, edge{block, from})
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

// deliver has one value yet.
func (r *reader) deliver(a source.Argument) {
	v, ok := r.constant(a, cty.String)
	if !ok {
		return
	}
	switch name := v.AsString(); name {
	case "reply":
	case "broadcast", "topic", "identity":
		r.Errorf(a.Expr.Range(), "deliver = %q is %s", name, source.NotYet)
	default:
		r.Errorf(a.Expr.Range(), "deliver must be one of reply, broadcast, topic, identity").
			Hint("%s", source.DidYouMean(name, []string{"reply", "broadcast", "topic", "identity"}))
	}
}

var referenceText = regexp.MustCompile(`^(connector|pipeline)\.[\w-]+(\.[\w-]+)?$`)

func looksLikeReference(v cty.Value) bool {
	return v.Type() == cty.String && v.IsKnown() && !v.IsNull() && referenceText.MatchString(v.AsString())
}
