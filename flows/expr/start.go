package expr

import (
	"github.com/flowrun/flowrun/flows/expr/bridge"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// fold lets HCL compute what speaks of start-up values alone.
func (c *compiler) fold(e hcl.Expression) *node {
	if !c.roots(e) {
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
