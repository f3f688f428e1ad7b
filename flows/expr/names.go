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

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// roots reports the names in e, which HCL is to compute, that are none of the
// start-up. Names in var and local are for the caller to check, who knows where
// they are declared.
func (c *compiler) roots(e hcl.Expression) bool {
	ok := true
	for _, t := range e.Variables() {
		if name := t.RootName(); !slices.Contains(c.startRoots(), name) {
			names := c.names()
			summary, hint := UnknownName(t, nearest(name, names), names)
			c.problem(t.SourceRange(), summary, hint)
			ok = false
		}
	}
	return ok
}

// wordsElsewhere are how other languages spell what is a word here.
var wordsElsewhere = map[string]string{"true": "true", "false": "false", "null": "null", "nil": "null", "none": "null", "undefined": "null"}

// UnknownName says of a path whose root is none of the names that can stand
// there what is wrong and what to do; best is the nearest of these, "" for none.
func UnknownName(t hcl.Traversal, best string, names []string) (summary, hint string) {
	root := t.RootName()
	summary = fmt.Sprintf("there is no %q here", root)
	switch meant, word := subtraction(root), wordsElsewhere[strings.ToLower(root)]; {
	case meant != "":
		hint = "hyphens belong to names: did you mean `" + meant + "`?"
	case word != "":
		hint = "did you mean " + word + "?"
	case best != "":
		hint = fmt.Sprintf("did you mean %q?", best)
	case len(t) == 1:
		hint = fmt.Sprintf("a text stands in quotes: %q", root)
	case len(names) > 0:
		hint = "here stand " + strings.Join(names, ", ") + " and functions"
	}
	return summary, hint
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

// choose asks "did you mean" for the name nearest to the given one, or returns
// otherwise when none is near.
func choose(name string, among []string, otherwise string) string {
	if best := nearest(name, among); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return otherwise
}

// functionsElsewhere are functions of other languages, with those that do the
// same here.
var functionsElsewhere = map[string]string{
	"len": "length", "size": "length", "typeof": "type", "string": "tostring", "str": "tostring",
	"int": "tonumber", "float": "tonumber", "number": "tonumber",
	"exists": "has", "isset": "has", "defined": "has", "default": "coalesce", "nvl": "coalesce", "ifnull": "coalesce",
	"match": "regex", "matches": "regex", "substring": "substr", "unique": "distinct", "uniq": "distinct", "append": "concat",
	"from_json": "jsondecode", "parse_json": "jsondecode", "to_json": "jsonencode",
	"anytrue": "any", "alltrue": "all", "date": "formatdate", "time": "now",
}

// aggregatesElsewhere are aggregates of other languages, likewise.
var aggregatesElsewhere = map[string]string{
	"cnt": "count", "average": "avg", "mean": "avg", "minimum": "min", "maximum": "max", "std": "stdev",
	"median": "quantile", "percentile": "quantile", "array_agg": "collect",
}

// SuggestFunction says what to do about a function that there is not; best is
// the name nearest to its own, "" for none.
func SuggestFunction(name, best string) string {
	switch here := functionsElsewhere[strings.ToLower(name)]; {
	case slices.Contains([]string{"map", "filter", "select", "foreach"}, name):
		return "a for expression does that: [for x in event.list : x.name if x.n > 1]"
	case here != "":
		return fmt.Sprintf("did you mean %q?", here)
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}

// nearest is the name that the given one was probably meant to be, or "".
func nearest(name string, among []string) string {
	best, least := "", 1+len(name)/4
	for _, a := range among {
		if d := levenshtein.Distance(strings.ToLower(name), a, nil); d <= least && (best == "" || d < least) {
			best, least = a, d
		}
	}
	return best
}
