package fingerprint

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/expr/bridge"
	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// Expression returns the fingerprint of an expression that is computed per
// event. start holds what is known before: the values and functions of the
// start.
func Expression(e hcl.Expression, start *hcl.EvalContext) flow.Fingerprint {
	x := &expression{printer: newPrinter(), start: start}
	x.outer(e)
	return x.sum()
}

type expression struct {
	*printer
	start *hcl.EvalContext
	inner []string // names that for expressions around give
}

// outer writes what a parser returned. In JSON, strings are templates, and lists
// and objects are made of such expressions: they count as what they would be in
// the native syntax.
func (x *expression) outer(e hcl.Expression) {
	if native, ok := e.(hclsyntax.Expression); ok {
		x.part(native)
		return
	}
	if x.known(e) || !json.IsJSONExpression(e) {
		return
	}
	literal, _ := e.Value(nil)
	switch t := literal.Type(); {
	case t == cty.String && !literal.IsNull():
		if native, diags := hclsyntax.ParseTemplate([]byte(literal.AsString()), e.Range().Filename, e.Range().Start); !diags.HasErrors() {
			x.part(native)
		}
	case t.IsTupleType():
		parts, _ := hcl.ExprList(e)
		x.node("list", len(parts))
		for _, p := range parts {
			x.outer(p)
		}
	case t.IsObjectType():
		parts, _ := hcl.ExprMap(e)
		x.node("object", len(parts))
		for _, p := range parts {
			x.outer(p.Key)
			x.outer(p.Value)
		}
	}
}

// node begins a part that consists of others.
func (x *expression) node(kind string, parts int) {
	x.text(kind)
	x.number(uint64(parts)) //nolint:gosec // not negative
}

// known writes the value of what is known at the start, and reports whether e
// is.
func (x *expression) known(e hcl.Expression) bool {
	if !x.startsWithin(e) {
		return false
	}
	v, diags := e.Value(x.start)
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return false
	}
	v, _ = v.UnmarkDeep()
	value, err := bridge.From(v)
	if err != nil {
		return false
	}
	x.text("value")
	x.text(string(valuekey.Append(nil, value)))
	return true
}

// startsWithin reports whether all that e speaks of is there at the start, and
// is the same whenever it is computed.
func (x *expression) startsWithin(e hcl.Expression) bool {
	for _, t := range e.Variables() {
		if root := t.RootName(); slices.Contains(x.inner, root) || !x.startName(root) {
			return false
		}
	}
	native, ok := e.(hclsyntax.Node)
	if !ok {
		return true
	}
	steady := true
	_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.FunctionCallExpr:
			f := function.Find(n.Name)
			steady = steady && (f == nil || !f.Volatile)
		case *hclsyntax.AnonSymbolExpr:
			_, isSplat := e.(*hclsyntax.SplatExpr)
			steady = steady && isSplat // by itself it has no value
		}
		return nil
	})
	return steady
}

func (x *expression) startName(root string) bool {
	for ctx := x.start; ctx != nil; ctx = ctx.Parent() {
		if _, ok := ctx.Variables[root]; ok {
			return true
		}
	}
	return false
}

// part writes a part of an expression in the native syntax.
func (x *expression) part(e hclsyntax.Expression) {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		x.part(e.Expression)
		return
	case *hclsyntax.TemplateWrapExpr:
		x.part(e.Wrapped)
		return
	case *hclsyntax.ObjectConsKeyExpr:
		x.key(e)
		return
	}
	if x.known(e) {
		return
	}
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		x.node("path", len(e.Traversal))
		x.steps(e.Traversal)
	case *hclsyntax.RelativeTraversalExpr:
		x.node("below", len(e.Traversal))
		x.part(e.Source)
		x.steps(e.Traversal)
	case *hclsyntax.IndexExpr:
		x.parts("index", e.Collection, e.Key)
	case *hclsyntax.SplatExpr:
		x.parts("splat", e.Source, e.Each)
	case *hclsyntax.AnonSymbolExpr:
		x.text("it")
	case *hclsyntax.BinaryOpExpr:
		x.parts(operators[e.Op], e.LHS, e.RHS)
	case *hclsyntax.UnaryOpExpr:
		x.parts(operators[e.Op], e.Val)
	case *hclsyntax.ConditionalExpr:
		x.parts("if", e.Condition, e.TrueResult, e.FalseResult)
	case *hclsyntax.TemplateExpr:
		x.parts("text", e.Parts...)
	case *hclsyntax.TemplateJoinExpr:
		x.parts("join", e.Tuple)
	case *hclsyntax.TupleConsExpr:
		x.parts("list", e.Exprs...)
	case *hclsyntax.ObjectConsExpr:
		x.node("object", len(e.Items))
		for _, item := range e.Items {
			x.part(item.KeyExpr)
			x.part(item.ValueExpr)
		}
	case *hclsyntax.FunctionCallExpr:
		x.parts(fmt.Sprintf("call %s %t", e.Name, e.ExpandFinal), e.Args...)
	case *hclsyntax.ForExpr:
		x.loop(e)
	default: // what the compiler refuses, or a constant without a value: it cannot run
		x.text(fmt.Sprintf("%T", e))
	}
}

func (x *expression) parts(kind string, parts ...hclsyntax.Expression) {
	x.node(kind, len(parts))
	for _, p := range parts {
		x.part(p)
	}
}

// key writes the key of an object: a name stands for itself.
func (x *expression) key(e *hclsyntax.ObjectConsKeyExpr) {
	if name := hcl.ExprAsKeyword(e.Wrapped); name != "" && !e.ForceNonLiteral {
		x.text("value")
		x.text(string(valuekey.Append(nil, flow.TextOf(name))))
		return
	}
	x.part(e.Wrapped)
}

func (x *expression) steps(t hcl.Traversal) {
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			x.text(s.Name)
		case hcl.TraverseAttr:
			x.text(string(valuekey.Append(nil, flow.TextOf(s.Name))))
		case hcl.TraverseIndex:
			value, _ := bridge.From(s.Key) // a string or a number
			x.text(string(valuekey.Append(nil, value)))
		default:
			x.text(fmt.Sprintf("%T", s))
		}
	}
}

// loop writes a for expression. What it calls its variables counts.
func (x *expression) loop(e *hclsyntax.ForExpr) {
	x.text(fmt.Sprintf("for %s %s %t", e.KeyVar, e.ValVar, e.Group))
	x.part(e.CollExpr)
	outer := len(x.inner)
	x.inner = append(x.inner, e.KeyVar, e.ValVar)
	for _, p := range []hclsyntax.Expression{e.KeyExpr, e.ValExpr, e.CondExpr} {
		if p == nil {
			x.text("none")
			continue
		}
		x.part(p)
	}
	x.inner = x.inner[:outer]
}

var operators = map[*hclsyntax.Operation]string{
	hclsyntax.OpLogicalOr: "||", hclsyntax.OpLogicalAnd: "&&", hclsyntax.OpLogicalNot: "!",
	hclsyntax.OpEqual: "==", hclsyntax.OpNotEqual: "!=",
	hclsyntax.OpGreaterThan: ">", hclsyntax.OpGreaterThanOrEqual: ">=",
	hclsyntax.OpLessThan: "<", hclsyntax.OpLessThanOrEqual: "<=",
	hclsyntax.OpAdd: "+", hclsyntax.OpSubtract: "-", hclsyntax.OpMultiply: "*", hclsyntax.OpDivide: "/",
	hclsyntax.OpModulo: "%", hclsyntax.OpNegate: "neg",
}
