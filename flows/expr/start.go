package expr

import (
	"slices"

	"github.com/flowrun/flowrun/flows/expr/bridge"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// fold lets HCL compute what speaks of start-up values alone.
func (c *compiler) fold(e hcl.Expression) *node {
	if !c.roots(e) || !c.attributes(e) {
		return bad(e.Range())
	}
	v, diags := e.Value(c.scope.Start)
	for _, d := range diags {
		d.Extra = valueProblem{d.Extra}
	}
	c.diags = append(c.diags, diags...)
	if diags.HasErrors() {
		return bad(e.Range())
	}
	return c.known(v, e.Range())
}

// known makes a constant of a start-up value.
func (c *compiler) known(v cty.Value, rng hcl.Range) *node {
	secret := v.ContainsMarked()
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() {
		return bad(rng)
	}
	value, err := bridge.From(v)
	if err != nil {
		c.problem(rng, err.Error(), "")
		return bad(rng)
	}
	n := constant(rng, value)
	n.secret = secret
	return n
}

// attributes reports what is asked of var, local and the like and is not
// there, with the nearest name that is.
func (c *compiler) attributes(e hcl.Expression) bool {
	ok := true
	for _, t := range e.Variables() {
		if len(t) < 2 {
			continue
		}
		attr, isAttr := t[1].(hcl.TraverseAttr)
		root := c.startRoot(t.RootName())
		if !isAttr || !root.IsKnown() || root.IsNull() || !root.Type().IsObjectType() || root.Type().HasAttribute(attr.Name) {
			continue
		}
		var there []string
		for name := range root.Type().AttributeTypes() {
			there = append(there, name)
		}
		slices.Sort(there)
		c.problem(t.SourceRange(), "unknown name "+t.RootName()+"."+attr.Name, choose(attr.Name, there, ""))
		ok = false
	}
	return ok
}

func (c *compiler) startRoot(name string) cty.Value {
	for ctx := c.scope.Start; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables[name]; ok {
			v, _ = v.Unmark()
			return v
		}
	}
	return cty.DynamicVal
}
