package startup

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
)

// local is one named start-up value.
type local struct {
	source.Argument
	value cty.Value // unknown until it is computed, and when it is broken
	done  bool
}

// setLocals reads the locals blocks and computes their values in the order in
// which they need each other.
func (s *Values) setLocals(blocks []source.Block) {
	for _, b := range blocks {
		b.Owner = "locals"
		for name, a := range s.All(b.Region) {
			if first := s.locals[name]; first != nil {
				s.Errorf(a.At, "local.%s is defined twice", name).Also("the other one is", first.At)
				continue
			}
			s.locals[name] = &local{Argument: a, value: cty.DynamicVal}
		}
	}
	names := slices.Sorted(maps.Keys(s.locals))
	for _, name := range names {
		s.compute(name, nil)
	}
	s.context.Variables["local"] = s.localObject(names)
}

func (s *Values) localObject(names []string) cty.Value {
	values := make(map[string]cty.Value, len(names))
	for _, name := range names {
		if l := s.locals[name]; l != nil {
			values[name] = l.value
		}
	}
	return cty.ObjectVal(values)
}

// compute sets the value of one local after those that it needs; way is how we
// came here.
func (s *Values) compute(name string, way []string) {
	l := s.locals[name]
	if l == nil || l.done {
		return
	}
	if i := slices.Index(way, name); i >= 0 {
		circle := append(slices.Clone(way[i:]), name)
		s.Errorf(l.At, "locals need each other in a circle: local.%s", strings.Join(circle, " -> local."))
		for _, n := range way[i:] {
			s.locals[n].done = true
		}
		return
	}
	needed := localsIn(l.Expr)
	for _, n := range needed {
		s.compute(n, append(way, name))
	}
	if l.done { // part of a circle
		return
	}
	l.done = true
	s.context.Variables["local"] = s.localObject(needed)
	if value, ok := s.Evaluate(l.Expr, "a local"); ok {
		l.value = value
	}
}

func localsIn(expr hcl.Expression) (names []string) {
	for _, t := range expr.Variables() {
		if t.RootName() == "local" && len(t) > 1 {
			if step, ok := t[1].(hcl.TraverseAttr); ok {
				names = append(names, step.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
