package startup

import (
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/flows/decode"
	"github.com/flowrun/flowrun/flows/source"
)

// Values are the names that start-up expressions may use in one flow, or in one
// use of a module: var, local, node, each and functions. They implement
// decode.Values. They are used by one goroutine.
type Values struct {
	*source.Report
	context   *hcl.EvalContext
	variables map[string]*variable
	locals    map[string]*local
	each      bool // inside a block with for_each
}

// New returns Values that know no variables and locals yet. dir is what paths
// are relative to.
func New(r *source.Report, dir string, env map[string]string) *Values {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return &Values{
		Report:    r,
		variables: map[string]*variable{},
		locals:    map[string]*local{},
		context: &hcl.EvalContext{
			Variables: map[string]cty.Value{
				"var":   cty.EmptyObjectVal,
				"local": cty.EmptyObjectVal,
				"node":  cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(host)}),
			},
			Functions: functions(folder{dir, r}, env),
		},
	}
}

// Each returns the values that stand in one instance of a block with for_each.
func (s *Values) Each(key, value cty.Value) *Values {
	inner := *s
	inner.each = true
	inner.context = s.context.NewChild()
	inner.context.Functions = s.context.Functions
	inner.context.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
	return &inner
}

// Evaluate computes a start-up expression; what names its position for the
// report. A value that is not known because of another problem gives false
// without a word.
func (s *Values) Evaluate(e hcl.Expression, what string) (cty.Value, bool) {
	if !s.checkNamesIn(e, what, atStart) {
		return cty.NilVal, false
	}
	v, diags := e.Value(s.context)
	s.problems(e, diags)
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return cty.NilVal, false
	}
	if infinite(v) {
		s.Errorf(s.divisor(e).Range(), "division by zero")
		return cty.NilVal, false
	}
	if v.ContainsMarked() {
		s.hideValue(v)
	}
	return v, true
}

// infinite finds what package cty makes of a division by zero.
func infinite(v cty.Value) bool {
	found := false
	v, _ = v.UnmarkDeep()
	_ = cty.Walk(v, func(_ cty.Path, part cty.Value) (bool, error) {
		found = found || !part.IsNull() && part.IsKnown() && part.Type() == cty.Number && part.AsBigFloat().IsInf()
		return !found, nil
	})
	return found
}

// divisor is the first zero in e that something is divided by, or e.
func (s *Values) divisor(e hcl.Expression) (zero hcl.Expression) {
	zero = e
	native, ok := e.(hclsyntax.Node)
	if !ok {
		return e
	}
	_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		division, ok := n.(*hclsyntax.BinaryOpExpr)
		if !ok || division.Op != hclsyntax.OpDivide || zero != e {
			return nil
		}
		v, diags := division.RHS.Value(s.context)
		if v, _ = v.Unmark(); !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.Number && v.AsBigFloat().Sign() == 0 {
			zero = division.RHS
		}
		return nil
	})
	return zero
}

// problems reports what package hcl says of an expression; not its words where
// they may quote a secret, or what was made of one.
func (s *Values) problems(e hcl.Expression, diags hcl.Diagnostics) {
	secret := slices.ContainsFunc(e.Variables(), func(t hcl.Traversal) bool {
		switch name := source.Member(t); t.RootName() {
		case "var":
			v := s.variables[name]
			return v != nil && (v.sensitive || v.value.ContainsMarked())
		case "local":
			l := s.locals[name]
			return l != nil && l.value.ContainsMarked()
		case "each":
			return s.each && s.context.Variables["each"].ContainsMarked()
		}
		return false
	})
	if !secret {
		s.HCL(diags)
		return
	}
	for _, d := range diags {
		if d.EvalContext == nil { // about the text alone, not about values
			s.HCL(hcl.Diagnostics{d})
			continue
		}
		at := e.Range()
		if d.Subject != nil {
			at = *d.Subject
		}
		s.Errorf(at, "this cannot be computed; why is not shown, since a sensitive value is in it")
	}
}

// Constant evaluates an argument that describes the flow rather than its run.
func (s *Values) Constant(a source.Argument, want cty.Type) (cty.Value, bool) {
	if len(a.Expr.Variables()) > 0 {
		s.Errorf(a.Expr.Range(), "%s must be written out: it may not refer to anything", a.Name)
		return cty.NilVal, false
	}
	v, diags := a.Expr.Value(nil)
	if s.HCL(diags); diags.HasErrors() {
		return cty.NilVal, false
	}
	v, err := convert.Convert(v, want)
	if err != nil || v.IsNull() || !v.IsKnown() {
		s.Errorf(a.Expr.Range(), "%s wants %s", a.Name, decode.DescribeType(want))
		return cty.NilVal, false
	}
	return v, true
}

// Setting computes an argument of the given type; ok is false where there is
// none, too.
func (s *Values) Setting(a source.Argument, want cty.Type) (v cty.Value, ok bool) {
	v, ok = s.Evaluate(a.Expr, a.Name)
	if !ok || v.IsNull() {
		return cty.NilVal, false
	}
	if v.IsMarked() {
		s.Errorf(a.Expr.Range(), "%s cannot be sensitive", a.Name)
		return cty.NilVal, false
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		s.Errorf(a.Expr.Range(), "%s wants %s, not %s", a.Name, decode.DescribeType(want), decode.Describe(v))
		return cty.NilVal, false
	}
	return converted, true
}

// Option reads an argument that is one of a few words; "" when it is not.
func (s *Values) Option(a source.Argument, words ...string) string {
	v, ok := s.Setting(a, cty.String)
	if !ok {
		return ""
	}
	if word := v.AsString(); slices.Contains(words, word) {
		return word
	}
	p := s.Errorf(a.Expr.Range(), "%s must be one of %s", a.Name, strings.Join(words, ", "))
	if best := source.Nearest(v.AsString(), words); best != "" {
		p.Hint("did you mean %q?", best)
	}
	return ""
}
