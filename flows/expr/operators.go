package expr

import (
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/flows/expr/arithmetic"
	"github.com/flowrun/flowrun/flows/expr/path"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func (c *compiler) binary(e *hclsyntax.BinaryOpExpr) *node {
	switch e.Op {
	case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
		return c.logic(e)
	}
	l, r := c.compile(e.LHS), c.compile(e.RHS)
	switch e.Op {
	case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		return c.equality(e, l, r)
	case hclsyntax.OpAdd:
		return c.arithmetic(e, "+", l, r, arithmetic.Add)
	case hclsyntax.OpSubtract:
		return c.arithmetic(e, "-", l, r, arithmetic.Sub)
	case hclsyntax.OpMultiply:
		return c.arithmetic(e, "*", l, r, arithmetic.Mul)
	case hclsyntax.OpDivide:
		return c.arithmetic(e, "/", l, r, arithmetic.Div)
	case hclsyntax.OpModulo:
		return c.arithmetic(e, "%", l, r, arithmetic.Mod)
	}
	return c.order(e, l, r)
}

func (c *compiler) unary(e *hclsyntax.UnaryOpExpr) *node {
	n := c.compile(e.Val)
	if e.Op == hclsyntax.OpLogicalNot {
		return c.not(e, n)
	}
	if !c.number(n, "-") {
		return bad(e.SrcRange)
	}
	neg := of(e.SrcRange, flow.OfNumber, nil)
	neg.eval = func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		v, err := operand(e, vars, n, "-")
		if err != nil {
			return v, err
		}
		return neg.placed(arithmetic.Neg(v))
	}
	neg.peek = neg.eval
	return c.settle(neg, 0, n)
}

// placed gives an error of a function its place.
func (n *node) placed(v flow.Value, err error) (flow.Value, error) {
	if err != nil {
		return flow.NullValue, n.errorf("%w", err)
	}
	return v, nil
}

func (c *compiler) arithmetic(e *hclsyntax.BinaryOpExpr, sign string, l, r *node, compute func(a, b flow.Value) (flow.Value, error)) *node {
	if left, right := c.number(l, sign), c.number(r, sign); !left || !right {
		return bad(e.SrcRange)
	}
	if (sign == "/" || sign == "%") && r.konst != nil && l.konst == nil && r.konst.Float() == 0 && r.konst.IsNumber() {
		c.mismatch(r.rng, "division by zero", "")
	}
	n := of(e.SrcRange, flow.OfNumber, nil)
	n.eval = func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		v, err := operand(e, vars, l, sign)
		if err != nil {
			return v, err
		}
		w, err := operand(e, vars, r, sign)
		if err != nil {
			return w, err
		}
		return n.placed(compute(v, w))
	}
	n.peek = n.eval
	return c.settle(n, 0, l, r)
}

// number reports an operand that can never be a number.
func (c *compiler) number(n *node, sign string) bool {
	if n.can&flow.OfNumber != 0 {
		return true
	}
	hint := ""
	switch can := n.can &^ flow.OfNull; {
	case can == 0:
		hint = "null counts as nothing with coalesce: coalesce(event.n, 0)"
	case can == flow.OfText && sign == "+":
		hint = "texts are joined in a template: \"${event.a}${event.b}\""
	case can == flow.OfText:
		hint = "tonumber() makes a number of a string"
	case can == flow.OfList && sign == "+":
		hint = "concat() joins lists"
	case can == flow.OfMap && sign == "+":
		hint = "merge() joins objects"
	}
	c.mismatch(n.rng, sign+" takes numbers, and this is "+n.can.String(), hint)
	return false
}

// operand is the number that n comes to.
func operand(e *flow.Event, vars []flow.Value, n *node, sign string) (flow.Value, error) {
	v, err := n.peek(e, vars)
	if err == nil && !v.IsNumber() {
		return flow.NullValue, n.errorf("%s is %s, where %s takes a number", n.name(), v.Kinds(), sign)
	}
	return v, err
}

// conditional compiles a ? b : c, of which only one side is computed.
func (c *compiler) conditional(e *hclsyntax.ConditionalExpr) *node {
	cond := c.compile(e.Condition)
	ok := c.condition(cond, false)
	mark := len(c.diags)
	yes := c.compile(e.TrueResult)
	if cond.konst != nil && !cond.konst.Bool() {
		c.forgive(mark)
	}
	mark = len(c.diags)
	no := c.compile(e.FalseResult)
	switch {
	case !ok:
		return bad(e.SrcRange)
	case cond.konst != nil && cond.konst.Bool():
		c.forgive(mark)
		return yes
	case cond.konst != nil:
		return no
	}
	n := of(e.SrcRange, yes.can|no.can, func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		b, err := cond.test(e, vars)
		if err != nil {
			return flow.NullValue, err
		}
		if b {
			return yes.eval(e, vars)
		}
		return no.eval(e, vars)
	})
	n.peek = func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		b, err := cond.test(e, vars)
		if err != nil {
			return flow.NullValue, err
		}
		if b {
			return yes.peek(e, vars)
		}
		return no.peek(e, vars)
	}
	return c.settle(n, 0, cond, yes, no)
}

func (c *compiler) equality(e *hclsyntax.BinaryOpExpr, l, r *node) *node {
	want := e.Op == hclsyntax.OpEqual
	// A start-up value is compared with null, or with what it may be elsewhere.
	settled := l.konst != nil && r.konst != nil || l.can == flow.OfNull || r.can == flow.OfNull
	if l.can&r.can == 0 && !settled {
		c.warn(e.SrcRange, fmt.Sprintf("%s never equals %s: this is always %t", l.can, r.can, !want), "nothing is converted: tostring() and tonumber() do that")
	}
	return c.settle(truth(e.SrcRange, func(e *flow.Event, vars []flow.Value) (bool, error) {
		same, err := compare(e, vars, l, r)
		return err == nil && same == want, err
	}), 0, l, r)
}

// compare tells whether two nodes are equal, and looks into lists and objects
// only when both are.
func compare(e *flow.Event, vars []flow.Value, l, r *node) (bool, error) {
	v, err := l.peek(e, vars)
	if err != nil {
		return false, err
	}
	w, err := r.peek(e, vars)
	if err != nil {
		return false, err
	}
	if isComposite(v) && v.Kind() == w.Kind() {
		if v, err = l.full(e, vars, v); err != nil {
			return false, err
		}
		if w, err = r.full(e, vars, w); err != nil {
			return false, err
		}
	}
	return v.Equal(w), nil
}

// full is the value of n where peek returned v. Only what peek has not looked at
// is computed again, or comparisons in comparisons would cost twice as much
// with every level.
func (n *node) full(e *flow.Event, vars []flow.Value, v flow.Value) (flow.Value, error) {
	if v == path.SomeList || v == path.SomeObject {
		return n.eval(e, vars)
	}
	return v, nil
}

// order compiles < <= > >=.
func (c *compiler) order(e *hclsyntax.BinaryOpExpr, l, r *node) *node {
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
	n := of(e.SrcRange, flow.OfBool|flow.OfNull, nil)
	compare := func(e *flow.Event, vars []flow.Value) (holds, null bool, err error) {
		v, err := l.peek(e, vars)
		if err != nil {
			return false, false, err
		}
		w, err := r.peek(e, vars)
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
		return false, false, n.errorf("%s and %s have no order: compare two numbers or two strings", l.describe(v), r.describe(w))
	}
	n.eval = func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		holds, null, err := compare(e, vars)
		if null || err != nil {
			return flow.NullValue, err
		}
		return flow.BoolOf(holds), nil
	}
	n.peek = n.eval
	n.test = func(e *flow.Event, vars []flow.Value) (bool, error) {
		holds, _, err := compare(e, vars)
		return holds, err
	}
	return c.settle(n, 0, l, r)
}

// orderable reports operands that can never be ordered.
func (c *compiler) orderable(l, r *node) bool {
	ok := true
	for _, n := range []*node{l, r} {
		if n.can&(flow.OfNumber|flow.OfText|flow.OfNull) == 0 {
			c.mismatch(n.rng, n.can.String()+" has no order", "< <= > >= compare two numbers or two strings")
			ok = false
		}
	}
	if a, b := l.can&^flow.OfNull, r.can&^flow.OfNull; ok && a != 0 && b != 0 && a&b&(flow.OfNumber|flow.OfText) == 0 {
		c.mismatch(r.rng, a.String()+" and "+b.String()+" have no order", "< <= > >= compare two numbers or two strings")
		ok = false
	}
	return ok
}

// logic compiles && and ||.
func (c *compiler) logic(e *hclsyntax.BinaryOpExpr) *node {
	stop := e.Op == hclsyntax.OpLogicalOr // the left side's value that decides
	l := c.compile(e.LHS)
	left := c.condition(l, false)
	mark := len(c.diags)
	r := c.compile(e.RHS)
	right := c.condition(r, false)
	switch {
	case !left:
		return bad(e.SrcRange)
	case l.konst != nil && l.konst.Bool() == stop:
		c.forgive(mark)
		return constant(e.SrcRange, flow.BoolOf(stop))
	case !right:
		return bad(e.SrcRange)
	}
	return c.settle(truth(e.SrcRange, func(e *flow.Event, vars []flow.Value) (bool, error) {
		b, err := l.test(e, vars)
		if err != nil || b == stop {
			return b && err == nil, err
		}
		return r.test(e, vars)
	}), 0, l, r)
}

func (c *compiler) not(e *hclsyntax.UnaryOpExpr, n *node) *node {
	if !c.condition(n, false) {
		return bad(e.SrcRange)
	}
	return c.settle(truth(e.SrcRange, func(e *flow.Event, vars []flow.Value) (bool, error) {
		b, err := n.test(e, vars)
		return err == nil && !b, err
	}), 0, n)
}
