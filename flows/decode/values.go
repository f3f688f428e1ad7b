package decode

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// argument puts one argument into its field and reports whether there was a
// value; null is none, as everywhere in HCL.
func (d *Decoder) argument(f field, a source.Argument, path string) bool {
	fresh := reflect.New(f.to.Type()).Elem()
	failed := d.Failed
	d.Failed = false
	given := d.compile(fresh, a.Expr, f.name, f.vars) || f.single && d.setOnly(fresh, a.Expr, f.name, path) || d.set(fresh, a.Expr, f.name, path)
	if f.of == "connection" {
		d.connectionOnly(a.Expr, f)
	}
	ok := !d.Failed
	if given && ok {
		ok = d.within(f, path, fresh, a.Expr.Range())
	}
	if given && ok {
		f.to.Set(fresh)
	}
	d.Failed = failed || !ok
	return given || !ok
}

// set evaluates e into the value dst, which the argument name fills or is a
// part of.
func (d *Decoder) set(dst reflect.Value, e hcl.Expression, name, path string) bool {
	switch {
	case d.compile(dst, e, name, nil):
		return true
	case dst.Kind() == reflect.Slice && !reflect.PointerTo(dst.Type()).Implements(textUnmarshaler):
		return d.setList(dst, e, name, path)
	case dst.Kind() == reflect.Map:
		return d.setMap(dst, e, name, path)
	}
	d.conceal(dst.Type(), e)
	v, ok := d.Evaluate(e, name)
	if !ok {
		d.Failed = true
		return true
	}
	if v.ContainsMarked() {
		d.sensitive[path] = true
		v, _ = v.UnmarkDeep()
	}
	d.concealValue(dst.Type(), e, v)
	if v.IsNull() {
		return dst.Type() == valueType
	}
	if err := d.convert(dst, v); err != nil {
		if d.sensitive[path] {
			d.fail(e.Range(), "%s: the value, which is sensitive, cannot be used here", name)
		} else if wanted := (wants("")); errors.As(err, &wanted) {
			d.fail(e.Range(), "%s wants %s, not %s", name, string(wanted), Describe(v))
		} else {
			d.fail(e.Range(), "%s: %v", name, err)
		}
	}
	return true
}

// compile fills dst where it is an expression that is not evaluated yet; vars
// are names that it may use beside those of every event.
func (d *Decoder) compile(dst reflect.Value, e hcl.Expression, name string, vars []string) bool {
	var x any
	var ok bool
	switch dst.Type() {
	case exprType:
		x, ok = d.Compile(e, name, vars)
	case aggregateType:
		x, ok = d.CompileAggregate(e, name, vars)
	default:
		return false
	}
	d.Failed = d.Failed || !ok
	if ok {
		dst.Set(reflect.ValueOf(x))
	}
	return true
}

// connectionOnly reports names of events in an expression that is about a
// connection.
func (d *Decoder) connectionOnly(e hcl.Expression, f field) {
	for _, t := range e.Variables() {
		if root := t.RootName(); root == "event" || root == "meta" {
			d.fail(t.SourceRange(), "%s means nothing in %s, which is about a connection and no event", root, f.name).
				Hint("here stand %s", strings.Join(append([]string{"peer"}, f.vars...), ", "))
		}
	}
}

// conceal keeps a secret that is spelled in the source out of excerpts.
func (d *Decoder) conceal(t reflect.Type, e hcl.Expression) {
	if t != secretType && t != urlType {
		return
	}
	v, diags := e.Value(nil) // a literal, or it fails
	if diags.HasErrors() || v.Type() != cty.String || v.IsNull() || !v.IsKnown() {
		return
	}
	if t == secretType || strings.ContainsAny(v.AsString(), "@?") {
		d.Hide(e.Range())
	}
}

// concealValue keeps the value of a secret from being shown, and what it is made of.
func (d *Decoder) concealValue(t reflect.Type, e hcl.Expression, v cty.Value) {
	if t != secretType && t != urlType || v.IsNull() || v.Type() != cty.String {
		return
	}
	if text := v.AsString(); t == secretType || strings.ContainsAny(text, "@?") {
		d.Values.Conceal(e)
		d.HideShown(text)
	}
}

// Elements are the parts of a list or object, each with its own place where
// it has one.
type Elements struct {
	Keys  []string // of an object
	Exprs []hcl.Expression
}

// Parts takes a list or an object apart; ok is false when it has been reported, none when there
// is no value.
func (d *Decoder) Parts(e hcl.Expression, name string, object bool) (parts Elements, none, ok bool) {
	kind := "a list"
	if object {
		kind = "an object"
		if items, diags := hcl.ExprMap(e); !diags.HasErrors() {
			for _, item := range items {
				key, ok := d.Evaluate(item.Key, name)
				if !ok {
					return parts, false, false
				}
				if key.ContainsMarked() {
					d.Errorf(item.Key.Range(), "a key in %s cannot be sensitive", name)
					return parts, false, false
				}
				text, err := convert.Convert(key, cty.String)
				if err != nil || text.IsNull() {
					d.Errorf(item.Key.Range(), "a key in %s must be a string", name)
					return parts, false, false
				}
				parts.Keys = append(parts.Keys, text.AsString())
				parts.Exprs = append(parts.Exprs, item.Value)
			}
			return parts, false, true
		}
	} else if items, diags := hcl.ExprList(e); !diags.HasErrors() {
		return Elements{Exprs: items}, false, true
	}
	v, ok := d.Evaluate(e, name)
	if !ok {
		return parts, false, false
	}
	v, marks := v.Unmark()
	if v.IsNull() {
		return parts, true, true
	}
	isObject := v.Type().IsObjectType() || v.Type().IsMapType()
	if !v.CanIterateElements() || isObject != object {
		d.Errorf(e.Range(), "%s wants %s, not %s", name, kind, Describe(v)).Hint("%s", writeList(name, object, v))
		return parts, false, false
	}
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if object {
			parts.Keys = append(parts.Keys, key.AsString())
		}
		parts.Exprs = append(parts.Exprs, hcl.StaticExpr(element.WithMarks(marks), e.Range()))
	}
	return parts, false, true
}

func writeList(name string, object bool, v cty.Value) string {
	if !object && v.Type().IsPrimitiveType() {
		return "write " + name + " = [ … ]"
	}
	return ""
}

func (d *Decoder) setList(dst reflect.Value, e hcl.Expression, name, path string) bool {
	parts, none, ok := d.Parts(e, name, false)
	if !ok {
		d.Failed = true
		return true
	}
	if none {
		return false
	}
	list := reflect.MakeSlice(dst.Type(), 0, len(parts.Exprs))
	for i, x := range parts.Exprs {
		element := reflect.New(dst.Type().Elem()).Elem()
		at := path + "[" + strconv.Itoa(i) + "]"
		d.Places[at] = x.Range()
		if !d.set(element, x, fmt.Sprintf("%s[%d]", name, i), at) {
			d.fail(x.Range(), "an element of %s is null", name)
		}
		list = reflect.Append(list, element)
	}
	dst.Set(list)
	return true
}

// setOnly makes a list of one element of a value that is no list, and reports
// whether e is one.
func (d *Decoder) setOnly(dst reflect.Value, e hcl.Expression, name, path string) bool {
	if _, diags := hcl.ExprList(e); !diags.HasErrors() {
		return false
	}
	v, ok := d.Evaluate(e, name)
	if !ok {
		d.Failed = true
		return true
	}
	if v.IsNull() || !v.Type().IsPrimitiveType() {
		return false
	}
	list := reflect.MakeSlice(dst.Type(), 1, 1)
	at := path + "[0]"
	d.Places[at] = e.Range()
	d.set(list.Index(0), e, name, at)
	dst.Set(list)
	return true
}

func (d *Decoder) setMap(dst reflect.Value, e hcl.Expression, name, path string) bool {
	parts, none, ok := d.Parts(e, name, true)
	if !ok {
		d.Failed = true
		return true
	}
	if none {
		return false
	}
	d.concealKeys(dst.Type().Key(), e, parts.Keys)
	m := reflect.MakeMapWithSize(dst.Type(), len(parts.Exprs))
	for i, x := range parts.Exprs {
		element := reflect.New(dst.Type().Elem()).Elem()
		at := path + "." + parts.Keys[i]
		d.Places[at] = x.Range()
		key := reflect.New(dst.Type().Key()).Elem()
		if key.Type() == secretType {
			key.Set(reflect.ValueOf(setting.SecretOf(parts.Keys[i])))
		} else {
			key.SetString(parts.Keys[i])
		}
		if m.MapIndex(key).IsValid() {
			d.fail(x.Range(), "%s has %q twice", name, parts.Keys[i])
		}
		if d.set(element, x, name+"."+parts.Keys[i], at) { // null leaves the key out
			m.SetMapIndex(key, element)
		}
	}
	dst.Set(m)
	return true
}

// concealKeys keeps keys that are secrets out of all that is said.
func (d *Decoder) concealKeys(t reflect.Type, e hcl.Expression, keys []string) {
	if t != secretType {
		return
	}
	for _, key := range keys {
		d.HideText(key)
	}
	items, _ := hcl.ExprMap(e) // none where the keys are not spelled here
	for _, item := range items {
		d.Hide(item.Key.Range())
	}
}

// wants is the error of a value of the wrong type.
type wants string

func (w wants) Error() string { return "wants " + string(w) }

// convert puts a plain value into a field of one of the scalar kinds.
func (d *Decoder) convert(dst reflect.Value, v cty.Value) error {
	if dst.Type() == valueType {
		x, err := toValue(v)
		if err == nil {
			dst.Set(reflect.ValueOf(x))
		}
		return err
	}
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		s, err := convert.Convert(v, cty.String)
		if err != nil {
			return wants("a string")
		}
		return u.UnmarshalText([]byte(s.AsString()))
	}
	switch dst.Kind() {
	case reflect.String:
		s, err := convert.Convert(v, cty.String)
		if err != nil {
			return wants("a string")
		}
		text := s.AsString()
		if dst.Type() == pathType {
			text = string(setting.Path(text).In(d.Dir))
		}
		dst.SetString(text)
	case reflect.Bool:
		b, err := convert.Convert(v, cty.Bool)
		if err != nil {
			return wants("true or false")
		}
		dst.SetBool(b.True())
	case reflect.Float32, reflect.Float64:
		n, err := convert.Convert(v, cty.Number)
		if err != nil {
			return wants("a number")
		}
		f, _ := n.AsBigFloat().Float64()
		dst.SetFloat(f)
	default:
		return setInt(dst, v)
	}
	return nil
}

func setInt(dst reflect.Value, v cty.Value) error {
	n, err := convert.Convert(v, cty.Number)
	if err != nil {
		return wants("a whole number")
	}
	if !n.AsBigFloat().IsInt() {
		return errors.New("the number must be whole")
	}
	i, accuracy := n.AsBigFloat().Int64()
	if accuracy != big.Exact {
		return errors.New("the number is out of range")
	}
	switch {
	case dst.CanInt() && !dst.OverflowInt(i):
		dst.SetInt(i)
	case dst.CanUint() && i >= 0 && !dst.OverflowUint(uint64(i)):
		dst.SetUint(uint64(i))
	case dst.CanInt() || dst.CanUint():
		return errors.New("the number is out of range")
	default:
		return fmt.Errorf("fields of type %s are not supported", dst.Type())
	}
	return nil
}

// toValue turns a start-up value into one of events.
func toValue(v cty.Value) (flow.Value, error) {
	t := v.Type()
	switch {
	case v.IsNull():
		return flow.NullValue, nil
	case t == cty.String:
		return flow.TextOf(v.AsString()), nil
	case t == cty.Bool:
		return flow.BoolOf(v.True()), nil
	case t == cty.Number:
		return flow.NumberOf(v.AsBigFloat().Text('g', -1)), nil
	case t.IsObjectType() || t.IsMapType():
		var fields []flow.Field
		for it := v.ElementIterator(); it.Next(); {
			key, element := it.Element()
			x, err := toValue(element)
			if err != nil {
				return flow.NullValue, err
			}
			fields = append(fields, flow.Field{Key: key.AsString(), Value: x})
		}
		return flow.MapOf(flow.ObjectOf(fields...)), nil
	case v.CanIterateElements():
		var list []flow.Value
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			x, err := toValue(element)
			if err != nil {
				return flow.NullValue, err
			}
			list = append(list, x)
		}
		return flow.ListOf(list), nil
	}
	return flow.NullValue, wants("a value")
}

// within checks what the tags oneof, min and max ask for.
func (d *Decoder) within(f field, path string, v reflect.Value, at hcl.Range) bool {
	if f.oneof != nil && v.Kind() == reflect.String && !slices.Contains(f.oneof, v.String()) {
		p := d.Errorf(at, "%s must be one of %s", f.name, strings.Join(f.oneof, ", "))
		if best := source.Nearest(v.String(), f.oneof); best != "" && !d.sensitive[path] {
			p.Hint("did you mean %q?", best)
		}
		return false
	}
	for _, bound := range []struct {
		text, what string
		sign       int
	}{{f.min, "at least", -1}, {f.max, "at most", 1}} {
		if bound.text == "" {
			continue
		}
		if limit := reflect.New(v.Type()).Elem(); parseBound(limit, bound.text) && compareNumbers(v, limit) == bound.sign {
			d.Errorf(at, "%s must be %s %s", f.name, bound.what, bound.text)
			return false
		}
	}
	return true
}

func parseBound(limit reflect.Value, text string) bool {
	if u, ok := limit.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text)) == nil
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return false
	case limit.CanInt():
		limit.SetInt(int64(n))
	case limit.CanUint():
		limit.SetUint(uint64(n))
	case limit.CanFloat():
		limit.SetFloat(n)
	default:
		return false
	}
	return true
}

func compareNumbers(a, b reflect.Value) int {
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanFloat():
		return cmp.Compare(a.Float(), b.Float())
	}
	return 0
}
