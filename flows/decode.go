package flows

import (
	"encoding"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/runtime/flow"
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
	to       reflect.Value
}

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	exprType        = reflect.TypeFor[flow.Expr]()
	valueType       = reflect.TypeFor[flow.Value]()
	pathType        = reflect.TypeFor[flow.Path]()
	secretType      = reflect.TypeFor[flow.Secret]()
	urlType         = reflect.TypeFor[flow.URL]()
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
		}
		if list := f.Tag.Get("oneof"); list != "" {
			x.oneof = strings.Split(list, "|")
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

// decoder fills the structs of one component.
type decoder struct {
	*reader
	places    map[string]hcl.Range // where each argument and block stands, by dotted path
	sensitive map[string]bool      // arguments whose value must not be shown
	failed    bool
}

func (r *reader) decoder() *decoder {
	return &decoder{reader: r, places: map[string]hcl.Range{}, sensitive: map[string]bool{}}
}

func (d *decoder) fail(where hcl.Range, format string, args ...any) *problem {
	d.failed = true
	return d.errorf(where, format, args...)
}

// decode fills targets, pointers to structs whose fields share the region g.
// more names arguments that the caller reads itself; they are returned.
func (d *decoder) decode(g region, labels []string, path string, more []string, laterNames []string, targets ...any) map[string]argument {
	var fields []field
	for _, t := range targets {
		fields = append(fields, fieldsOf(reflect.ValueOf(t).Elem())...)
	}
	return d.fill(g, labels, path, more, laterNames, fields)
}

func (d *decoder) fill(g region, labels []string, path string, more, laterNames []string, fields []field) map[string]argument {
	e := expected{arguments: more, blocks: map[string]int{}, later: laterNames}
	for _, f := range fields {
		if f.label {
			continue
		}
		if t, _ := f.block(); t != nil {
			e.blocks[f.name] = labelsOf(t)
		} else {
			e.arguments = append(e.arguments, f.name)
		}
	}
	before := d.count(false)
	c := d.content(g, e)
	d.failed = d.failed || d.count(false) > before

	byName := map[string][]nested{}
	for _, b := range c.blocks {
		byName[b.kind] = append(byName[b.kind], b)
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
		if t, repeated := f.block(); t != nil {
			d.fillBlocks(f, t, repeated, byName[f.name], where, g)
			continue
		}
		a, given := c.arguments[f.name]
		if given {
			d.places[where] = a.expr.Range()
			given = d.argument(f, a, where)
		}
		if !given && f.required {
			d.fail(g.at, "%s needs the argument %s", g.owner, f.name).hint("%s", about(f))
		}
	}
	return c.arguments
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

func (d *decoder) fillBlocks(f field, t reflect.Type, repeated bool, blocks []nested, path string, g region) {
	if len(blocks) == 0 {
		if f.required {
			d.fail(g.at, "%s needs the block %s", g.owner, f.name).hint("%s", about(f))
		}
		return
	}
	if !repeated && len(blocks) > 1 {
		d.fail(blocks[1].at, "%s is given twice", f.name).also("the first is", blocks[0].at)
	}
	named := map[string]hcl.Range{}
	for _, b := range blocks {
		d.places[path] = b.at
		b.owner = f.name + " in " + g.owner
		if len(b.labels) > 0 {
			b.owner = f.name + " " + quote(b.labels[0]) + " in " + g.owner
			if first, again := named[b.labels[0]]; again {
				d.fail(b.at, "%s %q is given twice", f.name, b.labels[0]).also("the first is", first)
			}
			named[b.labels[0]] = b.at
		}
		to := f.to
		if repeated {
			to = reflect.New(to.Type().Elem()).Elem()
		}
		inner := to
		if to.Kind() == reflect.Pointer {
			if to.IsNil() {
				to.Set(reflect.New(t))
			}
			inner = to.Elem()
		}
		d.fill(b.region, b.labels, path+".", nil, laterArguments[f.name], fieldsOf(inner))
		if repeated {
			f.to.Set(reflect.Append(f.to, to))
		} else {
			break
		}
	}
}
