package expr

import (
	"math"

	"github.com/flowrun/flowrun/runtime/flow"
)

// equal is the == of the language. It differs from [flow.Value.Equal] in that
// a float equals a number that rounds to it: 0.1 in a flow, or in JSON, is no
// float, and must match the float of a binary codec.
func equal(v, w flow.Value) bool {
	switch {
	case v.IsNumber() && w.IsNumber():
		sign, ok := compareNumbers(v, w)
		return ok && sign == 0
	case v.Kind() != w.Kind():
		return false
	case v.Kind() == flow.List:
		a, b := v.List(), w.List()
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case v.Kind() == flow.Map:
		a, b := v.Object(), w.Object()
		if a.Len() != b.Len() {
			return false
		}
		for _, f := range a.Fields() {
			if other, ok := b.Get(f.Key); !ok || !equal(f.Value, other) {
				return false
			}
		}
		return true
	}
	return v.Equal(w)
}

// compareNumbers orders two numbers; false for NaN. Numbers that differ as
// floats are in the order of these, since rounding keeps the order; that
// saves almost all exact comparisons, which allocate.
func compareNumbers(v, w flow.Value) (int, bool) {
	if v.Kind() == flow.Int && w.Kind() == flow.Int {
		return flow.CompareNumbers(v, w)
	}
	a, b := v.Float(), w.Float()
	switch {
	case a < b:
		return -1, true
	case a > b:
		return 1, true
	case a != b:
		return 0, false
	case exact(v) && exact(w):
		return 0, true
	case v.Kind() == flow.Float && w.Kind() == flow.Number, v.Kind() == flow.Number && w.Kind() == flow.Float:
		return 0, true
	}
	return flow.CompareNumbers(v, w)
}

// exact reports whether no other exact number rounds to the same float: of a
// spelling when it has at most 15 digits in the range of normal floats, of an
// integer when it is below 2^53.
func exact(v flow.Value) bool {
	switch v.Kind() {
	case flow.Int:
		i := v.Int()
		return -1<<53 <= i && i <= 1<<53
	case flow.Number:
		f := math.Abs(v.Float())
		return len(v.Text()) <= 16 && (f == 0 || 1e-290 < f && f < 1e290)
	}
	return true
}
