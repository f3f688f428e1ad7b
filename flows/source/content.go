package source

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Region is what stands between two braces: the body of a block, in HCL or in
// JSON, or an object that stands in place of one, as in
// codec = { name = "json" }.
type Region struct {
	Owner string // how messages call it: ws_server "edge"
	At    hcl.Range
	Body  hcl.Body
	Items []hcl.KeyValuePair // where Body is nil
}

// Argument is name = expression.
type Argument struct {
	Name string
	At   hcl.Range // of the name
	Expr hcl.Expression
}

// Block is a block with its labels.
type Block struct {
	Kind     string
	Labels   []string
	LabelsAt []hcl.Range
	Region
}

// Expected says what may stand in a region: arguments, and blocks with their
// number of labels, two at most.
type Expected struct {
	Arguments []string
	Blocks    map[string]int
	Later     []string // names of the language that this version does not have
	Noun      string   // what its blocks are called: "step"
}

// NotYet says that something is right but not here.
const NotYet = "not in this version yet"

// Content is a region sorted out: only what was expected.
type Content struct {
	Arguments map[string]Argument
	Blocks    []Block         // in the order written
	Meant     map[string]bool // names that probably stand here in another spelling
}

// Content sorts out g and reports what must not stand in it.
func (r *Report) Content(g Region, e Expected) Content {
	c := Content{Arguments: map[string]Argument{}, Meant: map[string]bool{}}
	e.Noun = cmp.Or(e.Noun, "block")
	switch body := g.Body.(type) {
	case nil:
		r.objectContent(&c, g, e)
	case *hclsyntax.Body:
		r.nativeContent(&c, body, g, e)
	default:
		r.jsonContent(&c, g, e)
	}
	return c
}

func (g Region) isJSON() bool {
	_, native := g.Body.(*hclsyntax.Body)
	return g.Body != nil && !native
}

// unknown reports a name that was not expected; noun is what it seems to be.
func (r *Report) unknown(c *Content, g Region, e Expected, noun, name string, at hcl.Range) {
	switch {
	case slices.Contains(e.Later, name):
		r.Errorf(at, "the %s %q of %s is %s", noun, name, g.Owner, NotYet)
		return
	case (e.Noun != "block" || len(e.Arguments) == 0) && g.isJSON(): // where one looks like the other
		noun = e.Noun
	}
	names := slices.Concat(e.Arguments, slices.Collect(maps.Keys(e.Blocks)))
	r.Errorf(at, "%s has no %s %q", g.Owner, noun, name).Hint("%s", DidYouMean(name, names))
	c.Meant[Nearest(name, names)] = true
}

func (r *Report) nativeContent(c *Content, body *hclsyntax.Body, g Region, e Expected) {
	for name, a := range body.Attributes {
		_, isBlock := e.Blocks[name]
		switch {
		case slices.Contains(e.Arguments, name):
			c.Arguments[name] = Argument{name, a.NameRange, a.Expr}
		case isBlock:
			c.Meant[name] = true
			r.Errorf(a.NameRange, "%s in %s is a block, not an argument", name, g.Owner).Hint("write %s { … }, without \"=\"", name)
		default:
			r.unknown(c, g, e, "argument", name, a.NameRange)
		}
	}
	for _, b := range body.Blocks {
		labels, ok := e.Blocks[b.Type]
		switch {
		case ok && len(b.Labels) < labels:
			r.Errorf(b.DefRange(), "%s needs %s", b.Type, Tally(labels, "label")).
				Hint("write %s%s { … }", b.Type, []string{"", ` "name"`, ` "type" "name"`}[labels])
		case ok && len(b.Labels) > labels:
			r.Errorf(b.LabelRanges[labels], "%s takes %s", b.Type, Tally(labels, "label"))
		case ok:
			c.Blocks = append(c.Blocks, Block{b.Type, b.Labels, b.LabelRanges, Region{b.Type, b.DefRange(), b.Body, nil}})
		case slices.Contains(e.Arguments, b.Type):
			c.Meant[b.Type] = true
			r.Errorf(b.TypeRange, "%s in %s is an argument, not a block", b.Type, g.Owner).Hint("write %s = …", b.Type)
		default:
			r.unknown(c, g, e, e.Noun, b.Type, b.TypeRange)
		}
	}
}

// jsonContent lets package hcl tell arguments from blocks: JSON spells them
// alike.
func (r *Report) jsonContent(c *Content, g Region, e Expected) {
	schema := &hcl.BodySchema{}
	for _, name := range e.Arguments {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Blocks)) {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: name, LabelNames: []string{"type", "name"}[2-e.Blocks[name]:]})
	}
	found, rest, diags := g.Body.PartialContent(schema)
	r.HCL(diags)
	for name, a := range found.Attributes {
		c.Arguments[name] = Argument{name, a.NameRange, a.Expr}
	}
	for _, b := range found.Blocks {
		c.Blocks = append(c.Blocks, Block{b.Type, b.Labels, b.LabelRanges, Region{b.Type, b.DefRange, b.Body, nil}})
	}
	if rest == nil || diags.HasErrors() {
		return
	}
	others, diags := rest.JustAttributes()
	r.HCL(diags)
	for name, a := range others {
		r.unknown(c, g, e, "argument", name, a.NameRange)
	}
}

func (r *Report) objectContent(c *Content, g Region, e Expected) {
	for _, item := range g.Items {
		name, plain := PlainKey(item.Key)
		labels, isBlock := e.Blocks[name]
		switch {
		case !plain:
			r.Errorf(item.Key.Range(), "the names in %s must be written out", g.Owner)
		case c.Arguments[name].Expr != nil:
			r.Errorf(item.Key.Range(), "%s in %s is given twice", name, g.Owner).Also("the first is", c.Arguments[name].At)
		case slices.Contains(e.Arguments, name):
			c.Arguments[name] = Argument{name, item.Key.Range(), item.Value}
		case isBlock && labels == 0:
			inner, ok := ObjectRegion(name, item.Value)
			if !ok {
				r.Errorf(item.Value.Range(), "%s in %s wants an object", name, g.Owner).Hint("write %s = { … }", name)
				continue
			}
			c.Blocks = append(c.Blocks, Block{Kind: name, Region: inner})
		default:
			r.unknown(c, g, e, "argument", name, item.Key.Range())
		}
	}
}

// PlainKey is the key of an object where it is written out.
func PlainKey(e hcl.Expression) (string, bool) {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.IsMarked() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// ObjectRegion is the region of an expression that spells an object.
func ObjectRegion(owner string, expr hcl.Expression) (Region, bool) {
	items, diags := hcl.ExprMap(expr)
	return Region{Owner: owner, At: expr.Range(), Items: items}, !diags.HasErrors()
}

// Peek returns one argument of g, without a look at the others.
func Peek(g Region, name string) (Argument, bool) {
	if body, ok := g.Body.(*hclsyntax.Body); ok {
		a, ok := body.Attributes[name]
		if !ok {
			return Argument{}, false
		}
		return Argument{name, a.NameRange, a.Expr}, true
	}
	found, _, _ := g.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name}}})
	if a := found.Attributes[name]; a != nil {
		return Argument{name, a.NameRange, a.Expr}, true
	}
	return Argument{}, false
}

// All returns the arguments of a block that may have any.
func (r *Report) All(g Region) map[string]Argument {
	list := map[string]Argument{}
	if body, ok := g.Body.(*hclsyntax.Body); ok {
		for _, inner := range body.Blocks {
			r.Errorf(inner.DefRange(), "%s holds name = value, no blocks", g.Owner)
		}
		for name, a := range body.Attributes {
			list[name] = Argument{name, a.NameRange, a.Expr}
		}
		return list
	}
	all, diags := g.Body.JustAttributes()
	r.HCL(diags)
	for name, a := range all {
		list[name] = Argument{name, a.NameRange, a.Expr}
	}
	return list
}

// Require reports which of the named arguments c lacks.
func (r *Report) Require(g Region, c Content, names ...string) {
	for _, name := range names {
		if _, ok := c.Arguments[name]; !ok && !c.Meant[name] {
			r.Errorf(g.At, "%s needs the argument %s", g.Owner, name)
		}
	}
}

// ValidName checks that label i of b can be written in a reference.
func (r *Report) ValidName(b Block, i int) bool {
	if hclsyntax.ValidIdentifier(b.Labels[i]) {
		return true
	}
	r.Errorf(b.LabelsAt[i], "%q is no name: a name is a letter, then letters, digits, _ and -", b.Labels[i])
	return false
}

// Twice reports that b is defined again.
func (r *Report) Twice(b Block, first hcl.Range) {
	r.Errorf(b.At, "%s is defined twice", b.Owner).Also("the first is", first)
}

// Member is the name behind the root of a reference, "" where there is none.
func Member(t hcl.Traversal) string {
	if len(t) < 2 {
		return ""
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}
