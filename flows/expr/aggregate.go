package expr

import (
	"fmt"
	"slices"

	"github.com/flowrun/flowrun/flows/expr/aggregate"
	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// CompileAggregate is Compile for an expression over many events. The calls of
// aggregates in it are evaluated per event; what stands around them is computed
// at the end, from their results and the values of scope.Vars.
func CompileAggregate(e hcl.Expression, scope Scope) (flow.Aggregate, hcl.Diagnostics) {
	c := &compiler{scope: scope, slots: len(scope.Vars), agg: &aggregates{}}
	n := c.root(e)
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	c.agg.expression = expression{n: n, given: len(scope.Vars), slots: c.slots, print: scope.Fingerprint}
	c.agg.calls, c.agg.argText = nil, nil
	return c.agg, c.diags
}

// aggregates is a compiled expression over many events.
type aggregates struct {
	expression
	args    []*node        // what is evaluated per event
	room    bool           // they have variables in them
	uses    []aggregateUse // each with a State per group
	calls   map[string]int // place in uses, by what is called
	argText map[string]int // place in args, by what is evaluated
}

// aggregateUse is a call of an aggregate. Equal calls are one.
type aggregateUse struct {
	aggregate.Call
	n    *node
	arg  int // place in args; -1 for none
	slot int // of the result
}

// New returns an accumulator.
func (a *aggregates) New() flow.Accumulator {
	return &accumulator{of: a, states: make([]aggregate.State, len(a.uses))}
}

// accumulator is what an expression has seen of one group.
type accumulator struct {
	of     *aggregates
	states []aggregate.State
}

func (a *accumulator) Add(e *flow.Event) error {
	var (
		few  [8]aggregate.Input
		vars []flow.Value
	)
	inputs := few[:0]
	if a.of.room {
		vars = make([]flow.Value, a.of.slots)
	}
	for _, arg := range a.of.args {
		v, err := arg.eval(e, vars)
		if err != nil {
			return err
		}
		inputs = append(inputs, aggregate.Read(v))
	}
	for i := range a.of.uses {
		if u := &a.of.uses[i]; u.arg >= 0 {
			if err := u.Check(&a.states[i], &inputs[u.arg]); err != nil {
				return u.n.errorf("%w", err)
			}
		}
	}
	for i := range a.of.uses {
		if u := &a.of.uses[i]; u.arg >= 0 {
			u.Add(&a.states[i], &inputs[u.arg])
		} else {
			a.states[i].Count()
		}
	}
	return nil
}

func (a *accumulator) Merge(other flow.Accumulator) {
	later := other.(*accumulator) //nolint:forcetypeassert // of the same Aggregate
	for i := range a.of.uses {
		a.of.uses[i].Merge(&a.states[i], &later.states[i])
	}
}

func (a *accumulator) Value(vars ...flow.Value) (flow.Value, error) {
	frame := make([]flow.Value, a.of.slots)
	copy(frame[:a.of.given], vars)
	for i := range a.of.uses {
		u := &a.of.uses[i]
		v, err := u.n.placed(u.Value(&a.states[i]))
		if err != nil {
			return v, err
		}
		frame[u.slot] = v
	}
	return a.of.n.eval(&flow.Event{}, frame)
}

func (a *accumulator) Items() int {
	n := 0
	for i := range a.states {
		n += a.states[i].Items()
	}
	return n
}

// aggregateNames are the aggregates, for people.
const aggregateNames = "count, sum, avg, min, max, stdev, quantile, first, last, collect or distinct"

// isAggregate tells an aggregate from the function of the same name: min, max,
// sum and distinct are aggregates where they have one argument, which is per
// event.
func (c *compiler) isAggregate(e *hclsyntax.FunctionCallExpr) bool {
	if c.agg == nil || aggregate.Find(e.Name) == nil {
		return false
	}
	if function.Find(e.Name) == nil {
		return true
	}
	if c.per || len(e.Args) > 1 && aggregate.Find(e.Name).Second == aggregate.None {
		return false
	}
	for _, a := range e.Args {
		w := &ofEvents{c: c}
		if _ = hclsyntax.Walk(a, w); w.found {
			return true
		}
	}
	return false
}

// ofEvents looks for something per event that is in no aggregate.
type ofEvents struct {
	c      *compiler
	inside int // aggregates around
	found  bool
}

// Enter is called before the parts of n.
func (w *ofEvents) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.FunctionCallExpr:
		if w.c.isAggregate(n) {
			w.inside++
		}
	case *hclsyntax.ScopeTraversalExpr:
		root := n.Traversal.RootName()
		w.found = w.found || w.inside == 0 && slices.Contains(eventRoots, root) && !w.c.isLocal(root)
	}
	return nil
}

// Exit is called after them.
func (w *ofEvents) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && w.c.isAggregate(call) {
		w.inside--
	}
	return nil
}

// aggregate compiles a call of an aggregate to the place of its result.
func (c *compiler) aggregate(e *hclsyntax.FunctionCallExpr) *node {
	f := aggregate.Find(e.Name)
	n := of(e.Range(), f.Returns, nil)
	n.uses = evaluation
	use := aggregateUse{Call: aggregate.Call{Function: f}, n: n, arg: -1}
	if c.per {
		c.problem(e.NameRange, e.Name+" is an aggregate, and these cannot stand in each other", "")
		return bad(e.Range())
	}
	if !c.aggregateCount(f, e) {
		return bad(e.Range())
	}
	ok := true
	if len(e.Args) > 1 {
		ok = c.second(&use, e.Args[1])
	}
	if len(e.Args) > 0 {
		ok = c.eachEvent(&use, e.Args[0]) && ok
	}
	if !ok {
		return bad(e.Range())
	}
	key := fmt.Sprint(e.Name, use.arg, use.Share, use.Limit)
	place, there := c.agg.calls[key]
	if !there {
		if c.agg.calls == nil {
			c.agg.calls = map[string]int{}
		}
		place = len(c.agg.uses)
		c.agg.calls[key] = place
		use.slot = c.newVariable("").slot
		c.agg.uses = append(c.agg.uses, use)
	}
	slot := c.agg.uses[place].slot
	n.eval = func(_ *flow.Event, vars []flow.Value) (flow.Value, error) { return vars[slot], nil }
	n.peek = n.eval
	return n
}

func (c *compiler) aggregateCount(f *aggregate.Function, e *hclsyntax.FunctionCallExpr) bool {
	least, most := 1, 1
	switch {
	case f.Optional:
		least = 0
	case f.Second == aggregate.Share:
		least, most = 2, 2
	case f.Second == aggregate.Limit:
		most = 2
	}
	switch n := len(e.Args); {
	case e.ExpandFinal:
		c.problem(e.Range(), e.Name+" takes its arguments one by one", "")
	case n < least || n > most:
		c.problem(e.Range(), fmt.Sprintf("%s takes %s here, not %d", e.Name, function.Arguments(least, most), n), "as in "+f.Example)
	default:
		return true
	}
	return false
}

// second reads the second argument, a constant.
func (c *compiler) second(use *aggregateUse, e hclsyntax.Expression) bool {
	n := c.compile(e)
	switch {
	case n.konst == nil && !slices.ContainsFunc(e.Variables(), func(t hcl.Traversal) bool { return c.perEvent(t.RootName()) }):
		return true // it cannot be computed, which is reported where it comes from
	case use.Second == aggregate.Share && n.konst != nil && n.konst.IsNumber() && n.konst.Float() >= 0 && n.konst.Float() <= 1:
		use.Share = n.konst.Float()
		return true
	case use.Second == aggregate.Share:
		c.problem(n.rng, "quantile takes a number from 0 to 1 here, which is known at start-up", "as in "+use.Example)
		return false
	case n.konst != nil && n.konst.Int() > 0 && n.konst.Int() < 1<<31:
		use.Limit = int(n.konst.Int())
		return true
	}
	c.problem(n.rng, use.Name+" takes a whole number above 0 here, which is known at start-up", "as in "+use.Example)
	return false
}

// eachEvent compiles what an aggregate is given per event.
func (c *compiler) eachEvent(use *aggregateUse, e hclsyntax.Expression) bool {
	text := spellTree(e)
	hidden := slices.ContainsFunc(e.Variables(), func(t hcl.Traversal) bool { return c.isLocal(t.RootName()) })
	if place, there := c.agg.argText[text]; there && !hidden {
		use.arg = place
		return c.addable(use, c.agg.args[place])
	}
	slots := c.slots
	c.per = true
	n := c.compile(e)
	c.per = false
	c.agg.room = c.agg.room || c.slots > slots
	if c.agg.argText == nil {
		c.agg.argText = map[string]int{}
	}
	use.arg = len(c.agg.args)
	c.agg.argText[text] = use.arg
	c.agg.args = append(c.agg.args, n)
	return c.addable(use, n)
}

// addable reports an argument that can never be added.
func (c *compiler) addable(use *aggregateUse, n *node) bool {
	if n.can&use.Takes != 0 || n.can == flow.OfNull {
		return true
	}
	c.mismatch(n.rng, fmt.Sprintf("%s takes %s here, and this is %s", use.Name, use.Takes, n.can), "as in "+use.Example)
	return false
}
