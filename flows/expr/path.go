package expr

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// path is a root with the steps from there.
type path struct {
	root     string // event, meta, peer, or the name of a variable
	variable bool
	slot     int // of a variable
	steps    []flow.Step
}

// String spells the path as in a flow.
func (p *path) String() string {
	var b strings.Builder
	b.WriteString(p.root)
	for _, s := range p.steps {
		switch {
		case s.IsIndex:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case hclsyntax.ValidIdentifier(s.Key):
			b.WriteString("." + s.Key)
		default:
			b.WriteString("[" + strconv.Quote(s.Key) + "]")
		}
	}
	return b.String()
}

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
	return pathNode(&path{root: root}, rng)
}

// variable compiles the name of a variable.
func (c *compiler) variable(v variable, t hcl.Traversal) *node {
	rng := t[0].SourceRange()
	if c.per && !v.per {
		c.problem(t.SourceRange(), v.name+" is not known yet when an event is added to an aggregate", "it can stand outside of the aggregate")
		return bad(rng)
	}
	n := pathNode(&path{root: v.name, variable: true, slot: v.slot}, rng)
	n.uses = v.uses
	return n
}

// index compiles x[key] where key is no literal.
func (c *compiler) index(e *hclsyntax.IndexExpr) *node {
	from, key := c.compile(e.Collection), c.compile(e.Key)
	if key.konst != nil {
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
	find := func(e *flow.Event, vars []flow.Value) (flow.Value, bool, error) {
		v, err := from.eval(e, vars)
		if err != nil {
			return flow.NullValue, false, err
		}
		k, err := key.peek(e, vars)
		switch {
		case err != nil:
			return flow.NullValue, false, err
		case k.Kind() == flow.Text:
			v, ok := lookup(v, []flow.Step{{Key: k.Text()}})
			return v, ok, nil
		case k.IsNumber():
			step, ok := whole(k)
			if ok {
				v, ok = lookup(v, []flow.Step{step})
			}
			if !ok {
				v = flow.NullValue
			}
			return v, ok, nil
		case k.IsNull():
			return flow.NullValue, false, nil
		}
		return flow.NullValue, false, key.errorf("%s is %s, where an index is a number or a string", key.name(), k.Kinds())
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
	p := &path{root: before}
	for _, t := range with {
		step, ok := c.step(p, t)
		if !ok {
			return bad(rng)
		}
		p.steps = append(p.steps, step)
	}
	return c.further(from, p.steps, rng)
}

// further follows steps from what from comes to.
func (c *compiler) further(from *node, steps []flow.Step, rng hcl.Range) *node {
	if p := from.path; p != nil {
		n := pathNode(&path{root: p.root, variable: p.variable, slot: p.slot, steps: slices.Concat(p.steps, steps)}, rng)
		n.uses = from.uses
		if p.root == "peer" && !p.variable && len(p.steps) == 0 && !c.peerField(steps[0].Key, rng) {
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
		v, ok := lookup(v, steps)
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
func (c *compiler) step(p *path, t hcl.Traverser) (flow.Step, bool) {
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

// hyphen reports a name like a-1: HCL reads it as one name.
func (c *compiler) hyphen(before, name string, rng hcl.Range) bool {
	m := minus.FindStringSubmatch(name)
	if m == nil {
		return true
	}
	hint := "did you mean `" + before + m[1] + " - " + m[2] + "`?"
	if object, ok := strings.CutSuffix(before, "."); ok {
		hint += " For the field write " + object + "[" + strconv.Quote(name) + "]"
	}
	c.problem(rng, strconv.Quote(name)+" is one name, hyphens belong to names", hint)
	return false
}

func pathNode(p *path, rng hcl.Range) *node {
	n := of(rng, flow.OfAny, nil)
	n.path = p
	n.uses = evaluation
	switch {
	case p.variable:
		n.eval, n.peek, n.has = p.value, p.value, p.hasValue
	case p.root == "event":
		n.eval, n.peek, n.has = p.event, p.peekEvent, p.hasEvent
	case p.root == "meta":
		n.eval, n.peek, n.has = p.meta, p.meta, p.hasMeta
	default:
		n.eval, n.peek, n.has = p.peer, p.peer, p.hasPeer
	}
	return n
}

func (p *path) value(_ *flow.Event, vars []flow.Value) (flow.Value, error) {
	v, _ := lookup(vars[p.slot], p.steps)
	return v, nil
}

func (p *path) hasValue(_ *flow.Event, vars []flow.Value) (bool, error) {
	_, ok := lookup(vars[p.slot], p.steps)
	return ok, nil
}

// encoded reports whether the payload must be looked up in Raw.
func encoded(e *flow.Event) bool { return e.Raw != nil && e.Value.IsNull() }

// find looks the path up in an event. Where that leads to a list or an object
// that is still encoded, it is its spelling that is returned, not nil.
func (p *path) find(e *flow.Event) (v flow.Value, spelling []byte) {
	if !encoded(e) {
		v, _ = lookup(e.Value, p.steps)
		return v, nil
	}
	raw, ok := e.Form.Find(e.Raw, p.steps)
	if !ok {
		return flow.NullValue, nil
	}
	if v, ok = e.Form.Scalar(raw); ok {
		return v, nil
	}
	return flow.NullValue, raw
}

func (p *path) event(e *flow.Event, _ []flow.Value) (flow.Value, error) {
	v, spelling := p.find(e)
	if spelling != nil {
		return flow.LazyOf(spelling, e.Form), nil
	}
	return v, nil
}

func (p *path) peekEvent(e *flow.Event, _ []flow.Value) (flow.Value, error) {
	v, spelling := p.find(e)
	switch {
	case spelling == nil:
		return v, nil
	case e.Form.Kind(spelling) == flow.List:
		return someList, nil
	}
	return someObject, nil
}

func (p *path) hasEvent(e *flow.Event, _ []flow.Value) (bool, error) {
	if encoded(e) {
		_, ok := e.Form.Find(e.Raw, p.steps)
		return ok, nil
	}
	_, ok := lookup(e.Value, p.steps)
	return ok, nil
}

func (p *path) peer(e *flow.Event, _ []flow.Value) (flow.Value, error) {
	if len(p.steps) == 0 {
		return flow.MapOf(e.Origin.PeerValue()), nil
	}
	v, _ := lookup(e.Origin.PeerField(p.steps[0].Key), p.steps[1:])
	return v, nil
}

func (p *path) hasPeer(e *flow.Event, _ []flow.Value) (bool, error) {
	v, _ := p.peer(e, nil)
	return !v.IsNull(), nil
}

func (p *path) meta(e *flow.Event, _ []flow.Value) (flow.Value, error) {
	v, _ := p.findMeta(e)
	return v, nil
}

func (p *path) hasMeta(e *flow.Event, _ []flow.Value) (bool, error) {
	_, ok := p.findMeta(e)
	return ok, nil
}

// findMeta reads what the flow wrote over what the transport said over what
// follows from the connection. It merges them only when the answer is an
// object, of which each may have a part.
func (p *path) findMeta(e *flow.Event) (flow.Value, bool) {
	if len(p.steps) == 0 {
		return flow.MapOf(e.MetaValue()), true
	}
	for _, layer := range []*flow.Object{e.Meta.Wrote, e.Meta.Said} {
		v, outcome := descend(layer, p.steps)
		switch {
		case outcome == blocked:
			return flow.NullValue, false
		case outcome == found && v.Kind() == flow.Map:
			return lookup(flow.MapOf(e.MetaValue()), p.steps)
		case outcome == found:
			return v, true
		}
	}
	if e.Origin == nil || e.Origin.Connector == nil || e.Origin.Connector.Type != p.steps[0].Key {
		return flow.NullValue, false
	}
	if v, ok := e.MetaScalar(p.steps); ok {
		return v, true
	}
	return lookup(flow.MapOf(e.MetaValue()), p.steps)
}

// outcome of a walk in one of several layers.
type outcome int

const (
	missing outcome = iota // a lower layer may have it
	blocked                // what is here hides the lower layers
	found
)

func descend(o *flow.Object, steps []flow.Step) (flow.Value, outcome) {
	if o == nil {
		return flow.NullValue, missing
	}
	v := flow.MapOf(o)
	for i, s := range steps {
		if v.Kind() != flow.Map {
			if v, ok := lookup(v, steps[i:]); ok {
				return v, found
			}
			return flow.NullValue, blocked
		}
		if s.IsIndex {
			return flow.NullValue, missing
		}
		next, ok := v.Object().Get(s.Key)
		if !ok {
			return flow.NullValue, missing
		}
		v = next
	}
	return v, found
}

// lookup follows steps from v; null and false where they lead nowhere. What is
// encoded stays so.
func lookup(v flow.Value, steps []flow.Step) (flow.Value, bool) {
	for i, s := range steps {
		if raw, form, ok := v.Encoded(); ok {
			if raw, ok = form.Find(raw, steps[i:]); !ok {
				return flow.NullValue, false
			}
			return flow.LazyOf(raw, form), true
		}
		if s.IsIndex {
			l := v.List()
			if s.Index < 0 || s.Index >= len(l) {
				return flow.NullValue, false
			}
			v = l[s.Index]
			continue
		}
		next, ok := v.Object().Get(s.Key)
		if !ok {
			return flow.NullValue, false
		}
		v = next
	}
	return v, true
}
