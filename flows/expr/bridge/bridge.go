// Package bridge leads from the functions and values of the flow language to
// those of package cty, which package hcl computes start-up expressions with, and
// back.
package bridge

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/runtime/flow"
)

// BytesType is the type of bytes in start-up expressions: a *[]byte.
var BytesType = cty.Capsule("bytes", reflect.TypeFor[[]byte]())

// Functions returns the closed list for expressions that are computed by package
// hcl, under the same names and with the same meaning. An argument that is not
// known yet makes the result unknown, marks go on to it, and the keys of
// objects are in the order of their bytes, since package cty keeps no other.
func Functions() map[string]ctyfunction.Function {
	all := make(map[string]ctyfunction.Function, len(function.All))
	for i := range function.All {
		if f := &function.All[i]; !f.Special {
			all[f.Name] = adapt(f)
		}
	}
	all["try"], all["can"] = tryfunc.TryFunc, tryfunc.CanFunc
	all["has"] = tryfunc.CanFunc // there, what is missing is an error
	first := *function.Find("coalesce")
	first.Call = func(args []flow.Value) (flow.Value, error) {
		for _, v := range args {
			if !v.IsNull() && !(v.Kind() == flow.Text && v.Text() == "") {
				return v, nil
			}
		}
		return flow.NullValue, nil
	}
	all["coalesce"] = adapt(&first)
	return all
}

func adapt(f *function.Function) ctyfunction.Function {
	spec := &ctyfunction.Spec{Description: f.Doc, Type: ctyfunction.StaticReturnType(cty.DynamicPseudoType)}
	least, most := f.Arity()
	for _, p := range f.Params[:least] {
		spec.Params = append(spec.Params, dynamic(p.Name))
	}
	if most != least { // package cty knows no parameters that may be left out
		name := "further"
		if f.Rest != nil {
			name = f.Rest.Name
		}
		rest := dynamic(name)
		spec.VarParam = &rest
	}
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		vs := make([]flow.Value, len(args))
		for i, a := range args {
			if !a.IsWhollyKnown() {
				return cty.DynamicVal, nil
			}
			var err error
			if vs[i], err = From(a); err != nil {
				return cty.NilVal, ctyfunction.NewArgError(i, err)
			}
		}
		if i, err := f.Check(vs); err != nil {
			if i < 0 {
				return cty.NilVal, err
			}
			return cty.NilVal, ctyfunction.NewArgError(i, err)
		}
		v, err := f.Invoke(vs...)
		if err != nil {
			return cty.NilVal, err
		}
		return To(v)
	}
	return ctyfunction.New(spec)
}

func dynamic(name string) ctyfunction.Parameter {
	return ctyfunction.Parameter{Name: name, Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}
}

// From returns a start-up value, which is wholly known and without marks,
// as one of the flow language.
func From(v cty.Value) (flow.Value, error) {
	t := v.Type()
	switch {
	case v.IsNull():
		return flow.NullValue, nil
	case t == cty.Bool:
		return flow.BoolOf(v.True()), nil
	case t == cty.String:
		return flow.TextOf(v.AsString()), nil
	case t == cty.Number:
		return fromBig(v.AsBigFloat())
	case t.Equals(BytesType):
		return flow.BytesOf(*v.EncapsulatedValue().(*[]byte)), nil
	case t.IsListType(), t.IsTupleType(), t.IsSetType():
		list := make([]flow.Value, 0, v.LengthInt())
		for _, element := range v.Elements() {
			x, err := From(element)
			if err != nil {
				return flow.NullValue, err
			}
			list = append(list, x)
		}
		return flow.ListOf(list), nil
	case t.IsMapType(), t.IsObjectType():
		object := flow.NewObject(v.LengthInt())
		for key, element := range v.Elements() {
			x, err := From(element)
			if err != nil {
				return flow.NullValue, err
			}
			object.Set(key.AsString(), x)
		}
		return flow.MapOf(object), nil
	}
	return flow.NullValue, fmt.Errorf("a value of this type (%s) is none of the flow language", t.FriendlyName())
}

// maxExponent bounds the powers of two that a number may reach: more than a
// float holds, and little enough to spell out.
const maxExponent = 1100

// exactBits is the precision of package cty: a larger integer (1e200) may have been
// rounded, and all its digits would be others than those that were written.
const exactBits = 512

var errSize = errors.New("this number is out of range: it must be between 1e-308 and 1e308 in size")

func fromBig(f *big.Float) (flow.Value, error) {
	if i, exact := f.Int64(); exact == big.Exact {
		return flow.IntOf(i), nil
	}
	if exponent := f.MantExp(nil); f.IsInf() || exponent > maxExponent || exponent < -maxExponent {
		return flow.NullValue, errSize
	}
	if f.IsInt() && f.MantExp(nil) <= exactBits {
		return flow.NumberOf(f.Text('f', 0)), nil
	}
	// A decimal fraction is spelled as it was written; what was computed (1/3)
	// has more digits than mean anything.
	x, _ := f.Float64()
	format := byte('f')
	if abs := math.Abs(x); abs < 1e-6 || abs >= 1e21 {
		format = 'g' // with an exponent, as everywhere
	}
	s := f.Text(format, -1)
	if len(s) > 40 {
		s = strconv.FormatFloat(x, format, -1, 64)
	}
	return flow.NumberOf(s), nil
}

// To is the way back.
func To(v flow.Value) (cty.Value, error) {
	switch v.Kind() {
	case flow.Null:
		return cty.NullVal(cty.DynamicPseudoType), nil
	case flow.Bool:
		return cty.BoolVal(v.Bool()), nil
	case flow.Int:
		return cty.NumberIntVal(v.Int()), nil
	case flow.Text:
		return cty.StringVal(v.Text()), nil
	case flow.Bytes:
		b := v.Bytes()
		return cty.CapsuleVal(BytesType, &b), nil
	case flow.List:
		list := make([]cty.Value, len(v.List()))
		for i, x := range v.List() {
			var err error
			if list[i], err = To(x); err != nil {
				return cty.NilVal, err
			}
		}
		return cty.TupleVal(list), nil
	case flow.Map:
		object := make(map[string]cty.Value, v.Object().Len())
		for _, f := range v.Object().Fields() {
			x, err := To(f.Value)
			if err != nil {
				return cty.NilVal, err
			}
			object[f.Key] = x
		}
		return cty.ObjectVal(object), nil
	}
	f := v.Float()
	mantissa, _, _ := strings.Cut(strings.ToLower(v.Text()), "e")
	switch {
	case math.IsNaN(f), math.IsInf(f, 0), f == 0 && strings.ContainsAny(mantissa, "123456789"):
		return cty.NilVal, errSize
	case f == 0:
		return cty.Zero, nil
	case v.Kind() == flow.Float:
		return cty.NumberFloatVal(f), nil
	}
	n, err := cty.ParseNumberVal(v.Text())
	if err != nil {
		return cty.NilVal, errSize
	}
	return n, nil
}
