package flows

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/flows/decode"
	"github.com/flowrun/flowrun/flows/source"
)

// sensitive is the mark that values of sensitive variables carry.
type sensitive struct{}

// inputs are the Inputs of a run, read.
type inputs struct {
	env    map[string]string
	values map[string][]given // by variable; the last one wins
}

// given is one value for a variable from outside the flow.
type given struct {
	from string         // how the user said it: "--var", "FLOWRUN_VAR_x"
	text string         // where expr is nil
	expr hcl.Expression // of a var-file
	at   hcl.Range
}

const envPrefix = "FLOWRUN_VAR_"

func readInputs(r *Report, in Inputs) *inputs {
	ins := &inputs{env: map[string]string{}, values: map[string][]given{}}
	add := func(name string, g given) { ins.values[name] = append(ins.values[name], g) }
	for _, e := range in.Env {
		name, value, _ := strings.Cut(e, "=")
		ins.env[name] = value
		if v, ok := strings.CutPrefix(name, envPrefix); ok && v != "" {
			add(v, given{from: name, text: value})
		}
	}
	for _, path := range in.VarFiles {
		readVarFile(r, path, add)
	}
	for _, v := range in.Vars {
		name, value, ok := strings.Cut(v, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			r.Errorf(source.NoPlace(""), "--var wants name=value")
			continue
		}
		add(name, given{from: "--var", text: value})
	}
	return ins
}

func readVarFile(r *Report, path string, add func(string, given)) {
	shown := source.ShownPath(path)
	src, err := source.Read(path)
	if err != nil {
		r.Errorf(source.NoPlace(""), "cannot read the --var-file %s: %v", shown, err)
		return
	}
	body := r.Parse(shown, src, filepath.Ext(path) == ".json")
	if body == nil {
		return
	}
	arguments, diags := body.JustAttributes()
	r.HCL(diags)
	for name, a := range arguments {
		add(name, given{from: "--var-file " + shown, expr: a.Expr, at: a.Range})
	}
}

// variable is one `variable` block with the value that it has in this run.
type variable struct {
	source.Region
	typ         cty.Type
	defaults    *typeexpr.Defaults
	typed       bool
	preset      *source.Argument // default
	meant       bool             // something is there that was probably meant to be default
	sensitive   bool
	validations []source.Content
	from        string // where the value comes from
	value       cty.Value
}

// typeNames are the words that types are written with.
var typeNames = []string{"any", "bool", "list", "map", "number", "object", "set", "string", "tuple"}

var (
	variableContent   = source.Expected{Arguments: []string{"type", "default", "description", "sensitive"}, Blocks: map[string]int{"validation": 0}}
	validationContent = source.Expected{Arguments: []string{"condition", "error_message"}}
)

// declare reads the variable blocks; values come later.
func (r *reader) declare() {
	r.variables = map[string]*variable{}
	r.prepareStart()
	for _, b := range r.blocks["variable"] {
		name := b.Labels[0]
		b.Owner = "variable " + quote(name)
		if !r.validName(b, 0) {
			continue
		}
		if first := r.variables[name]; first != nil {
			r.twice(b, first.At)
			continue
		}
		c := r.Content(b.Region, variableContent)
		v := &variable{meant: c.Meant["default"], Region: b.Region, typ: cty.DynamicPseudoType, value: cty.DynamicVal}
		r.variables[name] = v
		if a, ok := c.Arguments["type"]; ok {
			typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
			v.typed = true
			switch word := hcl.ExprAsKeyword(a.Expr); {
			case !diags.HasErrors():
				v.typ, v.defaults = typ, defaults
			case word != "" && !slices.Contains(typeNames, word):
				r.Errorf(a.Expr.Range(), "there is no type %s", quote(word)).Hint("%s", source.DidYouMean(word, typeNames))
			default:
				r.HCL(diags)
			}
		}
		if a, ok := c.Arguments["default"]; ok {
			v.preset = &a
		}
		if a, ok := c.Arguments["sensitive"]; ok {
			if on, ok := r.constant(a, cty.Bool); ok {
				v.sensitive = on.True()
			}
		}
		if a, ok := c.Arguments["description"]; ok {
			r.constant(a, cty.String)
		}
		for _, inner := range c.Blocks {
			inner.Owner = "validation of " + b.Owner
			validation := r.Content(inner.Region, validationContent)
			r.Require(inner.Region, validation, "condition", "error_message")
			v.validations = append(v.validations, validation)
		}
	}
}

// constant evaluates an argument that describes the flow rather than its run.
func (r *reader) constant(a source.Argument, want cty.Type) (cty.Value, bool) {
	if len(a.Expr.Variables()) > 0 {
		r.Errorf(a.Expr.Range(), "%s must be written out: it may not refer to anything", a.Name)
		return cty.NilVal, false
	}
	v, diags := a.Expr.Value(nil)
	if r.HCL(diags); diags.HasErrors() {
		return cty.NilVal, false
	}
	v, err := convert.Convert(v, want)
	if err != nil || v.IsNull() || !v.IsKnown() {
		r.Errorf(a.Expr.Range(), "%s wants %s", a.Name, decode.DescribeType(want))
		return cty.NilVal, false
	}
	return v, true
}

// setVariables gives each variable its value; one that has none stays unknown,
// so that what depends on it is passed over.
func (r *reader) setVariables() {
	all := map[string]cty.Value{}
	for name, v := range r.variables {
		if value, ok := r.valueOf(name, v); ok {
			v.value = value
			if v.sensitive {
				v.value = value.Mark(sensitive{})
				r.hideValue(value)
			}
		}
		all[name] = v.value
	}
	r.start.Variables["var"] = cty.ObjectVal(all)
}

func (r *reader) valueOf(name string, v *variable) (cty.Value, bool) {
	if v.sensitive && v.preset != nil {
		r.Hide(v.preset.Expr.Range())
	}
	values := r.inputs.values[name]
	if v.sensitive {
		for _, g := range values {
			r.HideText(g.text)
			if g.expr != nil {
				r.Hide(g.expr.Range())
			}
		}
	}
	var preset cty.Value
	ok := false
	if v.preset != nil { // checked even when another value wins
		v.from = "its default"
		if len(v.preset.Expr.Variables()) > 0 {
			r.Errorf(v.preset.Expr.Range(), "a default must be written out: it may not refer to anything").Hint("use a local for what depends on variables")
		} else if preset, ok = r.Evaluate(v.preset.Expr, "a default"); ok {
			preset, ok = r.conform(preset, v, v.preset.Expr.Range())
		}
	}
	if len(values) == 0 {
		if v.preset == nil && !v.meant {
			r.Errorf(v.At, "%s has no value", v.Owner).Hint("give it with --var %s=…, in a --var-file, as %s%s, or write a default", name, envPrefix, name)
		}
		return preset, ok
	}
	g := values[len(values)-1]
	v.from = g.from
	value, at := cty.StringVal(g.text), v.At
	switch {
	case g.expr != nil:
		var diags hcl.Diagnostics
		at = g.expr.Range()
		if value, diags = g.expr.Value(nil); diags.HasErrors() {
			r.HCL(diags)
			return preset, false
		}
	case v.typed && !v.typ.IsPrimitiveType():
		if value, ok = r.expressionText(v, g); !ok {
			return preset, false
		}
	}
	return r.conform(value, v, at)
}

// expressionText reads a list or an object that was given as text.
func (r *reader) expressionText(v *variable, g given) (cty.Value, bool) {
	tokens, _ := hclsyntax.LexExpression([]byte(g.text), g.from, hcl.InitialPos)
	if _, deep := source.TooDeep(tokens); !deep {
		expr, diags := hclsyntax.ParseExpression([]byte(g.text), g.from, hcl.InitialPos)
		if !diags.HasErrors() {
			if value, diags := expr.Value(nil); !diags.HasErrors() {
				return value, true
			}
		}
	}
	r.Errorf(v.At, "%s wants %s, and got none from %s", v.Owner, decode.DescribeType(v.typ), g.from).
		Hint(`lists and objects are written as in a flow: ["a", "b"], { a = 1 }; strings in them are quoted`)
	return cty.NilVal, false
}

// conform converts a value to the type of its variable.
func (r *reader) conform(value cty.Value, v *variable, at hcl.Range) (cty.Value, bool) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	converted, err := convert.Convert(value, v.typ)
	if err != nil {
		if path, ok := err.(cty.PathError); ok && len(path.Path) > 0 { //nolint:errorlint // convert returns it bare
			r.Errorf(at, "%s: %s, in the value from %s, at %s", v.Owner, path.Error(), v.from, strings.TrimPrefix(formatPath(path.Path), "."))
		} else {
			r.Errorf(at, "%s wants %s, and got %s from %s", v.Owner, decode.DescribeType(v.typ), decode.Describe(value), v.from)
		}
		return cty.NilVal, false
	}
	return converted, true
}

// validateVariables runs the validation blocks.
func (r *reader) validateVariables() {
	for _, v := range r.variables {
		for _, c := range v.validations {
			condition, ok := c.Arguments["condition"]
			if !ok {
				continue
			}
			value, ok := r.Evaluate(condition.Expr, "a condition")
			if !ok {
				continue
			}
			value, _ = value.UnmarkDeep()
			if value, err := convert.Convert(value, cty.Bool); err != nil || value.IsNull() {
				r.Errorf(condition.Expr.Range(), "the condition of %s must be true or false", v.Owner)
			} else if value.False() {
				r.Errorf(condition.Expr.Range(), "%s: %s", v.Owner, r.validationMessage(c)).Hint("the value is from %s", v.from)
			}
		}
	}
}

func (r *reader) validationMessage(c source.Content) string {
	const plain = "the value is not valid"
	a, ok := c.Arguments["error_message"]
	if !ok {
		return plain
	}
	text, ok := r.Evaluate(a.Expr, "an error_message")
	if !ok || text.ContainsMarked() || text.Type() != cty.String || text.IsNull() {
		return plain
	}
	return source.LowerFirst(text.AsString())
}

// hideValue keeps all strings and numbers in value out of the report.
func (r *reader) hideValue(value cty.Value) {
	value, _ = value.UnmarkDeep()
	_ = cty.Walk(value, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() || v.Type() == cty.Bool {
			return true, nil
		}
		if s, err := convert.Convert(v, cty.String); err == nil {
			r.HideText(s.AsString())
		}
		return true, nil
	})
}
