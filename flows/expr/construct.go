package expr

import (
	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/flows/expr/path"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// list compiles [a, b].
func (c *compiler) list(rng hcl.Range, parts []*node) *node {
	return c.settle(of(rng, flow.OfList, func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		list := make([]flow.Value, len(parts))
		for i, p := range parts {
			v, err := p.eval(e, vars)
			if err != nil {
				return flow.NullValue, err
			}
			list[i] = v
		}
		return flow.ListOf(list), nil
	}), 0, parts...)
}

// item is one key of an object with its value.
type item struct{ key, value *node }

// object compiles {a = b}. Of a repeated key the last value counts.
func (c *compiler) object(rng hcl.Range, items []item) *node {
	all := make([]*node, 0, 2*len(items))
	keys := make([]string, len(items)) // of those that are constant
	for i, it := range items {
		all = append(all, it.key, it.value)
		if !c.keyable(it.key) {
			return bad(rng)
		}
		if it.key.konst != nil {
			keys[i], _ = it.key.asKey(nil, nil)
		}
	}
	return c.settle(of(rng, flow.OfMap, func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		o := flow.NewObject(len(items))
		for i, it := range items {
			key := keys[i]
			if it.key.konst == nil {
				var err error
				if key, err = it.key.asKey(e, vars); err != nil {
					return flow.NullValue, err
				}
			}
			v, err := it.value.eval(e, vars)
			if err != nil {
				return flow.NullValue, err
			}
			o.Set(key, v)
		}
		return flow.MapOf(o), nil
	}), 0, all...)
}

// key compiles the key of an object: a name stands for itself.
func (c *compiler) key(e hclsyntax.Expression) *node {
	k, ok := e.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return c.compile(e)
	}
	if !k.ForceNonLiteral {
		if name := hcl.ExprAsKeyword(k.Wrapped); name != "" {
			return constant(k.Range(), flow.TextOf(name))
		}
		if t, ok := k.Wrapped.(*hclsyntax.ScopeTraversalExpr); ok {
			p := &path.Path{Root: t.Traversal.RootName()}
			p.Steps, _ = c.steps(p, t.Traversal[1:])
			c.problem(t.SrcRange, "a key is a name, a text in quotes or an expression in parentheses", "did you mean `("+p.String()+")`?")
			return bad(t.SrcRange)
		}
	}
	return c.compile(k.Wrapped)
}

// keyable reports a key that can never be one.
func (c *compiler) keyable(n *node) bool {
	if n.can&(flow.OfText|flow.OfNumber|flow.OfBool) != 0 {
		return true
	}
	c.mismatch(n.rng, "a key is a string, a number or a bool, and this is "+n.can.String(), "")
	return false
}

// asKey spells what n comes to as the key of an object.
func (n *node) asKey(e *flow.Event, vars []flow.Value) (string, error) {
	v, err := n.peek(e, vars)
	switch {
	case err != nil:
		return "", err
	case v.Kind() == flow.Text:
		return v.Text(), nil
	case !v.IsNull():
		var room [32]byte
		if b, err := function.AppendText(room[:0], v); err == nil {
			return string(b), nil
		}
	}
	return "", n.errorf("%s is %s, and a key is a string, a number or a bool", n.name(), v.Kinds())
}

// text compiles a template: texts and values, joined.
func (c *compiler) text(e *hclsyntax.TemplateExpr) *node {
	parts := make([]*node, len(e.Parts))
	ok := true
	for i, p := range e.Parts {
		parts[i] = c.compile(p)
		ok = c.printable(parts[i]) && ok
	}
	if !ok {
		return bad(e.SrcRange)
	}
	return c.settle(of(e.SrcRange, flow.OfText, func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		var room [128]byte
		b := room[:0]
		for _, p := range parts {
			var err error
			if b, err = p.print(b, e, vars); err != nil {
				return flow.NullValue, err
			}
		}
		return flow.TextOf(string(b)), nil
	}), 0, parts...)
}

// join compiles %{for}: the elements of a list, joined.
func (c *compiler) join(e *hclsyntax.TemplateJoinExpr) *node {
	list := c.compile(e.Tuple)
	n := of(e.Range(), flow.OfText, nil)
	n.eval = func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		v, err := list.eval(e, vars)
		if err != nil {
			return v, err
		}
		var b []byte
		for _, part := range v.List() {
			if b, err = function.AppendText(b, part); err != nil {
				return flow.NullValue, n.errorf("an element cannot stand in a text: %w", err)
			}
		}
		return flow.TextOf(string(b)), nil
	}
	n.peek = n.eval
	return c.settle(n, 0, list)
}

// inText are the kinds that can stand in a template.
const inText = flow.OfText | flow.OfNumber | flow.OfBool | flow.OfNull

// printable reports a part of a template that can never be spelled.
func (c *compiler) printable(n *node) bool {
	if n.can&inText != 0 {
		return true
	}
	hint := "jsonencode() spells it"
	if n.can == flow.OfBytes {
		hint = "utf8(), base64encode() or hexencode() make a string of them"
	}
	c.mismatch(n.rng, n.can.String()+" cannot stand in a text", hint)
	return false
}

// print appends what n comes to.
func (n *node) print(b []byte, e *flow.Event, vars []flow.Value) ([]byte, error) {
	v, err := n.peek(e, vars)
	if err != nil {
		return b, err
	}
	if b, err = function.AppendText(b, v); err != nil {
		return b, n.errorf("%s cannot stand in a text: %w", n.name(), err)
	}
	return b, nil
}
