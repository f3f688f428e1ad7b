package flows

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/wiring"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// reference is a port of a component as it is written: connector.edge,
// connector.edge["ams"].err, connector.edge[*], module.audit. It is a name, not a
// value; only its key is evaluated.
type reference struct {
	at         hcl.Range
	kind, name string
	port       string         // the default where none is written
	key        hcl.Expression // of one instance
	all        bool           // of all instances
}

// standFor spells the ends inside a module as e, the port that stands for them.
func standFor(e wiring.End, inside []wiring.End) (list []wiring.End) {
	for _, x := range inside {
		list = append(list, wiring.End{PortRef: x.PortRef, At: e.At, Text: e.Text})
	}
	return list
}

func ports(ends []wiring.End) (refs []flowfile.PortRef) {
	for _, e := range ends {
		refs = append(refs, e.PortRef)
	}
	return refs
}

// expressions are the elements of an argument that holds one or a list of them.
func expressions(a source.Argument) []hcl.Expression {
	if exprs, diags := hcl.ExprList(a.Expr); !diags.HasErrors() {
		return exprs
	}
	return []hcl.Expression{a.Expr}
}

// ends reads an argument that holds one reference or a list of them.
func (r *reader) ends(a source.Argument) (list []wiring.End) {
	exprs := expressions(a)
	if len(exprs) == 0 {
		r.Errorf(a.Expr.Range(), "%s is empty", a.Name)
	}
	written := map[string]bool{}
	for _, e := range exprs {
		ref, ok := r.reference(e, a.Name)
		if !ok {
			continue
		}
		for _, x := range r.resolve(ref, a.Name) {
			if written[x.Text] {
				r.Errorf(x.At, "%s stands in %s twice", x.Text, a.Name)
			}
			list = append(list, x)
		}
		for _, x := range list {
			written[x.Text] = true
		}
	}
	return list
}

func defaultPort(argument string) string {
	if argument == "from" {
		return "out"
	}
	return "in"
}

// step is a part of a written reference.
type step struct {
	name string
	key  hcl.Expression
	all  bool
}

// steps takes a reference apart; ok is false when e is none.
func steps(e hcl.Expression) (list []step, ok bool) {
	if json.IsJSONExpression(e) {
		if e = inText(e); e == nil {
			return nil, false
		}
	}
	traverse := func(t hcl.Traversal) {
		for _, part := range t {
			switch part := part.(type) {
			case hcl.TraverseRoot:
				list = append(list, step{name: part.Name})
			case hcl.TraverseAttr:
				list = append(list, step{name: part.Name})
			case hcl.TraverseIndex:
				list = append(list, step{key: hcl.StaticExpr(part.Key, part.SrcRange)})
			}
		}
	}
	switch x := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		traverse(x.Traversal)
	case *hclsyntax.RelativeTraversalExpr:
		if list, ok = steps(x.Source); !ok {
			return nil, false
		}
		traverse(x.Traversal)
	case *hclsyntax.IndexExpr:
		if list, ok = steps(x.Collection); !ok {
			return nil, false
		}
		list = append(list, step{key: x.Key})
	case *hclsyntax.SplatExpr:
		behind, plain := steps(x.Each)
		if list, ok = steps(x.Source); !ok || !plain {
			return nil, false
		}
		list = append(append(list, step{all: true}), behind...)
	case *hclsyntax.AnonSymbolExpr: // what a splat goes over
	default:
		return nil, false
	}
	return list, true
}

// inText parses a reference in a JSON string; nil when there is none.
func inText(e hcl.Expression) hcl.Expression {
	v, _ := e.Value(nil)
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return nil
	}
	start := e.Range().Start
	start.Column++ // behind the quote
	start.Byte++
	text := []byte(v.AsString())
	tokens, _ := hclsyntax.LexExpression(text, e.Range().Filename, start)
	if _, deep := source.TooDeep(tokens); deep {
		return nil
	}
	parsed, diags := hclsyntax.ParseExpression(text, e.Range().Filename, start)
	if diags.HasErrors() {
		return nil
	}
	return parsed
}

// reference reads an element of the argument from, via or to.
func (r *reader) reference(e hcl.Expression, argument string) (ref reference, ok bool) {
	ref.at = e.Range()
	parts, ok := steps(e)
	if !ok || parts[0].name == "" {
		like := "connector.edge"
		if argument == "via" {
			like = "pipeline.slim"
		}
		p := r.Errorf(ref.at, "%s wants a reference, like %s", argument, like)
		if v, diags := e.Value(nil); !diags.HasErrors() && looksLikeReference(v) {
			p.Hint("write it without quotes")
		}
		return ref, false
	}
	ref.kind = parts[0].name
	if ref.kind != "connector" && ref.kind != "pipeline" && ref.kind != "module" {
		r.Errorf(ref.at, "%q is no reference: %s wants %s", ref.kind, argument, wanted[argument]).
			Hint("%s", r.suggestReference(ref.kind, parts[1:]))
		return ref, false
	}
	rest := parts[1:]
	if len(rest) > 0 && rest[0].name != "" {
		ref.name, rest = rest[0].name, rest[1:]
		if len(rest) > 0 && rest[0].name == "" {
			ref.key, ref.all, rest = rest[0].key, rest[0].all, rest[1:]
		}
	}
	if ref.port = defaultPort(argument); len(rest) > 0 {
		ref.port, rest = rest[0].name, rest[1:]
	}
	if ref.name == "" || ref.port == "" || len(rest) > 0 {
		r.Errorf(ref.at, "a reference is %s.<name> or %s.<name>.<port>", ref.kind, ref.kind)
		return ref, false
	}
	return ref, true
}

// wanted says what an argument refers to.
var wanted = map[string]string{
	"from": "connector.<name>, pipeline.<name> or module.<name>",
	"to":   "connector.<name>, pipeline.<name> or module.<name>",
	"via":  "pipeline.<name> or module.<name>",
}

// suggestReference guesses what from = edge or from = conector.edge meant.
func (r *reader) suggestReference(kind string, rest []step) string {
	name, alone := kind, len(rest) == 0
	if !alone {
		name = rest[0].name
	}
	for _, k := range r.kindsOf(name) {
		if alone || k == "connector" {
			return "did you mean " + k + "." + name + "?"
		}
	}
	if best := source.Nearest(kind, []string{"connector", "pipeline", "module"}); best != "" && name != "" && !alone {
		return "did you mean " + best + "." + name + "?"
	}
	return ""
}

// kindsOf lists the kinds of blocks that have the name.
func (r *reader) kindsOf(name string) (kinds []string) {
	if r.connectors[name] != nil {
		kinds = append(kinds, "connector")
	}
	if r.pipelines[name] != nil {
		kinds = append(kinds, "pipeline")
	}
	if r.modules[name] != nil {
		kinds = append(kinds, "module")
	}
	return kinds
}

func looksLikeReference(v cty.Value) bool {
	if v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
		return false
	}
	kind, name, _ := strings.Cut(v.AsString(), ".")
	name, _, _ = strings.Cut(name, ".")
	return (kind == "connector" || kind == "pipeline" || kind == "module") && hclsyntax.ValidIdentifier(name)
}
