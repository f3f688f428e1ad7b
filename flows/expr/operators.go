package expr

import (
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// conditional makes a node of a function that returns true or false, and false
// beside an error.
func conditional(e hclsyntax.Expression, test func(*flow.Event) (bool, error)) *node {
	n := of(e.Range(), isBool, nil, func(e *flow.Event) (flow.Value, error) {
		b, err := test(e)
		if err != nil {
			return flow.NullValue, err
		}
		return flow.BoolOf(b), nil
	})
	n.test = test
	return n
}

func (c *compiler) equality(e *hclsyntax.BinaryOpExpr) *node {
	l, r := c.compile(e.LHS), c.compile(e.RHS)
	want := e.Op == hclsyntax.OpEqual
	return c.settle(conditional(e, func(e *flow.Event) (bool, error) {
		same, err := compare(e, l, r)
		return err == nil && same == want, err
	}), l, r)
}

// compare tells whether two nodes are equal, and decodes lists and objects
// only when both are.
func compare(e *flow.Event, l, r *node) (bool, error) {
	v, err := l.peek(e)
	if err != nil {
		return false, err
	}
	w, err := r.peek(e)
	if err != nil {
		return false, err
	}
	if isComposite(v) && isComposite(w) {
		if v, err = l.eval(e); err != nil {
			return false, err
		}
		if w, err = r.eval(e); err != nil {
			return false, err
		}
	}
	return v.Equal(w), nil
}

// order compiles < <= > >=.
func (c *compiler) order(e *hclsyntax.BinaryOpExpr) *node {
	l, r := c.compile(e.LHS), c.compile(e.RHS)
	if !c.orderable(l, r) {
		return bad(e.SrcRange)
	}
	var right [3]bool // for less, equal, greater
	switch e.Op {
	case hclsyntax.OpLessThan:
		right = [3]bool{true, false, false}
	case hclsyntax.OpLessThanOrEqual:
		right = [3]bool{true, true, false}
	case hclsyntax.OpGreaterThan:
		right = [3]bool{false, false, true}
	default:
		right = [3]bool{false, true, true}
	}
	n := of(e.SrcRange, isBool|isNull, nil, nil)
	compare := func(e *flow.Event) (holds, null bool, err error) {
		v, err := l.peek(e)
		if err != nil {
			return false, false, err
		}
		w, err := r.peek(e)
		if err != nil {
			return false, false, err
		}
		switch {
		case v.IsNull() || w.IsNull():
			return false, true, nil
		case v.IsNumber() && w.IsNumber():
			sign, ok := flow.CompareNumbers(v, w)
			return ok && right[sign+1], false, nil
		case v.Kind() == flow.Text && w.Kind() == flow.Text:
			return right[strings.Compare(v.Text(), w.Text())+1], false, nil
		}
		return false, false, n.errorf("%s and %s have no order: compare two numbers or two strings", l.describe(e, v), r.describe(e, w))
	}
	n.eval = func(e *flow.Event) (flow.Value, error) {
		holds, null, err := compare(e)
		if null || err != nil {
			return flow.NullValue, err
		}
		return flow.BoolOf(holds), nil
	}
	n.peek = n.eval
	n.test = func(e *flow.Event) (bool, error) {
		holds, _, err := compare(e)
		return holds, err
	}
	return c.settle(n, l, r)
}

// orderable reports operands that can never be ordered.
func (c *compiler) orderable(l, r *node) bool {
	ok := true
	for _, n := range []*node{l, r} {
		if n.can&(isNumber|isText|isNull) == 0 {
			c.problem(n.rng, n.can.String()+" has no order", "< <= > >= compare two numbers or two strings")
			ok = false
		}
	}
	if a, b := l.can&^isNull, r.can&^isNull; ok && a != 0 && b != 0 && a&b&(isNumber|isText) == 0 {
		c.problem(r.rng, a.String()+" and "+b.String()+" have no order", "< <= > >= compare two numbers or two strings")
		ok = false
	}
	return ok
}

// logic compiles && and ||.
func (c *compiler) logic(e *hclsyntax.BinaryOpExpr) *node {
	l, r := c.compile(e.LHS), c.compile(e.RHS)
	if left, right := c.condition(l, false), c.condition(r, false); !left || !right {
		return bad(e.SrcRange)
	}
	stop := e.Op == hclsyntax.OpLogicalOr // the left side's value that decides
	return c.settle(conditional(e, func(e *flow.Event) (bool, error) {
		b, err := l.test(e)
		if err != nil || b == stop {
			return b && err == nil, err
		}
		return r.test(e)
	}), l, r)
}

func (c *compiler) not(e *hclsyntax.UnaryOpExpr) *node {
	n := c.compile(e.Val)
	if !c.condition(n, false) {
		return bad(e.SrcRange)
	}
	return c.settle(conditional(e, func(e *flow.Event) (bool, error) {
		b, err := n.test(e)
		return err == nil && !b, err
	}), n)
}
