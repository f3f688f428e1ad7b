package expr

import (
	"fmt"

	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/flows/expr/path"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// variable is a name that a for expression gives to parts of a collection, or
// one whose value comes with the evaluation.
type variable struct {
	name string
	slot int
	uses uses
	per  bool // made inside the argument of an aggregate
}

// newVariable makes room for a variable.
func (c *compiler) newVariable(name string) variable {
	slot := c.slots
	c.slots++
	return variable{name: name, slot: slot, uses: slotUse(slot - len(c.scope.Vars)), per: c.per}
}

// visits is the slot in which an evaluation counts the elements that its for
// expressions and splats go through, so that a list from outside, gone through
// once for each of its own elements, costs an error and not all the memory.
func (c *compiler) visits() int {
	if c.visited == 0 {
		c.visited = c.newVariable("").slot + 1
	}
	return c.visited - 1
}

var errVisits = fmt.Errorf("for expressions and splats go through more than %d elements in all: make them fewer", function.MaxElements)

// visit counts n elements more.
func visit(vars []flow.Value, slot, n int) error {
	all := vars[slot].Int() + int64(n)
	vars[slot] = flow.IntOf(all)
	if all > function.MaxElements {
		return errVisits
	}
	return nil
}

// forBody are the parts of a for expression.
type forBody struct {
	from         *node
	visits       int // slot
	key, value   int // slots; key is -1 when it has no name
	cond         *node
	keyOf, valOf *node // keyOf is nil when it makes a list
}

// loop compiles [for k, v in x : …] and {for k, v in x : k => v}.
func (c *compiler) loop(e *hclsyntax.ForExpr) *node {
	from := c.compile(e.CollExpr)
	ok := from.can&(flow.OfList|flow.OfMap) != 0
	if !ok {
		c.mismatch(from.rng, "for goes through a list or an object, and this is "+from.can.String(), "")
	}
	outer := len(c.local)
	body := forBody{from: from, visits: c.visits(), key: -1}
	bound := uses(0)
	if e.KeyVar != "" {
		k := c.newVariable(e.KeyVar)
		c.local, body.key, bound = append(c.local, k), k.slot, k.uses
	}
	v := c.newVariable(e.ValVar)
	c.local, body.value, bound = append(c.local, v), v.slot, bound|v.uses
	bound &^= evaluation

	body.valOf = c.compile(e.ValExpr)
	inside := []*node{body.valOf}
	if e.CondExpr != nil {
		body.cond = c.compile(e.CondExpr)
		ok = c.condition(body.cond, false) && ok
		inside = append(inside, body.cond)
	}
	if e.KeyExpr != nil {
		body.keyOf = c.compile(e.KeyExpr)
		ok = c.keyable(body.keyOf) && ok
		inside = append(inside, body.keyOf)
	}
	c.local = c.local[:outer]
	if !ok {
		return bad(e.SrcRange)
	}

	n := of(e.SrcRange, flow.OfList, nil)
	build := body.list
	if e.KeyExpr != nil {
		n.can = flow.OfMap
		build = body.object
		if e.Group {
			build = body.groups
		}
	}
	n.eval = func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		v, err := from.eval(e, vars)
		if err != nil {
			return flow.NullValue, err
		}
		if !isComposite(v) {
			return flow.NullValue, from.errorf("%s is %s, where for goes through a list or an object", from.name(), v.Kinds())
		}
		return build(e, vars, v)
	}
	n.peek = n.eval
	return c.settle(n, bound, append(inside, from)...)
}

// each calls do for the elements of v that the condition lets pass, with
// the variables set.
func (b *forBody) each(e *flow.Event, vars []flow.Value, v flow.Value, do func() error) error {
	if err := visit(vars, b.visits, len(v.List())+v.Object().Len()); err != nil {
		return b.from.errorf("%w", err)
	}
	pass := func(key, value flow.Value) error {
		if b.key >= 0 {
			vars[b.key] = key
		}
		vars[b.value] = value
		if b.cond != nil {
			if ok, err := b.cond.test(e, vars); err != nil || !ok {
				return err
			}
		}
		return do()
	}
	for i, x := range v.List() {
		if err := pass(flow.IntOf(int64(i)), x); err != nil {
			return err
		}
	}
	for _, f := range v.Object().Fields() {
		if err := pass(flow.TextOf(f.Key), f.Value); err != nil {
			return err
		}
	}
	return nil
}

func (b *forBody) list(e *flow.Event, vars []flow.Value, v flow.Value) (flow.Value, error) {
	list := make([]flow.Value, 0, len(v.List())+v.Object().Len())
	err := b.each(e, vars, v, func() error {
		x, err := b.valOf.eval(e, vars)
		list = append(list, x)
		return err
	})
	if err != nil {
		return flow.NullValue, err
	}
	return flow.ListOf(list), nil
}

// field computes key and value of one element.
func (b *forBody) field(e *flow.Event, vars []flow.Value) (string, flow.Value, error) {
	key, err := b.keyOf.asKey(e, vars)
	if err != nil {
		return "", flow.NullValue, err
	}
	v, err := b.valOf.eval(e, vars)
	return key, v, err
}

func (b *forBody) object(e *flow.Event, vars []flow.Value, v flow.Value) (flow.Value, error) {
	o := flow.NewObject(len(v.List()) + v.Object().Len())
	err := b.each(e, vars, v, func() error {
		key, x, err := b.field(e, vars)
		if err != nil {
			return err
		}
		if _, there := o.Get(key); there {
			return b.keyOf.errorf("two elements have the same key: ... behind the value makes a list of the values of each key")
		}
		o.Set(key, x)
		return nil
	})
	if err != nil {
		return flow.NullValue, err
	}
	return flow.MapOf(o), nil
}

func (b *forBody) groups(e *flow.Event, vars []flow.Value, v flow.Value) (flow.Value, error) {
	var (
		place = map[string]int{}
		keys  []string
		lists [][]flow.Value
	)
	err := b.each(e, vars, v, func() error {
		key, x, err := b.field(e, vars)
		if err != nil {
			return err
		}
		i, there := place[key]
		if !there {
			i = len(keys)
			place[key] = i
			keys, lists = append(keys, key), append(lists, nil)
		}
		lists[i] = append(lists[i], x)
		return nil
	})
	if err != nil {
		return flow.NullValue, err
	}
	o := flow.NewObject(len(keys))
	for i, key := range keys {
		o.Set(key, flow.ListOf(lists[i]))
	}
	return flow.MapOf(o), nil
}

// splat compiles x[*].y and x.*.y. Null counts as no element, and what is no
// list as the only one.
func (c *compiler) splat(e *hclsyntax.SplatExpr) *node {
	from := c.compile(e.Source)
	v := c.newVariable("each element")
	item := pathNode(&path.Path{Root: v.name, Variable: true, Slot: v.slot}, e.MarkerRange)
	item.uses = v.uses
	if c.items == nil {
		c.items = map[*hclsyntax.AnonSymbolExpr]*node{}
	}
	c.items[e.Item] = item
	each := c.compile(e.Each)
	visits := c.visits()
	n := of(e.SrcRange, flow.OfList, func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		x, err := from.eval(e, vars)
		if err != nil {
			return flow.NullValue, err
		}
		parts := x.List()
		if x.Kind() != flow.List && !x.IsNull() {
			parts = []flow.Value{x}
		}
		if err := visit(vars, visits, len(parts)); err != nil {
			return flow.NullValue, from.errorf("%w", err)
		}
		list := make([]flow.Value, len(parts))
		for i, part := range parts {
			vars[v.slot] = part
			if list[i], err = each.eval(e, vars); err != nil {
				return flow.NullValue, err
			}
		}
		return flow.ListOf(list), nil
	})
	return c.settle(n, v.uses&^evaluation, each, from)
}
