package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// perEventRoots are all roots that only mean something while an event passes,
// wherever in a flow.
var perEventRoots = set("event meta peer topic group window")

// language is the closed list of functions.
var language = set(`
	abs ceil floor round min max sum parseint pow log signum
	lower upper title trim trimspace trimprefix trimsuffix startswith endswith contains replace split join substr
	strlen format indent regex regexall reverse chomp
	length keys values lookup merge has pick omit concat flatten distinct sort slice range zipmap element index
	compact chunklist any all coalesce
	jsonencode jsondecode yamlencode yamldecode csvdecode base64encode base64decode urlencode hexencode hexdecode
	sha256 sha1 md5 hmac_sha256 uuid crc32
	now timestamp formatdate parsedate timeadd epoch epoch_ms
	cidrcontains cidroverlaps cidrsubnet cidrhost cidrs
	tostring tonumber tobool bytes utf8 type can try path`)

// startOnly are the functions of the language that are for start-up values.
var startOnly = set("env file fileexists templatefile")

// everChanging are the functions that must not be computed once and for all,
// although nothing of the event is in them.
var everChanging = set("uuid now timestamp epoch epoch_ms")

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// names checks the roots and functions of an expression that HCL is to
// compute.
func (c *compiler) names(e hcl.Expression) bool {
	ok := c.roots(e)
	if native, isNative := e.(hclsyntax.Expression); isNative {
		_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
			if call, isCall := n.(*hclsyntax.FunctionCallExpr); isCall {
				if !c.startFunction(call.Name) || everChanging[call.Name] {
					c.unknownFunction(call)
					ok = false
				}
			}
			return nil
		})
	}
	return ok
}

// roots reports the roots in e that mean nothing here.
func (c *compiler) roots(e hcl.Expression) bool {
	ok := true
	for _, t := range e.Variables() {
		name := t.RootName()
		switch {
		case slices.Contains(c.scope.Roots, name):
		case perEventRoots[name]:
			c.problem(t.SourceRange(), name+" means nothing here", c.usable())
		case slices.Contains(c.startRoots(), name):
			continue
		case !c.hyphen("", name, t.SourceRange()):
		default:
			c.problem(t.SourceRange(), "unknown name "+name, choose(name, c.known(), c.usable()))
		}
		ok = ok && slices.Contains(c.scope.Roots, name)
	}
	return ok
}

func (c *compiler) unknownFunction(call *hclsyntax.FunctionCallExpr) {
	switch {
	case startOnly[call.Name]:
		c.problem(call.Range(), call.Name+" works at start-up, and nothing of the event can be in its arguments", "")
	case language[call.Name]:
		what := "the function " + call.Name
		if c.perEvent(call) {
			what += " on values of the event"
		}
		c.problem(call.NameRange, "not in this version yet: "+what, "")
	default:
		known := slices.Sorted(maps.Keys(language))
		for ctx := c.scope.Start; ctx != nil; ctx = ctx.Parent() {
			known = append(known, slices.Sorted(maps.Keys(ctx.Functions))...)
		}
		c.problem(call.NameRange, "unknown function "+call.Name, choose(call.Name, known, ""))
	}
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

// known are the roots that can be used.
func (c *compiler) known() []string { return append(slices.Clone(c.scope.Roots), c.startRoots()...) }

// usable says which roots can be used, for people.
func (c *compiler) usable() string {
	if known := c.known(); len(known) > 0 {
		return "what can be used: " + strings.Join(known, ", ")
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
