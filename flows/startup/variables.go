package startup

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
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

// variable is one `variable` block with the value that it has in this run.
type variable struct {
	source.Region
	typ         cty.Type
	defaults    *typeexpr.Defaults
	typed       bool
	preset      *source.Argument // default
	meant       bool             // something is there that was probably meant to be default
	sensitive   bool
	description string
	validations []source.Content
	given       []given
	from        string // where the value comes from
	value       cty.Value
}

// typeNames are the words that types are written with.
var typeNames = []string{"any", "bool", "list", "map", "number", "object", "set", "string", "tuple"}

var (
	variableContent   = source.Expected{Arguments: []string{"type", "default", "description", "sensitive"}, Blocks: map[string]int{"validation": 0}}
	validationContent = source.Expected{Arguments: []string{"condition", "error_message"}}
)

// Declare reads the variable blocks; values come later.
func (s *Values) Declare(blocks []source.Block) {
	for _, b := range blocks {
		name := b.Labels[0]
		b.Owner = "variable " + strconv.Quote(name)
		if !s.ValidName(b, 0) {
			continue
		}
		if first := s.variables[name]; first != nil {
			s.Twice(b, first.At)
			continue
		}
		c := s.Content(b.Region, variableContent)
		v := &variable{meant: c.Meant["default"], Region: b.Region, typ: cty.DynamicPseudoType, value: cty.DynamicVal}
		s.variables[name] = v
		if a, ok := c.Arguments["type"]; ok {
			typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
			v.typed = true
			switch word := hcl.ExprAsKeyword(a.Expr); {
			case !diags.HasErrors():
				v.typ, v.defaults = typ, defaults
			case word != "" && !slices.Contains(typeNames, word):
				s.Errorf(a.Expr.Range(), "there is no type %s", strconv.Quote(word)).Hint("%s", source.DidYouMean(word, typeNames))
			default:
				s.HCL(diags)
			}
		}
		if a, ok := c.Arguments["default"]; ok {
			v.preset = &a
		}
		if a, ok := c.Arguments["sensitive"]; ok {
			if on, ok := s.Constant(a, cty.Bool); ok {
				v.sensitive = on.True()
			}
		}
		if a, ok := c.Arguments["description"]; ok {
			if text, ok := s.Constant(a, cty.String); ok {
				v.description = text.AsString()
			}
		}
		for _, inner := range c.Blocks {
			inner.Owner = "validation of " + b.Owner
			validation := s.Content(inner.Region, validationContent)
			s.Require(inner.Region, validation, "condition", "error_message")
			v.validations = append(v.validations, validation)
		}
	}
}

// Variables returns the names of the variables that are declared.
func (s *Values) Variables() []string { return slices.Collect(maps.Keys(s.variables)) }

// Set gives the variables their values, the locals theirs, and validates the
// former. What has no value stays unknown, so that what depends on it is passed
// over. The values are those of a flow.
func (s *Values) Set(from *Given, locals []source.Block) {
	s.set(from.values, locals, func(name string, v *variable) {
		s.Errorf(v.At, "%s has no value", v.Owner).Hint("give it with --var %s=…, in a --var-file, as %s%s, or write a default", name, envPrefix, name)
	})
}

// Argument is the value of a module's variable; it is unknown where another
// problem is to blame.
type Argument struct {
	Value cty.Value
	At    hcl.Range
}

// Required returns the variables that have no default, with their descriptions.
func (s *Values) Required() map[string]string {
	required := map[string]string{}
	for name, v := range s.variables {
		if v.preset == nil && !v.meant {
			required[name] = v.description
		}
	}
	return required
}

// SetArguments is Set for a use of a module, which owner names. The caller
// reports what is missing.
func (s *Values) SetArguments(arguments map[string]Argument, owner string, locals []source.Block) {
	values := map[string][]given{}
	for name, a := range arguments {
		values[name] = []given{{from: owner, value: a.Value, at: a.At}}
	}
	s.set(values, locals, func(string, *variable) {})
}

func (s *Values) set(from map[string][]given, locals []source.Block, missing func(string, *variable)) {
	all := map[string]cty.Value{}
	for _, name := range slices.Sorted(maps.Keys(s.variables)) {
		v := s.variables[name]
		v.given = from[name]
		if value, ok := s.valueOf(name, v, from[name], missing); ok {
			v.value = value
			if v.sensitive {
				v.value = value.Mark(sensitive{})
				s.hideValue(value)
			}
		}
		all[name] = v.value
	}
	s.context.Variables["var"] = cty.ObjectVal(all)
	s.setLocals(locals)
	s.validate()
}

func (s *Values) valueOf(name string, v *variable, values []given, missing func(string, *variable)) (cty.Value, bool) {
	if v.sensitive && v.preset != nil {
		s.Hide(v.preset.Expr.Range())
	}
	if v.sensitive {
		for _, g := range values {
			s.HideText(g.text)
			switch {
			case g.expr != nil:
				s.Hide(g.expr.Range())
			case g.value != cty.NilVal:
				s.Hide(g.at)
			}
		}
	}
	var preset cty.Value
	ok := false
	if v.preset != nil { // checked even when another value wins
		v.from = "its default"
		if len(v.preset.Expr.Variables()) > 0 {
			s.Errorf(v.preset.Expr.Range(), "a default must be written out: it may not refer to anything").Hint("use a local for what depends on variables")
		} else if preset, ok = s.Evaluate(v.preset.Expr, "a default"); ok {
			preset, ok = s.conform(preset, v, v.preset.Expr.Range())
		}
	}
	if len(values) == 0 {
		if v.preset == nil && !v.meant {
			missing(name, v)
		}
		return preset, ok
	}
	g := values[len(values)-1]
	v.from = g.from
	value, at := cty.StringVal(g.text), v.At
	switch {
	case g.value != cty.NilVal:
		if value, at = g.value, g.at; !value.IsWhollyKnown() {
			return preset, false
		}
	case g.expr != nil:
		var diags hcl.Diagnostics
		at = g.expr.Range()
		if value, diags = g.expr.Value(nil); diags.HasErrors() {
			s.HCL(diags)
			return preset, false
		}
	case v.typed && !v.typ.IsPrimitiveType():
		if value, ok = s.expressionText(v, g); !ok {
			return preset, false
		}
	}
	return s.conform(value, v, at)
}

// expressionText reads a list or an object that was given as text.
func (s *Values) expressionText(v *variable, g given) (cty.Value, bool) {
	tokens, _ := hclsyntax.LexExpression([]byte(g.text), g.from, hcl.InitialPos)
	if _, deep := source.TooDeep(tokens); !deep {
		expr, diags := hclsyntax.ParseExpression([]byte(g.text), g.from, hcl.InitialPos)
		if !diags.HasErrors() {
			if value, diags := expr.Value(nil); !diags.HasErrors() {
				return value, true
			}
		}
	}
	s.Errorf(v.At, "%s wants %s, and got none from %s", v.Owner, decode.DescribeType(v.typ), g.from).
		Hint(`lists and objects are written as in a flow: ["a", "b"], { a = 1 }; strings in them are quoted`)
	return cty.NilVal, false
}

// conform converts a value to the type of its variable.
func (s *Values) conform(value cty.Value, v *variable, at hcl.Range) (cty.Value, bool) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	converted, err := convert.Convert(value, v.typ)
	if err != nil {
		if path, ok := err.(cty.PathError); ok && len(path.Path) > 0 { //nolint:errorlint // convert returns it bare
			s.Errorf(at, "%s: %s, in the value from %s, at %s", v.Owner, path.Error(), v.from, strings.TrimPrefix(formatPath(path.Path), "."))
		} else {
			s.Errorf(at, "%s wants %s, and got %s from %s", v.Owner, decode.DescribeType(v.typ), decode.Describe(value), v.from)
		}
		return cty.NilVal, false
	}
	return converted, true
}

// validate runs the validation blocks.
func (s *Values) validate() {
	for _, v := range s.variables {
		for _, c := range v.validations {
			condition, ok := c.Arguments["condition"]
			if !ok {
				continue
			}
			value, ok := s.Evaluate(condition.Expr, "a condition")
			if !ok {
				continue
			}
			value, _ = value.UnmarkDeep()
			if value, err := convert.Convert(value, cty.Bool); err != nil || value.IsNull() {
				s.Errorf(condition.Expr.Range(), "the condition of %s must be true or false", v.Owner)
			} else if value.False() {
				s.Errorf(condition.Expr.Range(), "%s: %s", v.Owner, s.validationMessage(c)).Hint("the value is from %s", v.from)
			}
		}
	}
}

func (s *Values) validationMessage(c source.Content) string {
	const plain = "the value is not valid"
	a, ok := c.Arguments["error_message"]
	if !ok {
		return plain
	}
	text, ok := s.Evaluate(a.Expr, "an error_message")
	if !ok || text.ContainsMarked() || text.Type() != cty.String || text.IsNull() {
		return plain
	}
	return source.LowerFirst(text.AsString())
}

// hideValue keeps all strings and numbers in value out of the report.
func (s *Values) hideValue(value cty.Value) {
	value, _ = value.UnmarkDeep()
	_ = cty.Walk(value, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() || v.Type() == cty.Bool {
			return true, nil
		}
		if text, err := convert.Convert(v, cty.String); err == nil {
			s.HideText(text.AsString())
		}
		return true, nil
	})
}

func formatPath(path cty.Path) string {
	var b strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case cty.GetAttrStep:
			b.WriteString("." + step.Name)
		case cty.IndexStep:
			if step.Key.Type() == cty.Number {
				fmt.Fprintf(&b, "[%s]", step.Key.AsBigFloat().Text('f', -1))
			} else if step.Key.Type() == cty.String {
				fmt.Fprintf(&b, "[%q]", step.Key.AsString())
			}
		}
	}
	return b.String()
}
