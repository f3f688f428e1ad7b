package expr

import (
	"math/big"
	"slices"
	"strconv"

	"github.com/flowrun/flowrun/runtime/flow"
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
		d.Extra = valueProblem{}
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
	value, problem := fromCty(v)
	if problem != "" {
		c.problem(rng, problem, "")
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

// fromCty converts a start-up value, known and without marks. A problem is
// what is wrong with it.
func fromCty(v cty.Value) (value flow.Value, problem string) {
	t := v.Type()
	switch {
	case v.IsNull():
		return flow.NullValue, ""
	case t == cty.Bool:
		return flow.BoolOf(v.True()), ""
	case t == cty.String:
		return flow.TextOf(v.AsString()), ""
	case t == cty.Number:
		return fromNumber(v.AsBigFloat())
	case t.IsListType(), t.IsTupleType(), t.IsSetType():
		list := make([]flow.Value, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			if value, problem = fromCty(element); problem != "" {
				return flow.NullValue, problem
			}
			list = append(list, value)
		}
		return flow.ListOf(list), ""
	case t.IsMapType(), t.IsObjectType():
		object := flow.NewObject(v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			key, element := it.Element()
			if value, problem = fromCty(element); problem != "" {
				return flow.NullValue, problem
			}
			object.Set(key.AsString(), value)
		}
		return flow.MapOf(object), ""
	}
	return flow.NullValue, "a value of this type (" + t.FriendlyName() + ") cannot be used per event"
}

// maxExponent bounds the powers of two that a constant may reach: more than a
// float holds, and little enough to spell out.
const maxExponent = 1100

func fromNumber(f *big.Float) (flow.Value, string) {
	if i, exact := f.Int64(); exact == big.Exact {
		return flow.IntOf(i), ""
	}
	if exponent := f.MantExp(nil); f.IsInf() || exponent > maxExponent || exponent < -maxExponent {
		return flow.NullValue, "this number is out of range: it must be between 1e-308 and 1e308 in size"
	}
	if f.IsInt() {
		return flow.NumberOf(f.Text('f', 0)), ""
	}
	// A decimal fraction is spelled as it was written; what was computed (1/3)
	// has more digits than mean anything.
	s := f.Text('g', -1)
	if len(s) > 40 {
		x, _ := f.Float64()
		s = strconv.FormatFloat(x, 'g', -1, 64)
	}
	return flow.NumberOf(s), ""
}
