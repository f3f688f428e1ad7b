package flows

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
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

func (r *Report) readInputs(in Inputs) *inputs {
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
		r.readVarFile(path, add)
	}
	for _, v := range in.Vars {
		name, value, ok := strings.Cut(v, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			r.errorf(noPlace(""), "--var wants name=value")
			continue
		}
		add(name, given{from: "--var", text: value})
	}
	return ins
}

func (r *Report) readVarFile(path string, add func(string, given)) {
	shown := shownPath(path)
	src, err := readSource(path)
	if err != nil {
		r.errorf(noPlace(""), "cannot read the --var-file %s: %v", shown, err)
		return
	}
	body := r.parseSource(shown, src, filepath.Ext(path) == ".json")
	if body == nil {
		return
	}
	arguments, diags := body.JustAttributes()
	r.hcl(diags)
	for name, a := range arguments {
		add(name, given{from: "--var-file " + shown, expr: a.Expr, at: a.Range})
	}
}

// checkInputs reports values that no flow asked for. The environment may hold
// any; a var-file may serve other flows too; a --var is a slip.
func (r *Report) checkInputs(ins *inputs, readers []*reader) {
	declared := map[string]bool{}
	for _, f := range readers {
		if f.broken {
			return
		}
		for name := range f.variables {
			declared[name] = true
		}
	}
	names := slices.Collect(maps.Keys(declared))
	for _, name := range slices.Sorted(maps.Keys(ins.values)) {
		for _, g := range ins.values[name] {
			switch {
			case declared[name]:
			case g.expr != nil:
				r.warnf(g.at, "no flow declares the variable %q", name).hint("%s", didYouMean(name, names))
			case g.from == "--var":
				r.errorf(noPlace(""), "--var %s: no flow declares the variable %q", name, name).hint("%s", didYouMean(name, names))
			}
		}
	}
}

// variable is one `variable` block with the value that it has in this run.
type variable struct {
	region
	typ         cty.Type
	defaults    *typeexpr.Defaults
	typed       bool
	preset      *argument // default
	sensitive   bool
	validations []content
	from        string // where the value comes from
	value       cty.Value
}

var (
	variableContent   = expected{arguments: []string{"type", "default", "description", "sensitive"}, blocks: map[string]int{"validation": 0}}
	validationContent = expected{arguments: []string{"condition", "error_message"}}
)

// declare reads the variable blocks; values come later.
func (r *reader) declare() {
	r.variables = map[string]*variable{}
	r.prepareStart()
	for _, b := range r.blocks["variable"] {
		name := b.labels[0]
		b.owner = "variable " + quote(name)
		if !r.validName(b, 0) {
			continue
		}
		if first := r.variables[name]; first != nil {
			r.twice(b, first.at)
			continue
		}
		c := r.content(b.region, variableContent)
		v := &variable{region: b.region, typ: cty.DynamicPseudoType, value: cty.DynamicVal}
		r.variables[name] = v
		if a, ok := c.arguments["type"]; ok {
			typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.expr)
			r.hcl(diags)
			if v.typed = true; !diags.HasErrors() {
				v.typ, v.defaults = typ, defaults
			}
		}
		if a, ok := c.arguments["default"]; ok {
			v.preset = &a
		}
		if a, ok := c.arguments["sensitive"]; ok {
			if on, ok := r.constant(a, cty.Bool); ok {
				v.sensitive = on.True()
			}
		}
		if a, ok := c.arguments["description"]; ok {
			r.constant(a, cty.String)
		}
		for _, inner := range c.blocks {
			inner.owner = "validation of " + b.owner
			v.validations = append(v.validations, r.required(inner.region, r.content(inner.region, validationContent), "condition", "error_message"))
		}
	}
}

// constant evaluates an argument that describes the flow rather than its run.
func (r *reader) constant(a argument, want cty.Type) (cty.Value, bool) {
	if len(a.expr.Variables()) > 0 {
		r.errorf(a.expr.Range(), "%s must be written out: it may not refer to anything", a.name)
		return cty.NilVal, false
	}
	v, diags := a.expr.Value(nil)
	if r.hcl(diags); diags.HasErrors() {
		return cty.NilVal, false
	}
	v, err := convert.Convert(v, want)
	if err != nil || v.IsNull() || !v.IsKnown() {
		r.errorf(a.expr.Range(), "%s wants %s", a.name, describeType(want))
		return cty.NilVal, false
	}
	return v, true
}

// required reports which of names c lacks and returns c.
func (r *Report) required(g region, c content, names ...string) content {
	for _, name := range names {
		if _, ok := c.arguments[name]; !ok {
			r.errorf(g.at, "%s needs the argument %s", g.owner, name)
		}
	}
	return c
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
		r.hide(v.preset.expr.Range())
	}
	values := r.inputs.values[name]
	if v.sensitive {
		for _, g := range values {
			r.hideText(g.text)
			if g.expr != nil {
				r.hide(g.expr.Range())
			}
		}
	}
	var preset cty.Value
	ok := false
	if v.preset != nil { // checked even when another value wins
		v.from = "its default"
		if len(v.preset.expr.Variables()) > 0 {
			r.errorf(v.preset.expr.Range(), "a default must be written out: it may not refer to anything").hint("use a local for what depends on variables")
		} else if preset, ok = r.evaluate(v.preset.expr, "a default"); ok {
			preset, ok = r.conform(preset, v, v.preset.expr.Range())
		}
	}
	if len(values) == 0 {
		if v.preset == nil {
			r.errorf(v.at, "%s has no value", v.owner).hint("give it with --var %s=…, in a --var-file, as %s%s, or write a default", name, envPrefix, name)
		}
		return preset, ok
	}
	g := values[len(values)-1]
	v.from = g.from
	value, at := cty.StringVal(g.text), v.at
	switch {
	case g.expr != nil:
		var diags hcl.Diagnostics
		at = g.expr.Range()
		if value, diags = g.expr.Value(nil); diags.HasErrors() {
			r.hcl(diags)
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
	if _, deep := deepToken(tokens); !deep {
		expr, diags := hclsyntax.ParseExpression([]byte(g.text), g.from, hcl.InitialPos)
		if !diags.HasErrors() {
			if value, diags := expr.Value(nil); !diags.HasErrors() {
				return value, true
			}
		}
	}
	r.errorf(v.at, "%s wants %s, and %s gives none", v.owner, describeType(v.typ), g.from).
		hint(`lists and objects are written as in a flow: ["a", "b"], { a = 1 }; strings in them are quoted`)
	return cty.NilVal, false
}

// conform converts a value to the type of its variable.
func (r *reader) conform(value cty.Value, v *variable, at hcl.Range) (cty.Value, bool) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	converted, err := convert.Convert(value, v.typ)
	if err != nil {
		p := r.errorf(at, "%s wants %s, and %s is %s", v.owner, describeType(v.typ), v.from, describeType(value.Type()))
		if path, ok := err.(cty.PathError); ok && len(path.Path) > 0 { //nolint:errorlint // convert returns it bare
			p.hint("%s: %s", strings.TrimPrefix(formatPath(path.Path), "."), path.Error())
		}
		return cty.NilVal, false
	}
	return converted, true
}

// validateVariables runs the validation blocks.
func (r *reader) validateVariables() {
	for _, v := range r.variables {
		for _, c := range v.validations {
			condition, ok := c.arguments["condition"]
			if !ok {
				continue
			}
			value, ok := r.evaluate(condition.expr, "a condition")
			if !ok {
				continue
			}
			value, _ = value.UnmarkDeep()
			if value, err := convert.Convert(value, cty.Bool); err != nil || value.IsNull() {
				r.errorf(condition.expr.Range(), "the condition of %s must be true or false", v.owner)
			} else if value.False() {
				r.errorf(condition.expr.Range(), "%s: %s", v.owner, r.validationMessage(c)).hint("the value is from %s", v.from)
			}
		}
	}
}

func (r *reader) validationMessage(c content) string {
	const plain = "the value is not valid"
	a, ok := c.arguments["error_message"]
	if !ok {
		return plain
	}
	text, ok := r.evaluate(a.expr, "an error_message")
	if !ok || text.ContainsMarked() || text.Type() != cty.String || text.IsNull() {
		return plain
	}
	return lowerFirst(text.AsString())
}

// hideValue keeps all strings and numbers in value out of the report.
func (r *Report) hideValue(value cty.Value) {
	value, _ = value.UnmarkDeep()
	_ = cty.Walk(value, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() || v.Type() == cty.Bool {
			return true, nil
		}
		if s, err := convert.Convert(v, cty.String); err == nil {
			r.hideText(s.AsString())
		}
		return true, nil
	})
}
