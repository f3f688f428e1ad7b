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
	// Fingerprint is that of the expression, which its Expr has then.
	Fingerprint flow.Fingerprint
}

// Compile checks e and makes it ready for evaluation per event. It reports
// all mistakes that it finds, each with its range; the Expr is nil exactly when
// there is an error among them. It may be called from any goroutine, and keeps
// nothing of scope.
func Compile(e hcl.Expression, scope Scope) (flow.Expr, hcl.Diagnostics) {
	c := &compiler{scope: scope, slots: len(scope.Vars)}
	n := c.root(e)
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	return &expression{n: n, given: len(scope.Vars), slots: c.slots, print: scope.Fingerprint}, c.diags
}

// expression is a compiled expression, as the rest of the program sees it.
type expression struct {
	n     *node
	given int // values that come with each evaluation
	slots int // those and the variables inside the expression
	print flow.Fingerprint
}

// Fingerprint implements flow.Fingerprinted.
func (x *expression) Fingerprint() flow.Fingerprint { return x.print }

func (x *expression) Eval(e *flow.Event, vars ...flow.Value) (flow.Value, error) {
	return x.n.eval(e, x.frame(vars))
}

func (x *expression) Test(e *flow.Event, vars ...flow.Value) (bool, error) {
	return x.n.test(e, x.frame(vars))
}

// Kinds implements flow.Kinded.
func (x *expression) Kinds() flow.Kinds { return x.n.can }

func (x *expression) At() string { return x.n.rng.String() }

// frame makes room for the variables inside the expression. The caller's slice
// is used as it is where there are none, so that nothing is allocated.
func (x *expression) frame(vars []flow.Value) []flow.Value {
	if x.slots == x.given && len(vars) >= x.given {
		return vars
	}
	f := make([]flow.Value, x.slots)
	copy(f[:x.given], vars)
	return f
}

// compiler is at work on one expression.
type compiler struct {
	scope   Scope
	diags   hcl.Diagnostics
	slots   int                                 // variables so far
	visited int                                 // 1 + the slot that counts elements, 0 while nothing does
	local   []variable                          // those of for expressions, from the outside in
	items   map[*hclsyntax.AnonSymbolExpr]*node // what splats go through

	agg *aggregates // of an expression over many events
	per bool        // inside the argument of an aggregate, which is per event
}

func (c *compiler) root(e hcl.Expression) *node {
	n := c.expression(e)
	if c.scope.Condition {
		c.condition(n, json.IsJSONExpression(e))
	}
	return n
}

// expression compiles what a parser returned. In JSON, strings are templates
// and lists and objects are made of such expressions.
func (c *compiler) expression(e hcl.Expression) *node {
	if native, ok := e.(hclsyntax.Expression); ok {
		return c.compile(native)
	}
	if !json.IsJSONExpression(e) {
		return c.fold(e)
	}
	literal, _ := e.Value(nil)
	switch t := literal.Type(); {
	case t == cty.String && !literal.IsNull():
		return c.template(e, literal.AsString())
	case t.IsTupleType():
		parts, _ := hcl.ExprList(e)
		list := make([]*node, len(parts))
		for i, p := range parts {
			list[i] = c.expression(p)
		}
		return c.list(e.Range(), list)
	case t.IsObjectType():
		parts, _ := hcl.ExprMap(e)
		items := make([]item, len(parts))
		for i, p := range parts {
			items[i] = item{c.expression(p.Key), c.expression(p.Value)}
		}
		return c.object(e.Range(), items)
	}
	return c.fold(e)
}

// template compiles a string in JSON.
func (c *compiler) template(e hcl.Expression, text string) *node {
	start := e.Range().Start
	start.Column++ // after the quote
	start.Byte++
	native, diags := hclsyntax.ParseTemplate([]byte(text), e.Range().Filename, start)
	if diags.HasErrors() {
		c.diags = append(c.diags, diags...)
		return bad(e.Range())
	}
	n := *c.compile(native)
	n.rng = e.Range()
	return &n
}

func (c *compiler) compile(e hclsyntax.Expression) *node {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return c.compile(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return c.compile(e.Wrapped)
	case *hclsyntax.LiteralValueExpr:
		return c.known(e.Val, e.SrcRange)
	case *hclsyntax.ScopeTraversalExpr:
		return c.traversal(e)
	case *hclsyntax.RelativeTraversalExpr:
		return c.extend(c.compile(e.Source), e.Traversal, e.SrcRange)
	case *hclsyntax.IndexExpr:
		return c.index(e)
	case *hclsyntax.SplatExpr:
		return c.splat(e)
	case *hclsyntax.AnonSymbolExpr:
		if n := c.items[e]; n != nil {
			return n
		}
	case *hclsyntax.BinaryOpExpr:
		return c.binary(e)
	case *hclsyntax.UnaryOpExpr:
		return c.unary(e)
	case *hclsyntax.ConditionalExpr:
		return c.conditional(e)
	case *hclsyntax.TemplateExpr:
		return c.text(e)
	case *hclsyntax.TemplateJoinExpr:
		return c.join(e)
	case *hclsyntax.TupleConsExpr:
		list := make([]*node, len(e.Exprs))
		for i, part := range e.Exprs {
			list[i] = c.compile(part)
		}
		return c.list(e.SrcRange, list)
	case *hclsyntax.ObjectConsExpr:
		items := make([]item, len(e.Items))
		for i, it := range e.Items {
			items[i] = item{c.key(it.KeyExpr), c.compile(it.ValueExpr)}
		}
		return c.object(e.SrcRange, items)
	case *hclsyntax.ForExpr:
		return c.loop(e)
	case *hclsyntax.FunctionCallExpr:
		return c.call(e)
	case *hclsyntax.ExprSyntaxError: // reported by the parser
		return bad(e.SrcRange)
	}
	c.problem(e.Range(), "this kind of expression cannot be used per event", "")
	return bad(e.Range())
}
