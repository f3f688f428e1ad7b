package startup

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
)

// Conceal keeps what the value of an expression is made of from being shown: the
// texts in it, and in the locals and variables that it needs. The value is a secret.
func (s *Values) Conceal(e hcl.Expression) { s.conceal(e, map[string]bool{}) }

func (s *Values) conceal(e hcl.Expression, seen map[string]bool) {
	node, native := e.(hclsyntax.Node)
	if !native {
		s.HideShownAt(e.Range()) // of JSON, where expressions are texts
	} else {
		_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
			switch n := n.(type) {
			case *hclsyntax.LiteralValueExpr:
				s.HideShownAt(n.Range())
			case *hclsyntax.TemplateExpr:
				if n.IsStringLiteral() {
					s.HideShownAt(n.Range())
				}
			}
			return nil
		})
	}
	for _, t := range e.Variables() {
		name := source.Member(t)
		key := t.RootName() + "." + name
		if seen[key] {
			continue
		}
		seen[key] = true
		switch v := s.variables[name]; t.RootName() {
		case "local":
			if l := s.locals[name]; l != nil {
				s.conceal(l.Expr, seen)
			}
		case "var":
			if v != nil {
				s.concealVariable(v)
			}
		}
	}
}

func (s *Values) concealVariable(v *variable) {
	if v.preset != nil {
		s.HideShownAt(v.preset.Expr.Range())
	}
	for _, g := range v.given {
		switch {
		case g.expr != nil:
			s.HideShownAt(g.expr.Range())
		case g.value != cty.NilVal:
			s.HideShownAt(g.at) // an argument of a module
		}
	}
}
