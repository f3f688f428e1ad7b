package expr

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// special compiles the functions that see their arguments before these are
// computed.
func (c *compiler) special(e *hclsyntax.FunctionCallExpr) *node {
	if e.ExpandFinal {
		c.problem(e.Range(), e.Name+" takes its arguments one by one", "")
		c.arguments(e)
		return bad(e.Range())
	}
	switch e.Name {
	case "has":
		return c.has(e)
	case "coalesce":
		return c.coalesce(e)
	case "try":
		return c.try(e)
	}
	return c.can(e)
}

// has compiles has(path). A path into start-up values is settled here and now.
func (c *compiler) has(e *hclsyntax.FunctionCallExpr) *node {
	mark := len(c.diags)
	args := c.arguments(e)
	reported := len(c.diags)
	c.forgive(mark)
	switch {
	case len(args) == 1 && args[0].has != nil:
		return c.settle(truth(e.Range(), args[0].has), 0, args[0])
	case len(c.diags) > mark:
	case len(args) != 1 || !isPath(e.Args[0]):
		c.problem(e.Range(), "has takes one path, like has(event.user.name)", "")
	case args[0].konst != nil:
		return constant(e.Range(), flow.BoolOf(true))
	case reported > mark:
		return constant(e.Range(), flow.BoolOf(false))
	}
	return bad(e.Range())
}

// isPath reports whether e is a name with steps behind it.
func isPath(e hclsyntax.Expression) bool {
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return true
	case *hclsyntax.RelativeTraversalExpr:
		return isPath(e.Source)
	case *hclsyntax.IndexExpr:
		return isPath(e.Collection)
	case *hclsyntax.ParenthesesExpr:
		return isPath(e.Expression)
	}
	return false
}

// some reports a call without arguments.
func (c *compiler) some(e *hclsyntax.FunctionCallExpr, args []*node) bool {
	if len(args) > 0 {
		return true
	}
	c.problem(e.Range(), e.Name+" takes at least one argument", "")
	return false
}

// coalesce compiles coalesce(a, b, …), which evaluates no argument behind the
// one that it returns.
func (c *compiler) coalesce(e *hclsyntax.FunctionCallExpr) *node {
	return c.firstOf(e, c.arguments(e), func(v flow.Value, err error) bool {
		return err != nil || !v.IsNull() && (v.Kind() != flow.Text || v.Text() != "")
	}, true)
}

// try compiles try(a, b, …): the first argument that can be computed.
func (c *compiler) try(e *hclsyntax.FunctionCallExpr) *node {
	mark := len(c.diags)
	args := c.arguments(e)
	c.forgive(mark)
	return c.firstOf(e, args, func(_ flow.Value, err error) bool { return err == nil }, false)
}

// firstOf evaluates args until one is taken. Where none is, the result is null
// or the last error.
func (c *compiler) firstOf(e *hclsyntax.FunctionCallExpr, args []*node, take func(flow.Value, error) bool, null bool) *node {
	if !c.some(e, args) {
		return bad(e.Range())
	}
	can := flow.Kinds(0)
	if null {
		can = flow.OfNull
	}
	for _, a := range args {
		can |= a.can
	}
	first := func(get func(*node) evaluate) evaluate {
		return func(e *flow.Event, vars []flow.Value) (v flow.Value, err error) {
			for _, a := range args {
				if v, err = get(a)(e, vars); take(v, err) {
					return v, err
				}
			}
			return flow.NullValue, err
		}
	}
	n := of(e.Range(), can, first(func(a *node) evaluate { return a.eval }))
	n.peek = first(func(a *node) evaluate { return a.peek })
	return c.settle(n, 0, args...)
}

// can compiles can(x): whether x can be computed.
func (c *compiler) can(e *hclsyntax.FunctionCallExpr) *node {
	mark := len(c.diags)
	args := c.arguments(e)
	c.forgive(mark)
	if len(args) != 1 {
		c.problem(e.Range(), "can takes one expression", "")
		return bad(e.Range())
	}
	return c.settle(truth(e.Range(), func(e *flow.Event, vars []flow.Value) (bool, error) {
		_, err := args[0].eval(e, vars)
		return err == nil, nil
	}), 0, args...)
}
