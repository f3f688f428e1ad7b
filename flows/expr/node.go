package expr

import (
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
)

// node is a compiled part of an expression. Its functions are safe for
// concurrent use and do not change the event.
type node struct {
	rng   hcl.Range
	can   kinds       // what its values can be, as far as that is known
	konst *flow.Value // of a constant
	path  *path       // of a path

	// eval returns the value.
	eval func(*flow.Event) (flow.Value, error)
	// peek is eval for callers who want scalars only: instead of a list or
	// object it may return [composite], which saves decoding it.
	peek func(*flow.Event) (flow.Value, error)
	// test returns the value as a condition.
	test func(*flow.Event) (bool, error)
}

// composite stands for some list or object that was not decoded.
var composite = flow.MapOf(flow.NewObject(0))

func isComposite(v flow.Value) bool { return v.Kind() == flow.List || v.Kind() == flow.Map }

// constant is a node whose value is known.
func constant(rng hcl.Range, v flow.Value) *node {
	return of(rng, kindOf(v), &v, func(*flow.Event) (flow.Value, error) { return v, nil })
}

// bad takes the place of a part that has a mistake, so that the parts around
// it can be checked.
func bad(rng hcl.Range) *node {
	return of(rng, anything, nil, func(*flow.Event) (flow.Value, error) { return flow.NullValue, nil })
}

// of makes a node of a function that returns a value.
func of(rng hcl.Range, can kinds, konst *flow.Value, eval func(*flow.Event) (flow.Value, error)) *node {
	n := &node{rng: rng, can: can, konst: konst, eval: eval, peek: eval}
	n.test = n.asCondition
	return n
}

// asCondition is the test of a node that has no shorter way.
func (n *node) asCondition(e *flow.Event) (bool, error) {
	v, err := n.peek(e)
	if err != nil {
		return false, err
	}
	switch v.Kind() {
	case flow.Bool:
		return v.Bool(), nil
	case flow.Null:
		return false, nil
	}
	return false, n.errorf("%s is %s, where true or false is needed", n.name(), n.kindName(e, v))
}

// name spells a path, for errors.
func (n *node) name() string {
	if n.path != nil {
		return n.path.String()
	}
	return "the value"
}

// kindName names what v is, with an article; v came from n.peek(e).
func (n *node) kindName(e *flow.Event, v flow.Value) string {
	if isComposite(v) {
		if whole, err := n.eval(e); err == nil {
			v = whole
		}
	}
	return kindOf(v).String()
}

// describe says what v is and, of a path, where it comes from.
func (n *node) describe(e *flow.Event, v flow.Value) string {
	if n.path != nil {
		return n.path.String() + " (" + n.kindName(e, v) + ")"
	}
	return n.kindName(e, v)
}

// settle computes n now when all that it depends on is constant.
func (c *compiler) settle(n *node, on ...*node) *node {
	for _, o := range on {
		if o.konst == nil {
			return n
		}
	}
	v, err := n.eval(&flow.Event{})
	if err != nil {
		rng := n.rng
		if placed, ok := err.(*Error); ok { //nolint:errorlint // ours, not wrapped
			rng, err = placed.Range, placed.Err
		}
		c.problem(rng, err.Error(), "")
		return bad(n.rng)
	}
	return constant(n.rng, v)
}

// condition checks that n can be true or false, or is null.
func (c *compiler) condition(n *node, inJSON bool) bool {
	if n.can&isBool != 0 || n.can == isNull {
		return true
	}
	hint := "compare it with something, like event.type == \"a\""
	if inJSON && n.can == isText {
		hint = "an expression in JSON stands in a template: \"${event.type == \\\"a\\\"}\""
	}
	c.problem(n.rng, "true or false is needed here, and this is "+n.can.String(), hint)
	return false
}

// kinds is a set of kinds of values.
type kinds uint16

const (
	isNull   kinds = 1 << flow.Null
	isBool   kinds = 1 << flow.Bool
	isNumber kinds = 1<<flow.Int | 1<<flow.Float | 1<<flow.Number
	isText   kinds = 1 << flow.Text
	isBytes  kinds = 1 << flow.Bytes
	isList   kinds = 1 << flow.List
	isMap    kinds = 1 << flow.Map
	anything       = isNull | isBool | isNumber | isText | isBytes | isList | isMap
)

func kindOf(v flow.Value) kinds {
	if v.IsNumber() {
		return isNumber
	}
	return 1 << v.Kind()
}

func (k kinds) has(v flow.Value) bool { return k&(1<<v.Kind()) != 0 }

// String names the kinds other than null: "a string, bytes or a list".
func (k kinds) String() string {
	var names []string
	for _, n := range []struct {
		kind kinds
		name string
	}{
		{isBool, "a bool"}, {isNumber, "a number"}, {isText, "a string"},
		{isBytes, "bytes"}, {isList, "a list"}, {isMap, "an object"},
	} {
		if k&n.kind != 0 {
			names = append(names, n.name)
		}
	}
	switch len(names) {
	case 0:
		return "null"
	case 1:
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
