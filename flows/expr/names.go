package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
)

// eventRoots are the roots that any event has.
var eventRoots = []string{"event", "meta", "peer"}

// perEventRoots are all roots that only mean something while an event passes,
// wherever in a flow.
var perEventRoots = set("event meta peer topic group window")

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// roots reports the names in e, which HCL is to compute, that mean nothing
// here or are known per event only.
func (c *compiler) roots(e hcl.Expression) bool {
	ok := true
	for _, t := range e.Variables() {
		ok = c.startName(t) && ok
	}
	return ok
}

// startName checks that a path begins with a name of the start-up.
func (c *compiler) startName(t hcl.Traversal) bool {
	name := t.RootName()
	switch {
	case slices.Contains(c.startRoots(), name):
		return true
	case perEventRoots[name]:
		c.problem(t.SourceRange(), name+" means nothing here", c.usable())
	case c.hyphen("", name, t.SourceRange()):
		c.problem(t.SourceRange(), "unknown name "+name, choose(name, c.names(), c.usable()))
	}
	return false
}

func (c *compiler) startFunction(name string) bool {
	for ctx := c.scope.Start; ctx != nil; ctx = ctx.Parent() {
		if _, ok := ctx.Functions[name]; ok {
			return true
		}
	}
	return false
}

func (c *compiler) startRoots() []string {
	var roots []string
	for ctx := c.scope.Start; ctx != nil; ctx = ctx.Parent() {
		roots = append(roots, slices.Sorted(maps.Keys(ctx.Variables))...)
	}
	return roots
}

// isLocal reports whether a for expression around gives a name.
func (c *compiler) isLocal(name string) bool {
	return slices.ContainsFunc(c.local, func(v variable) bool { return v.name == name })
}

// names are those that can be used.
func (c *compiler) names() []string {
	names := slices.Clone(c.scope.Roots)
	if !c.per {
		names = append(names, c.scope.Vars...)
		for _, v := range c.local {
			names = append(names, v.name)
		}
	}
	return append(names, c.startRoots()...)
}

// usable says which names can be used, for people.
func (c *compiler) usable() string {
	if names := c.names(); len(names) > 0 {
		return "what can be used: " + strings.Join(names, ", ")
	}
	return "what can be used: nothing but constants"
}

// choose asks "did you mean" for the name nearest to the given one, or returns
// otherwise when none is near.
func choose(name string, among []string, otherwise string) string {
	best, least := "", 1+len(name)/3
	for _, a := range among {
		if d := levenshtein.Distance(name, a, nil); d <= least && (best == "" || d < least) {
			best, least = a, d
		}
	}
	if best == "" {
		return otherwise
	}
	return fmt.Sprintf("did you mean %q?", best)
}
