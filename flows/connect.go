package flows

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/flows/decode"
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
		switch name := r.option(a, "reply", "broadcast", "topic", "identity"); name {
		case "broadcast":
			block.Deliver = flow.Broadcast
		case "topic", "identity":
			r.Errorf(a.Expr.Range(), "deliver = %q is %s", name, source.NotYet)
		}
	}
	if a, ok := c.Arguments["on_lost_peer"]; ok {
		block.LostPeerErr = r.option(a, "drop", "err") == "err"
	}
	if a, ok := c.Arguments["best_effort"]; ok {
		if v, ok := r.setting(a, cty.Bool); ok {
			block.BestEffort = v.True()
		}
	}
}

// setting computes a start-up value of the given type; ok is false where there
// is none, too.
func (r *reader) setting(a source.Argument, want cty.Type) (cty.Value, bool) {
	v, ok := r.Evaluate(a.Expr, a.Name)
	if !ok || v.IsNull() {
		return cty.NilVal, false
	}
	if v.IsMarked() {
		r.Errorf(a.Expr.Range(), "%s cannot be sensitive", a.Name)
		return cty.NilVal, false
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		r.Errorf(a.Expr.Range(), "%s wants %s, not %s", a.Name, decode.DescribeType(want), decode.Describe(v))
		return cty.NilVal, false
	}
	return converted, true
}

// option reads an argument that is one of a few words; "" when it is not.
func (r *reader) option(a source.Argument, words ...string) string {
	v, ok := r.setting(a, cty.String)
	if !ok {
		return ""
	}
	if word := v.AsString(); slices.Contains(words, word) {
		return word
	}
	p := r.Errorf(a.Expr.Range(), "%s must be one of %s", a.Name, strings.Join(words, ", "))
	if best := source.Nearest(v.AsString(), words); best != "" {
		p.Hint("did you mean %q?", best)
	}
	return ""
}

var referenceText = regexp.MustCompile(`^(connector|pipeline)\.[\w-]+(\.[\w-]+)?$`)

func looksLikeReference(v cty.Value) bool {
	return v.Type() == cty.String && v.IsKnown() && !v.IsNull() && referenceText.MatchString(v.AsString())
}
