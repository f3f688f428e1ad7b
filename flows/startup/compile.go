package startup

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Compile compiles a per-event expression. vars are the names that it may use
// beside those of every event.
func (s *Values) Compile(e hcl.Expression, what string, vars []string) (flow.Expr, bool) {
	return compile(s, e, what, vars, expr.Compile)
}

// CompileAggregate compiles an expression over many events.
func (s *Values) CompileAggregate(e hcl.Expression, what string, vars []string) (flow.Aggregate, bool) {
	return compile(s, e, what, vars, expr.CompileAggregate)
}

// compile calls a compiler. Where names in the expression mean nothing, the
// rest is looked at all the same, and told where nothing has been said yet.
func compile[X any](s *Values, e hcl.Expression, what string, vars []string, with func(hcl.Expression, expr.Scope) (X, hcl.Diagnostics)) (X, bool) {
	known := s.checkNamesIn(e, what, perEvent, vars...)
	compiled, diags := with(e, expr.Scope{Start: s.context, Roots: eventRoots, Vars: vars, Condition: what == "where"})
	if !known {
		diags = slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool { return d.Subject == nil || s.Told(*d.Subject) })
	}
	s.problems(e, diags)
	if json.IsJSONExpression(e) && !diags.HasErrors() {
		s.checkTexts(e)
	}
	return compiled, known && !diags.HasErrors()
}

var looksComputed = regexp.MustCompile(`^(event|meta|peer)[.[]`)

// checkTexts warns of JSON strings that were probably meant to be expressions.
func (s *Values) checkTexts(e hcl.Expression) {
	if list, diags := hcl.ExprList(e); !diags.HasErrors() {
		for _, x := range list {
			s.checkTexts(x)
		}
		return
	}
	if items, diags := hcl.ExprMap(e); !diags.HasErrors() {
		for _, item := range items {
			s.checkTexts(item.Value)
		}
		return
	}
	v, diags := e.Value(nil) // the text itself, templates and all
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		return
	}
	if text := v.AsString(); looksComputed.MatchString(text) && !strings.Contains(text, "${") {
		s.Warnf(e.Range(), "this is a text, the same for every event").Hint("an expression in JSON stands in a template: %q", "${"+text+"}")
	}
}
