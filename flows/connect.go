package flows

import (
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/runtime/flow"
)

var connectContent = expected{arguments: []string{"from", "via", "where", "to", "deliver"}, later: laterConnect}

// readConnects reads the connect blocks.
func (r *reader) readConnects() {
	names := map[string]hcl.Range{}
	for _, b := range r.blocks["connect"] {
		name := b.labels[0]
		b.owner = "connect " + quote(name)
		if !r.validName(b, 0) {
			continue
		}
		if first, again := names[name]; again {
			r.twice(b, first)
			continue
		}
		names[name] = b.at
		r.readConnect(b)
	}
}

func (r *reader) readConnect(b nested) {
	c := r.required(b.region, r.content(b.region, connectContent), "from", "to")
	block := &flow.ConnectBlock{Name: b.labels[0], At: placeOf(b.at)}
	if a, ok := c.arguments["from"]; ok {
		for _, ref := range r.references(a) {
			block.From = append(block.From, ref.PortRef)
		}
	}
	if a, ok := c.arguments["via"]; ok {
		block.Via = r.via(a)
	}
	if a, ok := c.arguments["where"]; ok {
		block.Where, _ = r.compile(a.expr, "where")
	}
	if a, ok := c.arguments["to"]; ok {
		for _, ref := range r.references(a) {
			block.To = append(block.To, ref.PortRef)
		}
	}
	if a, ok := c.arguments["deliver"]; ok {
		r.deliver(a)
	}
	r.file.Connects = append(r.file.Connects, block)
}

// via reads the pipelines that an edge passes, in order. The same may stand
// there twice: each is an instance of its own.
func (r *reader) via(a argument) (names []string) {
	exprs, diags := hcl.ExprList(a.expr)
	if diags.HasErrors() {
		exprs = []hcl.Expression{a.expr}
	}
	for _, e := range exprs {
		ref, ok := r.reference(e, "via")
		switch {
		case !ok:
		case ref.Kind != "pipeline":
			r.errorf(ref.at, "via wants pipelines, and %s.%s is none", ref.Kind, ref.Name)
		default:
			names = append(names, ref.Name)
		}
	}
	return names
}

// deliver has one value yet.
func (r *reader) deliver(a argument) {
	v, ok := r.constant(a, cty.String)
	if !ok {
		return
	}
	switch name := v.AsString(); name {
	case "reply":
	case "broadcast", "topic", "identity":
		r.errorf(a.expr.Range(), "deliver = %q is %s", name, notYet)
	default:
		r.errorf(a.expr.Range(), "deliver must be one of reply, broadcast, topic, identity").
			hint("%s", didYouMean(name, []string{"reply", "broadcast", "topic", "identity"}))
	}
}

var referenceText = regexp.MustCompile(`^(connector|pipeline)\.[\w-]+(\.[\w-]+)?$`)

func looksLikeReference(v cty.Value) bool {
	return v.Type() == cty.String && v.IsKnown() && !v.IsNull() && referenceText.MatchString(v.AsString())
}
