package flows

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

var (
	startRoots = []string{"var", "local", "node"}
	eventRoots = []string{"event", "meta", "peer"}
	laterRoots = []string{"each", "topic", "group", "window"}
	blockRoots = []string{"connector", "pipeline", "codec", "preprocessor", "postprocessor", "module"}
)

// prepareStart makes what start-up expressions may use.
func (r *reader) prepareStart() {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	r.start = &hcl.EvalContext{
		Variables: map[string]cty.Value{
			"var":   cty.EmptyObjectVal,
			"local": cty.EmptyObjectVal,
			"node":  cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(host)}),
		},
		Functions: functions(r.dir, r.inputs.env),
	}
}

// position tells when an expression is computed.
type position int

const (
	atStart  position = iota // read once, at the start
	perEvent                 // computed for each event
)

// Evaluate computes a start-up expression; what names its position for the
// report. A value that is not known because of another problem gives false
// without a word.
func (r *reader) Evaluate(e hcl.Expression, what string) (cty.Value, bool) {
	if !r.checkNamesIn(e, what, atStart) {
		return cty.NilVal, false
	}
	v, diags := e.Value(r.start)
	r.problems(e, diags)
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return cty.NilVal, false
	}
	if v.ContainsMarked() {
		r.hideValue(v)
	}
	return v, true
}

// problems reports what package hcl says of an expression; not its words where
// they may quote a secret, or what was made of one.
func (r *reader) problems(e hcl.Expression, diags hcl.Diagnostics) {
	secret := slices.ContainsFunc(e.Variables(), func(t hcl.Traversal) bool {
		if v := r.variables[member(t)]; v != nil && t.RootName() == "var" {
			return v.sensitive
		}
		l := r.locals[member(t)]
		return l != nil && t.RootName() == "local" && l.value.ContainsMarked()
	})
	if !secret {
		r.HCL(diags)
		return
	}
	for _, d := range diags {
		if d.EvalContext == nil { // about the text alone, not about values
			r.HCL(hcl.Diagnostics{d})
			continue
		}
		at := e.Range()
		if d.Subject != nil {
			at = *d.Subject
		}
		r.Errorf(at, "this cannot be computed; why is not shown, since a sensitive value is in it")
	}
}

// Compile compiles a per-event expression. vars are the names that it may use
// beside those of every event.
func (r *reader) Compile(e hcl.Expression, what string, vars []string) (flow.Expr, bool) {
	return compile(r, e, what, vars, expr.Compile)
}

// CompileAggregate compiles an expression over many events.
func (r *reader) CompileAggregate(e hcl.Expression, what string, vars []string) (flow.Aggregate, bool) {
	return compile(r, e, what, vars, expr.CompileAggregate)
}

// compile calls a compiler. Where names in the expression mean nothing, the
// rest is looked at all the same, and told where nothing has been said yet.
func compile[X any](r *reader, e hcl.Expression, what string, vars []string, with func(hcl.Expression, expr.Scope) (X, hcl.Diagnostics)) (X, bool) {
	known := r.checkNamesIn(e, what, perEvent, vars...)
	compiled, diags := with(e, expr.Scope{Start: r.start, Roots: eventRoots, Vars: vars, Condition: what == "where"})
	if !known {
		diags = slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool { return d.Subject == nil || r.Told(*d.Subject) })
	}
	r.problems(e, diags)
	return compiled, known && !diags.HasErrors()
}

// checkNamesIn checks each name that e refers to, and reports all that mean
// nothing where e stands. At the start it is false as well when a name is
// known but its value is not. vars are names that this position has beside the
// usual ones.
func (r *reader) checkNamesIn(e hcl.Expression, what string, pos position, vars ...string) bool {
	ok := true
	for _, t := range e.Variables() {
		root, at := t.RootName(), t.SourceRange()
		switch {
		case slices.Contains(vars, root):
		case root == "var":
			ok = checkMember(r, t, r.variables, func(v *variable) bool { return pos == perEvent || v.value.IsWhollyKnown() }) && ok
		case root == "local":
			ok = checkMember(r, t, r.locals, func(l *local) bool { return pos == perEvent || l.value.IsWhollyKnown() }) && ok
		case root == "node":
			if name := member(t); name != "name" {
				r.Errorf(at, "node has no %q", name).Hint("there is node.name")
				ok = false
			}
		case slices.Contains(eventRoots, root) && pos == perEvent:
		case slices.Contains(eventRoots, root):
			r.Errorf(at, "%s is known per event only, and %s is read once, at the start", root, what).
				Hint("here stand %s and functions", strings.Join(startRoots, ", "))
			ok = false
		case slices.Contains(laterRoots, root):
			r.Errorf(at, "%s is %s", root, source.NotYet)
			ok = false
		case slices.Contains(blockRoots, root):
			r.Errorf(at, "a reference to a %s cannot stand in %s", root, what)
			ok = false
		default:
			r.unknownRoot(t, pos)
			ok = false
		}
	}
	return r.checkFunctions(e, pos) && ok
}

func (r *reader) unknownRoot(t hcl.Traversal, pos position) {
	root := t.RootName()
	roots := startRoots
	if pos == perEvent {
		roots = slices.Concat(eventRoots, startRoots)
	}
	p := r.Errorf(t.SourceRange(), "there is no %q here", root)
	best := source.Nearest(root, roots)
	switch {
	case best != "":
		p.Hint("did you mean %q?", best)
	case len(t) == 1:
		p.Hint("a text stands in quotes: %q", root)
	default:
		p.Hint("here stand %s and functions", strings.Join(roots, ", "))
	}
}

// member is the name behind the root of a reference, "" where there is none.
func member(t hcl.Traversal) string {
	if len(t) < 2 {
		return ""
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

func checkMember[T any](r *reader, t hcl.Traversal, members map[string]T, known func(T) bool) bool {
	name := member(t)
	if m, ok := members[name]; ok {
		return known(m)
	}
	root := t.RootName()
	kind := map[string]string{"var": "variable", "local": "local value"}[root]
	if name == "" {
		r.Errorf(t.SourceRange(), "%s needs a name: %s.<name>", root, root)
		return false
	}
	r.Errorf(t.SourceRange(), "there is no %s %q", kind, name).
		Hint("%s", source.DidYouMeanRef(name, root+".", sortedNames(members)))
	return false
}

// checkFunctions reports calls of functions that are not there. Those in JSON
// strings are seen by the evaluation alone; per event, the compiler knows.
func (r *reader) checkFunctions(e hcl.Expression, pos position) bool {
	node, native := e.(hclsyntax.Node)
	if !native || pos == perEvent {
		return true
	}
	ok := true
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		call, is := n.(*hclsyntax.FunctionCallExpr)
		if !is {
			return nil
		}
		if _, known := r.start.Functions[call.Name]; !known && slices.Contains(laterFunctions, call.Name) {
			r.Errorf(call.NameRange, "the function %s() is %s at the start", call.Name, source.NotYet)
			ok = false
		} else if !known {
			r.Errorf(call.NameRange, "there is no function %s()", call.Name).
				Hint("%s", suggestFunction(call.Name, slices.Collect(maps.Keys(r.start.Functions))))
			ok = false
		}
		return nil
	})
	return ok
}

func suggestFunction(given string, names []string) string {
	if best := source.Nearest(given, names); best != "" {
		return "did you mean " + best + "()?"
	}
	return ""
}

func formatPath(path cty.Path) string {
	var b strings.Builder
	for _, step := range path {
		switch s := step.(type) {
		case cty.GetAttrStep:
			b.WriteString("." + s.Name)
		case cty.IndexStep:
			if s.Key.Type() == cty.Number {
				fmt.Fprintf(&b, "[%s]", s.Key.AsBigFloat().Text('f', -1))
			} else if s.Key.Type() == cty.String {
				fmt.Fprintf(&b, "[%q]", s.Key.AsString())
			}
		}
	}
	return b.String()
}

func quote(s string) string { return strconv.Quote(s) }

func sortedNames[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
