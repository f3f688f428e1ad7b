package expr

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/flows/expr/path"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// traversal compiles a path from a root.
func (c *compiler) traversal(e *hclsyntax.ScopeTraversalExpr) *node {
	n := c.name(e.Traversal)
	if n == nil {
		return c.fold(e)
	}
	return c.extend(n, e.Traversal[1:], e.SrcRange)
}

// name compiles the root of a path; nil when it is one of the start-up.
func (c *compiler) name(t hcl.Traversal) *node {
	root, rng := t.RootName(), t[0].SourceRange()
	for i := len(c.local) - 1; i >= 0; i-- {
		if c.local[i].name == root {
			return c.variable(c.local[i], t)
		}
	}
	if i := slices.Index(c.scope.Vars, root); i >= 0 {
		return c.variable(variable{name: root, slot: i, uses: evaluation}, t)
	}
	if !slices.Contains(c.scope.Roots, root) || !slices.Contains(eventRoots, root) {
		return nil
	}
	if c.agg != nil && !c.per {
		c.problem(t.SourceRange(), root+" is that of many events here", "an aggregate makes one value of them: "+aggregateNames)
		return bad(rng)
	}
	return pathNode(&path.Path{Root: root}, rng)
}

// variable compiles the name of a variable.
func (c *compiler) variable(v variable, t hcl.Traversal) *node {
	rng := t[0].SourceRange()
	if c.per && !v.per {
		c.problem(t.SourceRange(), v.name+" is not known yet when an event is added to an aggregate", "it can stand outside of the aggregate")
		return bad(rng)
	}
	n := pathNode(&path.Path{Root: v.name, Variable: true, Slot: v.slot}, rng)
	n.uses = v.uses
	return n
}

// index compiles x[key] where key is no literal.
func (c *compiler) index(e *hclsyntax.IndexExpr) *node {
	from, key := c.compile(e.Collection), c.compile(e.Key)
	if key.konst != nil && !key.secret { // a secret is never part of a path, which errors spell
		step, ok := c.constantStep(*key.konst, e.Key.Range())
		if !ok {
			return bad(e.SrcRange)
		}
		return c.further(from, []flow.Step{step}, e.SrcRange)
	}
	if key.can&(flow.OfNumber|flow.OfText|flow.OfNull) == 0 {
		c.mismatch(key.rng, "an index is a number or a string, and this is "+key.can.String(), "")
		return bad(e.SrcRange)
	}
	if !c.hasParts(from, e.SrcRange) {
		return bad(e.SrcRange)
	}
	inPayload := from.path != nil && from.path.Root == "event" && !from.path.Variable
	find := func(e *flow.Event, vars []flow.Value) (v flow.Value, ok bool, err error) {
		if !inPayload {
			if v, err = from.eval(e, vars); err != nil {
				return flow.NullValue, false, err
			}
		}
		k, err := key.peek(e, vars)
		if err != nil || k.IsNull() {
			return flow.NullValue, false, err
		}
		step := flow.Step{Key: k.Text()}
		if k.IsNumber() {
			if step, ok = whole(k); !ok {
				return flow.NullValue, false, nil
			}
		} else if k.Kind() != flow.Text {
			return flow.NullValue, false, key.errorf("%s is %s, where an index is a number or a string", key.name(), k.Kinds())
		}
		if inPayload {
			v, ok = from.path.Further(e, step)
		} else {
			v, ok = path.Next(v, step)
		}
		return v, ok, nil
	}
	return c.settle(maybe(e.SrcRange, find), 0, from, key)
}

// maybe makes a node of what looks for something that may be missing.
func maybe(rng hcl.Range, find func(*flow.Event, []flow.Value) (flow.Value, bool, error)) *node {
	n := of(rng, flow.OfAny, func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		v, _, err := find(e, vars)
		return v, err
	})
	n.has = func(e *flow.Event, vars []flow.Value) (bool, error) {
		_, ok, err := find(e, vars)
		return ok, err
	}
	return n
}

// whole is the step to an element, false when k is no whole number.
func whole(k flow.Value) (flow.Step, bool) {
	if k.Kind() == flow.Int {
		return flow.Step{Index: int(k.Int()), IsIndex: true}, true
	}
	f := k.Float()
	return flow.Step{Index: int(f), IsIndex: true}, f == math.Trunc(f) && math.Abs(f) < 1<<53
}

// constantStep reads an index that is known.
func (c *compiler) constantStep(key flow.Value, rng hcl.Range) (flow.Step, bool) {
	if key.Kind() == flow.Text {
		return flow.Step{Key: key.Text()}, true
	}
	if key.IsNumber() {
		if step, ok := whole(key); ok {
			return step, true
		}
	}
	c.mismatch(rng, "an index is a whole number or, of an object, a string", "")
	return flow.Step{}, false
}

// extend goes on from a path.
func (c *compiler) extend(from *node, with hcl.Traversal, rng hcl.Range) *node {
	if len(with) == 0 {
		return from
	}
	before := "…"
	if from.path != nil {
		before = from.path.String()
	}
	steps, ok := c.steps(&path.Path{Root: before}, with)
	if !ok {
		return bad(rng)
	}
	return c.further(from, steps, rng)
}

// steps reads what follows p, up to the first step that cannot be read.
func (c *compiler) steps(p *path.Path, t hcl.Traversal) ([]flow.Step, bool) {
	for _, s := range t {
		step, ok := c.step(p, s)
		if !ok {
			return p.Steps, false
		}
		p.Steps = append(p.Steps, step)
	}
	return p.Steps, true
}

// further follows steps from what from comes to.
func (c *compiler) further(from *node, steps []flow.Step, rng hcl.Range) *node {
	if p := from.path; p != nil {
		n := pathNode(&path.Path{Root: p.Root, Variable: p.Variable, Slot: p.Slot, Steps: slices.Concat(p.Steps, steps)}, rng)
		n.uses = from.uses
		if p.Root == "peer" && !p.Variable && len(p.Steps) == 0 && !c.peerField(steps[0].Key, rng) {
			return bad(rng)
		}
		return n
	}
	if !c.hasParts(from, rng) {
		return bad(rng)
	}
	return c.settle(maybe(rng, func(e *flow.Event, vars []flow.Value) (flow.Value, bool, error) {
		v, err := from.eval(e, vars)
		if err != nil {
			return v, false, err
		}
		v, ok := path.Lookup(v, steps)
		return v, ok, nil
	}), 0, from)
}

func (c *compiler) peerField(name string, rng hcl.Range) bool {
	if slices.Contains(flow.PeerFields, name) {
		return true
	}
	c.problem(rng, "peer has no field "+strconv.Quote(name),
		choose(name, flow.PeerFields, "its fields are "+strings.Join(flow.PeerFields, ", ")))
	return false
}

// hasParts reports a field or element of what can never have any.
func (c *compiler) hasParts(n *node, rng hcl.Range) bool {
	if n.can&(flow.OfList|flow.OfMap) != 0 || n.can == flow.OfNull {
		return true
	}
	c.mismatch(rng, n.can.String()+" has neither fields nor elements", "")
	return false
}

// step reads one step of a path.
func (c *compiler) step(p *path.Path, t hcl.Traverser) (flow.Step, bool) {
	switch t := t.(type) {
	case hcl.TraverseAttr:
		return flow.Step{Key: t.Name}, c.hyphen(p.String()+".", t.Name, t.SrcRange)
	case hcl.TraverseIndex:
		key := c.known(t.Key, t.SrcRange)
		if key.konst == nil {
			return flow.Step{}, false
		}
		return c.constantStep(*key.konst, t.SrcRange)
	}
	c.problem(t.SourceRange(), "this kind of step cannot stand in a path", "")
	return flow.Step{}, false
}

// minus finds the names that are most probably a subtraction.
var minus = regexp.MustCompile(`^(.+?)-([0-9].*|(?:event|meta|peer|var|local))$`)

// subtraction spells what a name like a-1 was probably meant to be, "" where it
// is a name: HCL takes hyphens for a part of names.
func subtraction(name string) string {
	if m := minus.FindStringSubmatch(name); m != nil {
		return m[1] + " - " + m[2]
	}
	return ""
}

// hyphen reports a name like a-1.
func (c *compiler) hyphen(before, name string, rng hcl.Range) bool {
	meant := subtraction(name)
	if meant == "" {
		return true
	}
	hint := "did you mean `" + before + meant + "`?"
	if object, ok := strings.CutSuffix(before, "."); ok {
		hint += " For the field write " + object + "[" + strconv.Quote(name) + "]"
	}
	c.problem(rng, strconv.Quote(name)+" is one name, hyphens belong to names", hint)
	return false
}

func pathNode(p *path.Path, rng hcl.Range) *node {
	n := of(rng, flow.OfAny, nil)
	n.path = p
	n.uses = evaluation
	switch {
	case p.Variable:
		n.eval, n.peek, n.has = p.Value, p.Value, p.HasValue
	case p.Root == "event":
		n.eval, n.peek, n.has = p.Event, p.PeekEvent, p.HasEvent
	case p.Root == "meta":
		n.eval, n.peek, n.has = p.Meta, p.Meta, p.HasMeta
	default:
		n.eval, n.peek, n.has = p.Peer, p.Peer, p.HasPeer
	}
	return n
}
