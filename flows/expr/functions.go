package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// function is one that works on values of the event. It is called with
// arguments of the kinds in args and never null.
type function struct {
	args  []kinds
	can   kinds
	call1 func(flow.Value) flow.Value
	call2 func(v, w flow.Value) (flow.Value, error)
}

var functions = map[string]*function{
	"length": {args: []kinds{isText | isBytes | isList | isMap}, can: isNumber, call1: length},
	"lower":  {args: []kinds{isText}, can: isText, call1: func(v flow.Value) flow.Value { return flow.TextOf(strings.ToLower(v.Text())) }},
	"upper":  {args: []kinds{isText}, can: isText, call1: func(v flow.Value) flow.Value { return flow.TextOf(strings.ToUpper(v.Text())) }},
	"startswith": {args: []kinds{isText, isText}, can: isBool, call2: func(v, w flow.Value) (flow.Value, error) {
		return flow.BoolOf(strings.HasPrefix(v.Text(), w.Text())), nil
	}},
	"endswith": {args: []kinds{isText, isText}, can: isBool, call2: func(v, w flow.Value) (flow.Value, error) {
		return flow.BoolOf(strings.HasSuffix(v.Text(), w.Text())), nil
	}},
	"contains": {args: []kinds{isText | isList, anything}, can: isBool, call2: contains},
}

func length(v flow.Value) flow.Value {
	n := 0
	switch v.Kind() {
	case flow.Text:
		n = utf8.RuneCountInString(v.Text())
	case flow.Bytes:
		n = len(v.Bytes())
	case flow.List:
		n = len(v.List())
	case flow.Map:
		n = v.Object().Len()
	}
	return flow.IntOf(int64(n))
}

func contains(v, w flow.Value) (flow.Value, error) {
	if v.Kind() == flow.Text {
		if w.Kind() != flow.Text {
			return flow.NullValue, fmt.Errorf("contains looks for a string in a string, not for %s", kindOf(w))
		}
		return flow.BoolOf(strings.Contains(v.Text(), w.Text())), nil
	}
	for _, x := range v.List() {
		if x.Equal(w) {
			return flow.BoolOf(true), nil
		}
	}
	return flow.BoolOf(false), nil
}

// call compiles a function call.
func (c *compiler) call(e *hclsyntax.FunctionCallExpr) *node {
	switch f := functions[e.Name]; {
	case e.ExpandFinal && (f != nil || c.perEvent(e)):
		c.problem(e.Range(), "not in this version yet: a list as the last arguments (...)", "")
	case e.Name == "has":
		return c.has(e)
	case e.Name == "coalesce":
		return c.coalesce(e)
	case f != nil:
		return c.callOf(f, e)
	case !c.perEvent(e) && !everChanging[e.Name]:
		return c.fold(e)
	default:
		c.unknownFunction(e)
	}
	c.arguments(e)
	return bad(e.Range())
}

// arguments compiles all arguments of a call, so that their mistakes are found.
func (c *compiler) arguments(e *hclsyntax.FunctionCallExpr) []*node {
	args := make([]*node, len(e.Args))
	for i, a := range e.Args {
		args[i] = c.compile(a)
	}
	return args
}

func (c *compiler) callOf(f *function, e *hclsyntax.FunctionCallExpr) *node {
	args := c.arguments(e)
	if len(args) != len(f.args) {
		c.problem(e.Range(), fmt.Sprintf("%s takes %s, not %d", e.Name, count(len(f.args), "argument"), len(args)), "")
		return bad(e.Range())
	}
	get := make([]func(*flow.Event) (flow.Value, error), len(args))
	wrong := false
	for i, a := range args {
		if a.can&(f.args[i]|isNull) == 0 {
			c.problem(a.rng, fmt.Sprintf("%s takes %s here, and this is %s", e.Name, f.args[i], a.can), "")
			wrong = true
		}
		get[i] = argument(e.Name, a, f.args[i])
	}
	if wrong {
		return bad(e.Range())
	}
	n := of(e.Range(), f.can|isNull, nil, nil)
	if f.call1 != nil {
		n.eval = func(e *flow.Event) (flow.Value, error) {
			v, err := get[0](e)
			if err != nil || v.IsNull() {
				return flow.NullValue, err
			}
			return f.call1(v), nil
		}
	} else {
		n.eval = func(e *flow.Event) (flow.Value, error) {
			v, err := get[0](e)
			if err != nil || v.IsNull() {
				return flow.NullValue, err
			}
			w, err := get[1](e)
			if err != nil || w.IsNull() {
				return flow.NullValue, err
			}
			v, err = f.call2(v, w)
			if err != nil {
				return flow.NullValue, n.errorf("%w", err)
			}
			return v, nil
		}
	}
	n.peek = n.eval
	return c.settle(n, args...)
}

// argument returns what evaluates n and checks that it is of the kinds that
// name takes, or null.
func argument(name string, n *node, takes kinds) func(*flow.Event) (flow.Value, error) {
	get := n.peek
	if takes&(isList|isMap) != 0 {
		get = n.eval
	}
	return func(e *flow.Event) (flow.Value, error) {
		v, err := get(e)
		if err == nil && !(takes | isNull).has(v) {
			err = n.errorf("%s is %s, where %s takes %s", n.name(), n.kindName(e, v), name, takes)
		}
		return v, err
	}
}

func (c *compiler) has(e *hclsyntax.FunctionCallExpr) *node {
	args := c.arguments(e)
	if len(args) != 1 || args[0].path == nil {
		if !c.diags.HasErrors() {
			c.problem(e.Range(), "has takes one path, like has(event.user.name)", "")
		}
		return bad(e.Range())
	}
	p := args[0].path
	return conditional(e, func(e *flow.Event) (bool, error) { return p.has(e), nil })
}

func (c *compiler) coalesce(e *hclsyntax.FunctionCallExpr) *node {
	args := c.arguments(e)
	if len(args) == 0 {
		c.problem(e.Range(), "coalesce takes at least one argument", "")
		return bad(e.Range())
	}
	can := isNull
	for _, a := range args {
		can |= a.can
	}
	first := func(get func(*node, *flow.Event) (flow.Value, error)) func(*flow.Event) (flow.Value, error) {
		return func(e *flow.Event) (flow.Value, error) {
			for _, a := range args {
				v, err := get(a, e)
				if err != nil || !v.IsNull() && (v.Kind() != flow.Text || v.Text() != "") {
					return v, err
				}
			}
			return flow.NullValue, nil
		}
	}
	n := of(e.Range(), can, nil, first(func(a *node, e *flow.Event) (flow.Value, error) { return a.eval(e) }))
	n.peek = first(func(a *node, e *flow.Event) (flow.Value, error) { return a.peek(e) })
	return c.settle(n, args...)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
