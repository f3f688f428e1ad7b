package flows

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// region is what stands between two braces: the body of a block, in HCL or in
// JSON, or an object that stands in place of one, as in
// codec = { name = "json" }.
type region struct {
	owner string // how messages call it: connector "ws_server"
	at    hcl.Range
	body  hcl.Body
	items []hcl.KeyValuePair // where body is nil
}

// argument is name = expr.
type argument struct {
	name string
	at   hcl.Range // of the name
	expr hcl.Expression
}

// nested is a block.
type nested struct {
	kind     string
	labels   []string
	labelsAt []hcl.Range
	region
}

// expected says what may stand in a region: arguments, and blocks with their
// number of labels.
type expected struct {
	arguments []string
	blocks    map[string]int
	later     []string // what will be known one day
}

func (e expected) names() []string {
	return slices.Concat(e.arguments, slices.Collect(maps.Keys(e.blocks)))
}

// content is a region sorted out: only what was expected.
type content struct {
	arguments map[string]argument
	blocks    []nested // in the order written
}

// content sorts out g and reports what must not stand in it.
func (r *Report) content(g region, e expected) content {
	c := content{arguments: map[string]argument{}}
	switch body := g.body.(type) {
	case nil:
		r.objectContent(&c, g, e)
	case *hclsyntax.Body:
		r.nativeContent(&c, body, g, e)
	default:
		r.jsonContent(&c, g, e)
	}
	return c
}

func (r *Report) unknown(g region, e expected, what, name string, at hcl.Range) {
	if later(e.later, name) {
		r.errorf(at, "%s %s in %s is %s", what, name, g.owner, notYet)
		return
	}
	names := e.names()
	if len(e.arguments) == 0 && what == "argument" {
		r.errorf(at, "%s has no arguments", g.owner).hint("%s", didYouMean(name, names))
		return
	}
	r.errorf(at, "%s has no %s %q", g.owner, what, name).hint("%s", didYouMean(name, names))
}

func (r *Report) nativeContent(c *content, body *hclsyntax.Body, g region, e expected) {
	for name, a := range body.Attributes {
		_, isBlock := e.blocks[name]
		switch {
		case slices.Contains(e.arguments, name):
			c.arguments[name] = argument{name, a.NameRange, a.Expr}
		case isBlock:
			r.errorf(a.NameRange, "%s is a block of %s, not an argument", name, g.owner).hint("write %s { … }, without \"=\"", name)
		default:
			r.unknown(g, e, "argument", name, a.NameRange)
		}
	}
	for _, b := range body.Blocks {
		labels, ok := e.blocks[b.Type]
		switch {
		case ok && len(b.Labels) < labels:
			usage := ` "name"`
			if labels == 2 {
				usage = ` "type" "name"`
			}
			r.errorf(b.DefRange(), "%s needs %s", b.Type, tally(labels, "label")).hint("write %s%s { … }", b.Type, usage)
		case ok && len(b.Labels) > labels:
			r.errorf(b.LabelRanges[labels], "%s has too many labels: it takes %s", b.Type, tally(labels, "label"))
		case ok:
			c.blocks = append(c.blocks, nested{b.Type, b.Labels, b.LabelRanges, region{b.Type, b.DefRange(), b.Body, nil}})
		case slices.Contains(e.arguments, b.Type):
			r.errorf(b.TypeRange, "%s is an argument of %s, not a block", b.Type, g.owner).hint("write %s = …", b.Type)
		default:
			r.unknown(g, e, "block", b.Type, b.TypeRange)
		}
	}
}

func (r *Report) jsonContent(c *content, g region, e expected) {
	schema := &hcl.BodySchema{}
	for _, name := range e.arguments {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(e.blocks)) {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: name, LabelNames: []string{"type", "name"}[2-e.blocks[name]:]})
	}
	found, rest, diags := g.body.PartialContent(schema)
	r.hcl(diags)
	for name, a := range found.Attributes {
		c.arguments[name] = argument{name, a.NameRange, a.Expr}
	}
	for _, b := range found.Blocks {
		c.blocks = append(c.blocks, nested{b.Type, b.Labels, b.LabelRanges, region{b.Type, b.DefRange, b.Body, nil}})
	}
	if rest != nil && !diags.HasErrors() {
		others, diags := rest.JustAttributes()
		r.hcl(diags)
		for name, a := range others {
			what := "argument"
			if len(e.arguments) == 0 {
				what = "block"
			}
			r.unknown(g, e, what, name, a.NameRange)
		}
	}
}

func (r *Report) objectContent(c *content, g region, e expected) {
	for _, item := range g.items {
		key, diags := item.Key.Value(nil)
		if diags.HasErrors() || key.IsNull() || !key.IsKnown() || key.IsMarked() || key.Type() != cty.String {
			r.errorf(item.Key.Range(), "an argument of %s must be a plain name", g.owner)
			continue
		}
		name := key.AsString()
		labels, isBlock := e.blocks[name]
		switch {
		case c.arguments[name].expr != nil:
			r.errorf(item.Key.Range(), "%s is given twice", name).also("the first is", c.arguments[name].at)
		case slices.Contains(e.arguments, name):
			c.arguments[name] = argument{name, item.Key.Range(), item.Value}
		case isBlock && labels == 0:
			inner, ok := objectRegion(name, item.Value)
			if !ok {
				r.errorf(item.Value.Range(), "%s wants an object: %s = { … }", name, name)
				continue
			}
			c.blocks = append(c.blocks, nested{kind: name, region: inner})
		default:
			r.unknown(g, e, "argument", name, item.Key.Range())
		}
	}
}

// objectRegion is the region of an expression that spells an object.
func objectRegion(owner string, expr hcl.Expression) (region, bool) {
	items, diags := hcl.ExprMap(expr)
	return region{owner: owner, at: expr.Range(), items: items}, !diags.HasErrors()
}
