package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/flows/expr/aggregate"
	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// startOnly are the functions of the language that are for start-up values.
var startOnly = set("env file fileexists templatefile")

// call compiles a function call.
func (c *compiler) call(e *hclsyntax.FunctionCallExpr) *node {
	if c.isAggregate(e) {
		return c.aggregate(e)
	}
	f := function.Find(e.Name)
	switch {
	case f != nil && f.Special:
		return c.special(e)
	case f != nil:
		return c.callOf(f, e)
	case c.startFunction(e.Name) || startOnly[e.Name]:
		return c.startCall(e)
	case aggregate.Find(e.Name) != nil:
		c.problem(e.NameRange, e.Name+" is an aggregate: it is for values over many events, in the emit of a window", "")
	default:
		c.unknownFunction(e)
		return bad(e.Range())
	}
	c.arguments(e)
	return bad(e.Range())
}

// unknownFunction reports a call of what there is not, and what is wrong with
// its arguments where what was probably meant would take them.
func (c *compiler) unknownFunction(e *hclsyntax.FunctionCallExpr) {
	best := nearest(e.Name, c.functionNames())
	if c.agg != nil && aggregatesElsewhere[strings.ToLower(e.Name)] != "" {
		best = aggregatesElsewhere[strings.ToLower(e.Name)]
	}
	c.problem(e.NameRange, "unknown function "+e.Name, SuggestFunction(e.Name, best))
	per := c.per
	c.per = per || c.agg != nil && aggregate.Find(best) != nil
	c.arguments(e)
	c.per = per
}

func (c *compiler) functionNames() []string {
	var names []string
	for _, f := range function.All {
		names = append(names, f.Name)
	}
	for ctx := c.scope.Start; ctx != nil; ctx = ctx.Parent() {
		for name := range ctx.Functions {
			names = append(names, name)
		}
	}
	if c.agg != nil {
		for _, f := range aggregate.All {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// startCall lets HCL compute a function that there is at the start-up only.
func (c *compiler) startCall(e *hclsyntax.FunctionCallExpr) *node {
	for _, t := range e.Variables() {
		if c.perEvent(t.RootName()) {
			c.problem(e.Range(), e.Name+" works at start-up, and nothing of the event can be in its arguments", "")
			return bad(e.Range())
		}
	}
	if !c.startFunction(e.Name) {
		c.problem(e.NameRange, e.Name+" cannot be used here", "")
		return bad(e.Range())
	}
	return c.fold(e)
}

// perEvent reports whether the values of a name are known per event only.
func (c *compiler) perEvent(root string) bool {
	return slices.Contains(c.scope.Roots, root) || slices.Contains(c.scope.Vars, root) || c.isLocal(root)
}

// arguments compiles all arguments of a call, so that their mistakes are found.
func (c *compiler) arguments(e *hclsyntax.FunctionCallExpr) []*node {
	args := make([]*node, len(e.Args))
	for i, a := range e.Args {
		args[i] = c.compile(a)
	}
	return args
}

// countProblem says what is wrong with the number of arguments; "" is nothing.
// open means that a list of further ones follows.
func countProblem(f *function.Function, n int, open bool) string {
	least, most := f.Arity()
	if n < least && !open || most >= 0 && n > most {
		return fmt.Sprintf("%s takes %s, not %d", f.Name, function.Arguments(least, most), n)
	}
	return ""
}

// callOf compiles a call of a function of the table.
func (c *compiler) callOf(f *function.Function, e *hclsyntax.FunctionCallExpr) *node {
	args := c.arguments(e)
	written := len(args)
	if e.ExpandFinal {
		written--
	}
	if problem := countProblem(f, written, e.ExpandFinal); problem != "" {
		c.problem(e.Range(), problem, "")
		return bad(e.Range())
	}
	n := of(e.Range(), f.Returns, nil)
	if f.Volatile {
		n.uses = evaluation
	}
	ok := true
	for i, a := range args[:written] {
		p := f.Param(i)
		if a.can&p.Kinds == 0 && a.can != flow.OfNull {
			hint := ""
			if c.agg != nil && aggregate.Find(e.Name) != nil {
				hint = "this is the ordinary function, since its argument comes from an aggregate; aggregates cannot stand in each other"
			}
			c.mismatch(a.rng, fmt.Sprintf("%s takes %s here, and this is %s", e.Name, p.Kinds, a.can), hint)
			ok = false
		}
		if a.can&flow.OfNull != 0 && !p.Null {
			n.can |= flow.OfNull
		}
	}
	if !ok {
		return bad(e.Range())
	}
	switch {
	case e.ExpandFinal:
		n.can |= flow.OfNull
		n.eval = expanded(n, f, args)
	default:
		ready, ok := c.prepared(f, args, e.Range())
		if !ok {
			return bad(e.Range())
		}
		n.eval = direct(n, f, ready, args)
	}
	n.peek = n.eval
	return c.settle(n, 0, args...)
}

// prepared lets a function make ready what follows from constant arguments.
func (c *compiler) prepared(f *function.Function, args []*node, rng hcl.Range) (*function.Function, bool) {
	if f.Prepare == nil {
		return f, true
	}
	constants := make([]*flow.Value, len(args))
	var known []*node
	secret := false
	for i, a := range args {
		if constants[i] = a.konst; a.konst == nil {
			continue
		}
		if a.konst.IsNull() && !f.Param(i).Null {
			return f, true // it is never called
		}
		known = append(known, a)
		secret = secret || a.secret
	}
	if len(known) == 0 {
		return f, true
	}
	special, err := f.Prepare(constants)
	if err != nil {
		if len(known) == 1 {
			rng = known[0].rng
		}
		if secret {
			err = errSecret
		}
		c.mismatch(rng, err.Error(), "")
		return nil, false
	}
	if special == nil {
		return f, true
	}
	return special, true
}

// argument returns what evaluates n and checks that it is what p takes, or
// null.
func argument(name string, n *node, p *function.Param) evaluate {
	takes := p.Kinds
	get := n.peek
	if takes&(flow.OfList|flow.OfMap) != 0 {
		get = n.eval
	}
	return func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		v, err := get(e, vars)
		if err == nil && !(takes | flow.OfNull).Has(v) {
			err = n.errorf("%s is %s, where %s takes %s", n.name(), v.Kinds(), name, takes)
		}
		return v, err
	}
}

// direct evaluates a call of f, by way of ready, whose arguments are all
// written out.
func direct(n *node, f, ready *function.Function, args []*node) evaluate {
	get := make([]evaluate, len(args))
	null := make([]bool, len(args)) // which arguments may be null
	for i, a := range args {
		p := f.Param(i)
		get[i], null[i] = argument(f.Name, a, p), p.Null
	}
	switch {
	case ready.Call1 != nil:
		return func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
			v, err := get[0](e, vars)
			if err != nil || v.IsNull() && !null[0] {
				return flow.NullValue, err
			}
			return n.placed(ready.Call1(v))
		}
	case ready.Call2 != nil:
		return func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
			v, err := get[0](e, vars)
			if err != nil || v.IsNull() && !null[0] {
				return flow.NullValue, err
			}
			w, err := get[1](e, vars)
			if err != nil || w.IsNull() && !null[1] {
				return flow.NullValue, err
			}
			return n.placed(ready.Call2(v, w))
		}
	}
	return func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		values := make([]flow.Value, len(get))
		for i, g := range get {
			v, err := g(e, vars)
			if err != nil || v.IsNull() && !null[i] {
				return flow.NullValue, err
			}
			values[i] = v
		}
		if ready.Call3 != nil {
			return n.placed(ready.Call3(values[0], values[1], values[2]))
		}
		return n.placed(ready.Call(values))
	}
}

// expanded evaluates a call whose last argument is a list of arguments.
func expanded(n *node, f *function.Function, args []*node) evaluate {
	last := len(args) - 1
	return func(e *flow.Event, vars []flow.Value) (flow.Value, error) {
		var values []flow.Value
		for i, a := range args {
			v, err := a.eval(e, vars)
			switch {
			case err != nil:
				return flow.NullValue, err
			case i < last:
				values = append(values, v)
			case v.Kind() != flow.List:
				return flow.NullValue, a.errorf("%s is %s, where ... needs a list of arguments", a.name(), v.Kinds())
			default:
				values = append(values, v.List()...)
			}
		}
		return n.placed(f.Invoke(values...))
	}
}
