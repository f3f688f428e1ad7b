package decode

import (
	"encoding"
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// field is one tagged field of a configuration struct: what package flow's
// documentation says that the tags mean.
type field struct {
	name     string
	label    bool
	required bool
	oneof    []string
	min, max string
	doc      string
	vars     []string
	variants []flow.Spec[any] // of a block whose label chooses
	of       string
	single   bool
	to       reflect.Value
}

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	exprType        = reflect.TypeFor[flow.Expr]()
	aggregateType   = reflect.TypeFor[flow.Aggregate]()
	valueType       = reflect.TypeFor[flow.Value]()
	pathType        = reflect.TypeFor[setting.Path]()
	secretType      = reflect.TypeFor[setting.Secret]()
	urlType         = reflect.TypeFor[endpoint.URL]()
)

// fieldsOf lists the fields of a struct, those of embedded ones included.
func fieldsOf(s reflect.Value) (fields []field) {
	for i := range s.NumField() {
		f := s.Type().Field(i)
		tag, ok := f.Tag.Lookup("hcl")
		switch {
		case ok && f.IsExported():
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			fields = append(fields, fieldsOf(s.Field(i))...)
			continue
		default:
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		x := field{
			name: name, label: option == "label", to: s.Field(i),
			required: f.Tag.Get("required") == "true",
			min:      f.Tag.Get("min"), max: f.Tag.Get("max"), doc: f.Tag.Get("doc"),
			of: f.Tag.Get("of"), single: f.Tag.Get("single") == "true",
		}
		if list := f.Tag.Get("oneof"); list != "" {
			x.oneof = strings.Split(list, "|")
		}
		if list := f.Tag.Get("vars"); list != "" {
			x.vars = strings.Split(list, "|")
		}
		if v, ok := s.Field(i).Interface().(flow.Variants); ok {
			x.variants = v.Variants()
		}
		fields = append(fields, x)
	}
	return fields
}

// block returns the struct that a block fills, nil when the field is filled by
// an argument; repeated says that there may be several blocks.
func (f field) block() (t reflect.Type, repeated bool) {
	t = f.to.Type()
	if t.Kind() == reflect.Slice {
		t, repeated = t.Elem(), true
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == valueType || reflect.PointerTo(t).Implements(textUnmarshaler) {
		return nil, false
	}
	return t, repeated
}

// Values makes values of expressions. The methods report what is wrong with
// an expression and return false then; what names its position for that.
type Values interface {
	Evaluate(e hcl.Expression, what string) (cty.Value, bool)
	Compile(e hcl.Expression, what string, vars []string) (flow.Expr, bool)
	CompileAggregate(e hcl.Expression, what string, vars []string) (flow.Aggregate, bool)
	// Conceal says that the value of an expression, and what it is made of, is not
	// to be shown.
	Conceal(e hcl.Expression)
}

// Decoder fills the configuration of one component.
type Decoder struct {
	*source.Report
	Values
	Dir   string              // what a setting.Path is relative to
	Later map[string][]string // arguments that are not in this version yet, by the block that has them

	Places map[string]hcl.Range // where each argument and block stands, by dotted path
	Failed bool                 // something was wrong

	sensitive map[string]bool // arguments whose value must not be shown
}

// Decode fills targets, pointers to structs whose fields share the region g.
// more names arguments that the caller reads itself: they are among those
// returned. later names what the language has in g and this version has not.
func (d *Decoder) Decode(g source.Region, more, later []string, targets ...any) map[string]source.Argument {
	d.Places, d.sensitive = map[string]hcl.Range{}, map[string]bool{}
	var fields []field
	for _, t := range targets {
		fields = append(fields, fieldsOf(reflect.ValueOf(t).Elem())...)
	}
	return d.fill(g, nil, "", more, later, fields)
}

func (d *Decoder) fail(where hcl.Range, format string, args ...any) *source.Problem {
	d.Failed = true
	return d.Errorf(where, format, args...)
}

func (d *Decoder) fill(g source.Region, labels []string, path string, more, laterNames []string, fields []field) map[string]source.Argument {
	e := source.Expected{Arguments: more, Blocks: map[string]int{}, Later: laterNames}
	for _, f := range fields {
		if f.label {
			continue
		}
		if f.variants != nil {
			e.Blocks[f.name] = 1
		} else if t, _ := f.block(); t != nil {
			e.Blocks[f.name] = labelsOf(t)
		} else {
			e.Arguments = append(e.Arguments, f.name)
		}
	}
	before := d.Errors()
	c := d.Content(g, e)
	d.Failed = d.Failed || d.Errors() > before

	byName := map[string][]source.Block{}
	for _, b := range c.Blocks {
		byName[b.Kind] = append(byName[b.Kind], b)
	}
	for _, f := range fields {
		where := path + f.name
		if f.label {
			if len(labels) > 0 {
				f.to.SetString(labels[0])
				labels = labels[1:]
			}
			continue
		}
		if f.variants != nil {
			d.fillVariants(f, byName[f.name], where, g, c.Meant[f.name])
			continue
		}
		if t, repeated := f.block(); t != nil {
			d.fillBlocks(f, t, repeated, byName[f.name], where, g, c.Meant[f.name])
			continue
		}
		a, given := c.Arguments[f.name]
		if given {
			d.Places[where] = a.Expr.Range()
			given = d.argument(f, a, where)
		}
		if !given && f.required && !c.Meant[f.name] {
			d.fail(g.At, "%s needs the argument %s", g.Owner, f.name).Hint("%s", about(f))
		}
	}
	return c.Arguments
}

func about(f field) string {
	if f.doc == "" {
		return ""
	}
	return f.name + ": " + f.doc
}

func labelsOf(t reflect.Type) (n int) {
	for _, f := range fieldsOf(reflect.New(t).Elem()) {
		if f.label {
			n++
		}
	}
	return n
}

func (d *Decoder) fillBlocks(f field, t reflect.Type, repeated bool, blocks []source.Block, path string, g source.Region, meant bool) {
	if len(blocks) == 0 {
		d.missing(f, g, meant)
		return
	}
	if !repeated && len(blocks) > 1 {
		d.fail(blocks[1].At, "%s is given twice", f.name).Also("the first is", blocks[0].At)
	}
	named := map[string]hcl.Range{}
	for _, b := range blocks {
		d.Places[path] = b.At
		b.Owner = f.name + " in " + g.Owner
		if len(b.Labels) > 0 {
			b.Owner = f.name + " " + strconv.Quote(b.Labels[0]) + " in " + g.Owner
			if first, again := named[b.Labels[0]]; again {
				d.fail(b.At, "%s %q is given twice", f.name, b.Labels[0]).Also("the first is", first)
			}
			named[b.Labels[0]] = b.At
			d.Places[path+"."+b.Labels[0]] = b.At
		}
		to := f.to
		if repeated {
			to = reflect.New(to.Type().Elem()).Elem()
		}
		inner := to
		if to.Kind() == reflect.Pointer {
			if to.IsNil() {
				to.Set(reflect.New(t))
				if b, ok := to.Interface().(flow.Defaulter); ok {
					b.SetDefaults()
				}
			}
			inner = to.Elem()
		}
		d.fill(b.Region, b.Labels, path+".", nil, d.Later[f.name], fieldsOf(inner))
		if repeated {
			f.to.Set(reflect.Append(f.to, to))
		} else {
			break
		}
	}
}

func (d *Decoder) missing(f field, g source.Region, meant bool) {
	if f.required && !meant {
		d.fail(g.At, "%s needs the block %s", g.Owner, f.name).Hint("%s", about(f))
	}
}

// Refused reports what a component says of its configuration, at the arguments
// that it names or else at the place at.
func (d *Decoder) Refused(owner string, at hcl.Range, err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // only what was joined
		for _, one := range several.Unwrap() {
			d.Refused(owner, at, one)
		}
		return
	}
	fe := (*setting.Error)(nil)
	if !errors.As(err, &fe) {
		d.fail(at, "%s: %s", owner, source.Shorten(err.Error(), d.Dir))
		return
	}
	for path := fe.Field; path != ""; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		if d.sensitive[path] {
			d.fail(d.Places[path], "%s: the value of %s, which is sensitive, is not accepted", owner, fe.Field)
			return
		}
		if rng, ok := d.Places[path]; ok {
			at = rng
			break
		}
	}
	d.fail(at, "%s: %s", owner, source.Shorten(err.Error(), d.Dir))
}
