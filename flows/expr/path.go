package expr

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/gocty"
)

// path is a root with the steps from there.
type path struct {
	root  string
	steps []flow.Step
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
	root := e.Traversal.RootName()
	if !slices.Contains(c.scope.Roots, root) {
		return c.fold(e)
	}
	switch root {
	case "event", "meta", "peer":
		return c.extend(pathNode(&path{root: root}, e.Traversal[0].SourceRange()), e.Traversal[1:], e.SrcRange)
	}
	c.problem(e.SrcRange, "not in this version yet: "+root, "")
	return bad(e.SrcRange)
}

// index compiles x[key] where key is no literal.
func (c *compiler) index(e *hclsyntax.IndexExpr) *node {
	from := c.compile(e.Collection)
	if c.perEvent(e.Key) {
		c.problem(e.Key.Range(), "not in this version yet: an index that comes with the event", "")
		c.roots(e.Key)
		return bad(e.SrcRange)
	}
	key, ok := c.startUp(e.Key)
	if !ok {
		return bad(e.SrcRange)
	}
	return c.extend(from, hcl.Traversal{hcl.TraverseIndex{Key: key, SrcRange: e.Key.Range()}}, e.SrcRange)
}

// extend goes on from a path.
func (c *compiler) extend(from *node, with hcl.Traversal, rng hcl.Range) *node {
	if from.path == nil {
		if from.konst != nil || from.can != anything {
			c.problem(rng, "not in this version yet: a field of what is not a path into event, meta or peer", "")
		}
		return bad(rng)
	}
	p := &path{root: from.path.root, steps: slices.Clone(from.path.steps)}
	for _, t := range with {
		step, ok := c.step(p, t)
		if !ok {
			return bad(rng)
		}
		p.steps = append(p.steps, step)
	}
	if p.root == "peer" && len(p.steps) > 0 {
		if name := p.steps[0].Key; !slices.Contains(flow.PeerFields, name) {
			c.problem(rng, "peer has no field "+strconv.Quote(name),
				choose(name, flow.PeerFields, "its fields are "+strings.Join(flow.PeerFields, ", ")))
			return bad(rng)
		}
	}
	return pathNode(p, rng)
}

// step reads one step of a path.
func (c *compiler) step(p *path, t hcl.Traverser) (flow.Step, bool) {
	switch t := t.(type) {
	case hcl.TraverseAttr:
		return flow.Step{Key: t.Name}, c.hyphen(p.String()+".", t.Name, t.SrcRange)
	case hcl.TraverseIndex:
		key, _ := t.Key.Unmark()
		switch {
		case !key.IsKnown(): // reported where it comes from
			return flow.Step{}, true
		case key.IsNull():
		case key.Type() == cty.String:
			return flow.Step{Key: key.AsString()}, true
		case key.Type() == cty.Number:
			var i int
			if gocty.FromCtyValue(key, &i) == nil {
				return flow.Step{Index: i, IsIndex: true}, true
			}
		}
		c.problem(t.SrcRange, "an index is a whole number or, of an object, a string", "")
		return flow.Step{}, false
	}
	c.problem(t.SourceRange(), "not in this version yet: this kind of step in a path", "")
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
	var n *node
	switch p.root {
	case "event":
		n = of(rng, anything, nil, p.event)
		n.peek = p.peekEvent
	case "meta":
		n = of(rng, anything, nil, p.meta)
	default:
		n = of(rng, anything, nil, p.peer)
	}
	n.path = p
	return n
}

// encoded reports whether the payload must be looked up in Raw.
func encoded(e *flow.Event) bool { return e.Raw != nil && e.Value.IsNull() }

// find looks the path up in an event. Where that leads to a list or an object
// that is not decoded yet, it is its spelling that is returned, not nil.
func (p *path) find(e *flow.Event) (v flow.Value, spelling []byte) {
	if !encoded(e) {
		v, _ = walk(e.Value, p.steps)
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

func (p *path) event(e *flow.Event) (flow.Value, error) {
	v, spelling := p.find(e)
	if spelling != nil {
		return e.Form.Decode(spelling)
	}
	return v, nil
}

func (p *path) peekEvent(e *flow.Event) (flow.Value, error) {
	v, spelling := p.find(e)
	if spelling != nil {
		return composite, nil
	}
	return v, nil
}

func (p *path) peer(e *flow.Event) (flow.Value, error) {
	if len(p.steps) == 0 {
		return flow.MapOf(e.Origin.PeerValue()), nil
	}
	v, _ := walk(e.Origin.PeerField(p.steps[0].Key), p.steps[1:])
	return v, nil
}

func (p *path) meta(e *flow.Event) (flow.Value, error) {
	v, _ := p.findMeta(e)
	return v, nil
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
			return walk(flow.MapOf(e.MetaValue()), p.steps)
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
	return walk(flow.MapOf(e.MetaValue()), p.steps)
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
			if v, ok := walk(v, steps[i:]); ok {
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

// walk follows steps from v; null and false where they lead nowhere.
func walk(v flow.Value, steps []flow.Step) (flow.Value, bool) {
	for _, s := range steps {
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

// has tells whether the path leads to something.
func (p *path) has(e *flow.Event) bool {
	switch p.root {
	case "event":
		if encoded(e) {
			_, ok := e.Form.Find(e.Raw, p.steps)
			return ok
		}
		_, ok := walk(e.Value, p.steps)
		return ok
	case "meta":
		_, ok := p.findMeta(e)
		return ok
	}
	v, _ := p.peer(e)
	return !v.IsNull()
}
