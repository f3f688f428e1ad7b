package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/twmb/avro"

	"github.com/flowrun/flowrun/runtime/flow"
)

var errDepth = errors.New("it is nested deeper than max_depth: raise max_depth if that is expected")

// value makes a value of what the library has decoded by this type.
func (t *typ) value(x any, levels int) (flow.Value, error) {
	if levels < 0 {
		return flow.NullValue, errDepth
	}
	switch x := x.(type) {
	case nil:
		return flow.NullValue, nil
	case bool:
		return flow.BoolOf(x), nil
	case int32:
		return flow.IntOf(int64(x)), nil
	case int64:
		return flow.IntOf(x), nil
	case float32:
		return floatOf(x), nil
	case float64:
		return flow.FloatOf(x), nil
	case string:
		if !utf8.ValidString(x) {
			return flow.NullValue, errors.New("a string is not UTF-8")
		}
		return flow.TextOf(x), nil
	case []byte:
		return flow.BytesOf(x), nil
	case []any:
		list := make([]flow.Value, len(x))
		for i := range x {
			var err error
			if list[i], err = t.items.value(x[i], levels-1); err != nil {
				return flow.NullValue, err
			}
		}
		return flow.ListOf(list), nil
	case map[string]any:
		return t.object(x, levels)
	}
	return t.logicalValue(x)
}

// object makes a value of a record, a map, or what is in a union.
func (t *typ) object(x map[string]any, levels int) (flow.Value, error) {
	if t.kind == "union" {
		for name, inner := range x {
			if branch := t.branches[name]; branch != nil {
				return branch.value(inner, levels)
			}
			return flow.NullValue, fmt.Errorf("a union has no branch %q", name)
		}
	}
	fields := t.fields
	if t.kind == "map" {
		fields = make([]field, 0, len(x))
		for key := range x {
			if !utf8.ValidString(key) {
				return flow.NullValue, errors.New("a key is not UTF-8")
			}
			fields = append(fields, field{key, t.items})
		}
		slices.SortFunc(fields, func(a, b field) int { return compare(a.name, b.name) })
	}
	o := flow.NewObject(len(fields))
	for _, f := range fields {
		v, err := f.typ.value(x[f.name], levels-1)
		if err != nil {
			return flow.NullValue, err
		}
		o.Set(f.name, v)
	}
	return flow.MapOf(o), nil
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1 // keys are different
}

// floatOf is a float 32 as the float 64 that is spelled like it.
func floatOf(f float32) flow.Value {
	if x := float64(f); math.IsNaN(x) || math.IsInf(x, 0) {
		return flow.FloatOf(x)
	}
	x, _ := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	return flow.FloatOf(x)
}

func (t *typ) logicalValue(x any) (flow.Value, error) {
	switch x := x.(type) {
	case time.Time:
		if x.Year() < 0 || x.Year() > 9999 {
			return flow.NullValue, errors.New("a time is beyond the years that can be spelled")
		}
		layout := time.RFC3339Nano
		if t.logical == "date" {
			layout = time.DateOnly
		}
		return flow.TextOf(x.UTC().Format(layout)), nil
	case time.Duration:
		if t.logical == "time-millis" {
			return flow.IntOf(x.Milliseconds()), nil
		}
		return flow.IntOf(x.Microseconds()), nil
	case *big.Rat:
		digits, _ := x.FloatPrec()
		return flow.NumberOf(x.FloatString(max(digits, t.scale))), nil
	case [16]byte:
		return flow.TextOf(fmt.Sprintf("%x-%x-%x-%x-%x", x[:4], x[4:6], x[6:8], x[8:10], x[10:])), nil
	case avro.Duration:
		return flow.MapOf(flow.ObjectOf(
			flow.Field{Key: "months", Value: flow.IntOf(int64(x.Months))},
			flow.Field{Key: "days", Value: flow.IntOf(int64(x.Days))},
			flow.Field{Key: "milliseconds", Value: flow.IntOf(int64(x.Milliseconds))},
		)), nil
	}
	return flow.NullValue, fmt.Errorf("a value of the type %s, %s is not known here", t.kind, t.logical)
}

// native makes what the library encodes of a value. Whether it fits the type
// is for the library to say; here are seen keys that would be lost, since no
// field has their name.
func (t *typ) native(v flow.Value) (any, error) {
	if v.Kind() == flow.Bytes && !t.takesBytes() {
		return nil, errors.New("bytes are given where the schema has none: map them with base64encode() or utf8()")
	}
	if t = t.only(v); t != nil && t.logical == "duration" && v.Kind() == flow.Map {
		return durationOf(v.Object())
	}
	switch v.Kind() {
	case flow.Bool:
		return v.Bool(), nil
	case flow.Int:
		return v.Int(), nil
	case flow.Float:
		return v.Float(), nil
	case flow.Number:
		return json.Number(v.Text()), nil
	case flow.Text:
		if !utf8.ValidString(v.Text()) {
			return nil, errors.New("a string is not UTF-8")
		}
		return v.Text(), nil
	case flow.Bytes:
		return v.Bytes(), nil
	case flow.List:
		list := make([]any, len(v.List()))
		for i, x := range v.List() {
			var err error
			if list[i], err = t.element().native(x); err != nil {
				return nil, err
			}
		}
		return list, nil
	case flow.Map:
		m := make(map[string]any, v.Object().Len())
		for _, f := range v.Object().Fields() {
			below, err := t.below(f.Key)
			if err != nil {
				return nil, err
			}
			if m[f.Key], err = below.native(f.Value); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	return nil, nil
}

// takesBytes reports whether a value may be bytes. The library would write
// them as a string too.
func (t *typ) takesBytes() bool {
	if t == nil || t.kind == "bytes" || t.kind == "fixed" {
		return true
	}
	for _, b := range t.branches {
		if b.takesBytes() {
			return true
		}
	}
	return false
}

// only is the type, or the branch of a union, that a value must be of; nil
// where there are several.
func (t *typ) only(v flow.Value) *typ {
	if t == nil || t.kind != "union" {
		return t
	}
	var found *typ
	for _, b := range t.branches {
		list, object := b.kind == "array", b.kind == "map" || b.kind == "record" || b.logical == "duration"
		if list != (v.Kind() == flow.List) || object != (v.Kind() == flow.Map) {
			continue
		}
		if found != nil {
			return nil
		}
		found = b
	}
	return found
}

func (t *typ) element() *typ {
	if t == nil || t.kind != "array" {
		return nil
	}
	return t.items
}

// below is the type of what stands under a key.
func (t *typ) below(key string) (*typ, error) {
	switch {
	case t == nil || t.kind != "map" && t.kind != "record":
		return nil, nil
	case t.kind == "map":
		return t.items, nil
	}
	for _, f := range t.fields {
		if f.name == key {
			return f.typ, nil
		}
	}
	return nil, fmt.Errorf("the schema has no field %q where the payload has that key: omit it", key)
}

func durationOf(o *flow.Object) (avro.Duration, error) {
	var d avro.Duration
	for _, f := range o.Fields() {
		to := map[string]*uint32{"months": &d.Months, "days": &d.Days, "milliseconds": &d.Milliseconds}[f.Key]
		if to == nil || f.Value.Kind() != flow.Int || f.Value.Int() < 0 || f.Value.Int() > math.MaxUint32 {
			return d, fmt.Errorf("a duration has a %q that is no part of one, or does not fit 32 bits", f.Key)
		}
		*to = uint32(f.Value.Int())
	}
	return d, nil
}
