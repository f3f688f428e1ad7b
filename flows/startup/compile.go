package startup

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/flows/fingerprint"
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
	if json.IsJSONExpression(e) {
		eachText(e, func(at hcl.Range, text string) { known = s.CheckTemplate(at, text) && known })
	}
	compiled, diags := with(e, expr.Scope{Start: s.context, Roots: eventRoots, Vars: vars, Condition: what == "where" || what == "allow", Fingerprint: fingerprint.Expression(e, s.context)})
	if !known {
		diags = slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool { return d.Subject == nil || s.Told(*d.Subject) })
	}
	s.problems(e, diags)
	if json.IsJSONExpression(e) && !diags.HasErrors() {
		eachText(e, s.checkText)
	}
	return compiled, known && !diags.HasErrors()
}

var looksComputed = regexp.MustCompile(`^(event|meta|peer)[.[]`)

// checkText warns of a JSON string that was probably meant to be an expression.
func (s *Values) checkText(at hcl.Range, text string) {
	if looksComputed.MatchString(text) && !strings.Contains(text, "${") {
		s.Warnf(at, "this is a text, the same for every event").Hint("an expression in JSON stands in a template: %q", "${"+text+"}")
	}
}

// eachText calls visit for the strings in an expression in JSON, which are
// templates, keys of objects aside.
func eachText(e hcl.Expression, visit func(at hcl.Range, text string)) {
	if list, diags := hcl.ExprList(e); !diags.HasErrors() {
		for _, x := range list {
			eachText(x, visit)
		}
		return
	}
	if items, diags := hcl.ExprMap(e); !diags.HasErrors() {
		for _, item := range items {
			eachText(item.Value, visit)
		}
		return
	}
	v, diags := e.Value(nil) // the text itself, templates and all
	if !diags.HasErrors() && !v.IsNull() && v.Type() == cty.String {
		visit(e.Range(), v.AsString())
	}
}
