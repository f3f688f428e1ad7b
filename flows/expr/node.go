package expr

import (
	"github.com/flowrun/flowrun/flows/expr/path"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
)

// The functions that a compiled expression is made of. vars holds the values
// of names: those that came with the evaluation, then one per variable of a for
// expression, which only that expression sets.
type (
	evaluate = func(e *flow.Event, vars []flow.Value) (flow.Value, error)
	test     = func(e *flow.Event, vars []flow.Value) (bool, error)
)

// node is a compiled part of an expression. Its functions are safe for
// concurrent use and do not change the event.
type node struct {
	rng    hcl.Range
	can    flow.Kinds  // what its values can be, as far as that is known
	konst  *flow.Value // of a constant
	secret bool        // of a constant that must not be shown
	path   *path.Path  // of a path
	uses   uses        // what its value depends on

	// eval returns the value.
	eval evaluate
	// peek is eval for callers who want scalars only: instead of a list or an
	// object it may return path.SomeList or path.SomeObject, which saves making
	// one.
	peek evaluate
	// test returns the value as a condition.
	test test
	// has tells whether there is something at a path; nil of what is none.
	has test
}

// uses is what the value of a node depends on: one bit for what comes with the
// evaluation, one for each of the first variables.
type uses uint64

const evaluation uses = 1

// slotUse is the bit of a variable. One that has none counts as coming with
// the evaluation, so that nothing that depends on it is taken for constant.
func slotUse(i int) uses {
	if i > 62 {
		return evaluation
	}
	return 2 << i
}

func isComposite(v flow.Value) bool { return v.Kind() == flow.List || v.Kind() == flow.Map }

// constant is a node whose value is known.
func constant(rng hcl.Range, v flow.Value) *node {
	n := of(rng, v.Kinds(), func(*flow.Event, []flow.Value) (flow.Value, error) { return v, nil })
	n.konst = &v
	return n
}

// bad takes the place of a part that has a mistake, so that the parts around
// it can be checked.
func bad(rng hcl.Range) *node {
	n := of(rng, flow.OfAny, nil)
	n.eval = func(*flow.Event, []flow.Value) (flow.Value, error) {
		return flow.NullValue, n.errorf("this cannot be computed")
	}
	n.peek = n.eval
	n.uses = evaluation
	return n
}

// of makes a node of a function that returns a value.
func of(rng hcl.Range, can flow.Kinds, eval evaluate) *node {
	n := &node{rng: rng, can: can, eval: eval, peek: eval}
	n.test = n.asCondition
	return n
}

// truth makes a node of a function that returns true or false, and false
// beside an error.
func truth(rng hcl.Range, test test) *node {
	n := of(rng, flow.OfBool, func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		b, err := test(e, vars)
		if err != nil {
			return flow.NullValue, err
		}
		return flow.BoolOf(b), nil
	})
	n.test = test
	return n
}

// asCondition is the test of a node that has no shorter way.
func (n *node) asCondition(e *flow.Event, vars []flow.Value) (bool, error) {
	v, err := n.peek(e, vars)
	if err != nil {
		return false, err
	}
	switch v.Kind() {
	case flow.Bool:
		return v.Bool(), nil
	case flow.Null:
		return false, nil
	}
	return false, n.errorf("%s is %s, where true or false is needed", n.name(), v.Kinds())
}

// name spells a path, for errors.
func (n *node) name() string {
	if n.path != nil {
		return n.path.String()
	}
	return "the value"
}

// describe says what v is and, of a path, where it comes from.
func (n *node) describe(v flow.Value) string {
	if n.path != nil {
		return n.path.String() + " (" + v.Kinds().String() + ")"
	}
	return v.Kinds().String()
}

// settle says what n depends on, and computes it now when that is nothing but
// constants. bound are variables of n itself.
func (c *compiler) settle(n *node, bound uses, on ...*node) *node {
	for _, o := range on {
		n.uses |= o.uses &^ bound
		n.secret = n.secret || o.secret
	}
	if n.uses != 0 {
		return n
	}
	v, err := n.eval(&flow.Event{}, make([]flow.Value, c.slots))
	if err != nil {
		rng := n.rng
		if placed, ok := err.(*Error); ok { //nolint:errorlint // ours, not wrapped
			rng, err = placed.Range, placed.Err
		}
		if n.secret {
			err = errSecret
		}
		c.mismatch(rng, err.Error(), "")
		n.uses = evaluation
		return n
	}
	k := constant(n.rng, v)
	k.secret, k.has = n.secret, n.has
	return k
}

// condition checks that n can be true or false, or is null.
func (c *compiler) condition(n *node, inJSON bool) bool {
	if n.can&flow.OfBool != 0 || n.can == flow.OfNull {
		return true
	}
	hint := "compare it with something, like event.type == \"a\""
	if inJSON && n.can == flow.OfText {
		hint = "an expression in JSON stands in a template: \"${event.type == \\\"a\\\"}\""
	}
	c.mismatch(n.rng, "true or false is needed here, and this is "+n.can.String(), hint)
	return false
}
