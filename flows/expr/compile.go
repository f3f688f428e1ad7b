package expr

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// Scope says what an expression may speak of.
type Scope struct {
	// Start holds var, local and the functions that are computed at start-up;
	// nil when there are none. An unknown value in it stands for one that
	// another diagnostic is about, and causes no more of them.
	Start *hcl.EvalContext
	// Roots are the per-event roots that mean something here: "event",
	// "meta", "peer".
	Roots []string
	// Vars are further names, whose values come with each evaluation: as
	// the vars of flow.Expr, in this order.
	Vars []string
	// Condition says that true or false is asked for, so that a constant or
	// function that can be neither is a mistake.
	Condition bool
}

// Compile checks e and makes it ready for evaluation per event. It reports
// all mistakes that it finds, each with its range; the Expr is nil exactly when
// there is an error among them. It may be called from any goroutine, and keeps
// nothing of scope.
func Compile(e hcl.Expression, scope Scope) (flow.Expr, hcl.Diagnostics) {
	c := &compiler{scope: scope}
	n := c.expression(e)
	if scope.Condition {
		c.condition(n, json.IsJSONExpression(e))
	}
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	return &expression{n}, c.diags
}

// expression is a compiled expression, as the rest of the program sees it.
type expression struct{ n *node }

func (x *expression) Eval(e *flow.Event, _ ...flow.Value) (flow.Value, error) { return x.n.eval(e) }
func (x *expression) Test(e *flow.Event, _ ...flow.Value) (bool, error)       { return x.n.test(e) }
func (x *expression) At() string                                              { return x.n.rng.String() }

// CompileAggregate is Compile for an expression over many events.
func CompileAggregate(e hcl.Expression, scope Scope) (flow.Aggregate, hcl.Diagnostics) {
	_, diags := Compile(e, scope)
	return nil, diags
}

// compiler collects the diagnostics of one Compile.
type compiler struct {
	scope Scope
	diags hcl.Diagnostics
}

// expression compiles what a parser returned. A JSON string is a template.
func (c *compiler) expression(e hcl.Expression) *node {
	if !json.IsJSONExpression(e) {
		if native, ok := e.(hclsyntax.Expression); ok {
			return c.compile(native)
		}
		return c.whole(e)
	}
	literal, _ := e.Value(nil)
	if literal.Type() != cty.String || literal.IsNull() {
		return c.whole(e)
	}
	start := e.Range().Start
	start.Column++ // after the quote
	start.Byte++
	native, diags := hclsyntax.ParseTemplate([]byte(literal.AsString()), e.Range().Filename, start)
	if diags.HasErrors() {
		c.diags = append(c.diags, diags...)
		return bad(e.Range())
	}
	n := c.compile(native)
	n.rng = e.Range()
	return n
}

func (c *compiler) compile(e hclsyntax.Expression) *node {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return c.compile(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return c.compile(e.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		return c.traversal(e)
	case *hclsyntax.RelativeTraversalExpr:
		if c.perEvent(e.Source) {
			return c.extend(c.compile(e.Source), e.Traversal, e.SrcRange)
		}
	case *hclsyntax.IndexExpr:
		if c.perEvent(e) {
			return c.index(e)
		}
	case *hclsyntax.BinaryOpExpr:
		switch e.Op {
		case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
			return c.equality(e)
		case hclsyntax.OpLessThan, hclsyntax.OpLessThanOrEqual, hclsyntax.OpGreaterThan, hclsyntax.OpGreaterThanOrEqual:
			return c.order(e)
		case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
			return c.logic(e)
		}
	case *hclsyntax.UnaryOpExpr:
		if e.Op == hclsyntax.OpLogicalNot {
			return c.not(e)
		}
	case *hclsyntax.FunctionCallExpr:
		return c.call(e)
	}
	if c.perEvent(e) {
		return c.later(e)
	}
	return c.fold(e)
}

// whole compiles an expression whose parts cannot be seen: a list or object in
// JSON.
func (c *compiler) whole(e hcl.Expression) *node {
	if c.perEvent(e) {
		c.problem(e.Range(), "not in this version yet: a list or object made of values of the event", "")
		return bad(e.Range())
	}
	return c.fold(e)
}

// perEvent reports whether e speaks of anything that only an event has.
func (c *compiler) perEvent(e hcl.Expression) bool {
	for _, t := range e.Variables() {
		if perEventRoots[t.RootName()] {
			return true
		}
	}
	return false
}

// later says of a construct of the language that it cannot be used on what
// comes with an event yet. The mistakes inside it are reported too.
func (c *compiler) later(e hclsyntax.Expression) *node {
	var what string
	switch e.(type) {
	case *hclsyntax.BinaryOpExpr, *hclsyntax.UnaryOpExpr:
		what = "arithmetic on values of the event"
	case *hclsyntax.ConditionalExpr:
		what = "a conditional (a ? b : c) on values of the event"
	case *hclsyntax.ForExpr:
		what = "a for expression over values of the event"
	case *hclsyntax.SplatExpr:
		what = "a splat ([*]) over values of the event"
	case *hclsyntax.TemplateExpr, *hclsyntax.TemplateJoinExpr:
		what = "a template that mixes text with values of the event"
	case *hclsyntax.TupleConsExpr:
		what = "a list made of values of the event"
	case *hclsyntax.ObjectConsExpr:
		what = "an object made of values of the event"
	default:
		what = "this kind of expression on values of the event"
	}
	c.problem(e.Range(), "not in this version yet: "+what, "")
	c.roots(e)
	return bad(e.Range())
}
