package steptest

import (
	"testing"

	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Where compiles a condition as a flow would have it, at flow.hcl:1,1.
func Where(t testing.TB, src string) flow.Expr {
	t.Helper()
	return compiled(t, src, expr.Compile, expr.Scope{Condition: true})
}

// Value compiles an expression as a flow would have it; "" is none. vars are the
// names that it knows beside those of the event.
func Value(t testing.TB, src string, vars ...string) flow.Expr {
	t.Helper()
	if src == "" {
		return nil
	}
	return compiled(t, src, expr.Compile, expr.Scope{Vars: vars})
}

// Emit compiles the emit of a window as a flow would have it.
func Emit(t testing.TB, src string) flow.Aggregate {
	t.Helper()
	return compiled(t, src, expr.CompileAggregate, expr.Scope{Vars: []string{"group", "window"}})
}

func compiled[X any](t testing.TB, src string, compile func(hcl.Expression, expr.Scope) (X, hcl.Diagnostics), scope expr.Scope) X {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(src), "flow.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	scope.Roots = []string{"event", "meta", "peer"}
	x, diags := compile(e, scope)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return x
}
