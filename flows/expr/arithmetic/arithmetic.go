// Package arithmetic computes with the numbers of the flow language: the
// operators of expressions, and what their functions of numbers return.
//
// It is exact for integers of 64 bits: what goes beyond is an error, never a
// rounded number. 7/2 is 3.5 and 6/2 is 3. All other numbers are computed as
// float64; a result that is a whole number is an integer again. A number that
// keeps its spelling (flow.Number) counts as what it spells; an integer beyond
// 64 bits can be passed on, compared, negated and rounded, and not computed with.
//
// Errors are about one computation and name kinds and bounds, never values. No
// computation with integers and floats allocates.
package arithmetic

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

var (
	errOverflow = errors.New("the result is beyond the integers of 64 bits")
	errRange    = errors.New("the result is out of range: numbers go up to 1.7e308 in size")
	errZero     = errors.New("division by zero")
	errBig      = errors.New("an integer beyond 64 bits can be passed on and compared, not computed with")
)

// Add returns a + b.
func Add(a, b flow.Value) (flow.Value, error) {
	if a.Kind() == flow.Int && b.Kind() == flow.Int {
		x, y := a.Int(), b.Int()
		if s := x + y; (s > x) == (y > 0) {
			return flow.IntOf(s), nil
		}
		return flow.NullValue, errOverflow
	}
	a, b, ints, err := operands(a, b)
	if err != nil {
		return flow.NullValue, err
	}
	if ints {
		return Add(a, b)
	}
	return computed(a.Float() + b.Float())
}

// Sub returns a - b.
func Sub(a, b flow.Value) (flow.Value, error) {
	if a.Kind() == flow.Int && b.Kind() == flow.Int {
		x, y := a.Int(), b.Int()
		if d := x - y; (d < x) == (y > 0) {
			return flow.IntOf(d), nil
		}
		return flow.NullValue, errOverflow
	}
	a, b, ints, err := operands(a, b)
	if err != nil {
		return flow.NullValue, err
	}
	if ints {
		return Sub(a, b)
	}
	return computed(a.Float() - b.Float())
}

// Mul returns a * b.
func Mul(a, b flow.Value) (flow.Value, error) {
	if a.Kind() == flow.Int && b.Kind() == flow.Int {
		x, y := a.Int(), b.Int()
		p := x * y
		if x == 0 || p/x == y && !(x == -1 && y == math.MinInt64) {
			return flow.IntOf(p), nil
		}
		return flow.NullValue, errOverflow
	}
	a, b, ints, err := operands(a, b)
	if err != nil {
		return flow.NullValue, err
	}
	if ints {
		return Mul(a, b)
	}
	return computed(a.Float() * b.Float())
}

// Div returns a / b: an integer when two integers divide without a remainder.
func Div(a, b flow.Value) (flow.Value, error) {
	if a.Kind() == flow.Int && b.Kind() == flow.Int {
		x, y := a.Int(), b.Int()
		switch {
		case y == 0:
			return flow.NullValue, errZero
		case x == math.MinInt64 && y == -1:
			return flow.NullValue, errOverflow
		case x%y == 0:
			return flow.IntOf(x / y), nil
		}
		return computed(float64(x) / float64(y))
	}
	a, b, ints, err := operands(a, b)
	switch {
	case err != nil:
		return flow.NullValue, err
	case ints:
		return Div(a, b)
	case b.Float() == 0:
		return flow.NullValue, errZero
	}
	return computed(a.Float() / b.Float())
}

// Mod returns a % b, the remainder with the sign of a.
func Mod(a, b flow.Value) (flow.Value, error) {
	if a.Kind() == flow.Int && b.Kind() == flow.Int {
		if b.Int() == 0 {
			return flow.NullValue, errZero
		}
		return flow.IntOf(a.Int() % b.Int()), nil
	}
	a, b, ints, err := operands(a, b)
	switch {
	case err != nil:
		return flow.NullValue, err
	case ints:
		return Mod(a, b)
	case b.Float() == 0:
		return flow.NullValue, errZero
	}
	return computed(math.Mod(a.Float(), b.Float()))
}

// Neg returns -a. It is exact for integers of any size.
func Neg(a flow.Value) (flow.Value, error) {
	switch {
	case a.Kind() == flow.Int && a.Int() != math.MinInt64:
		return flow.IntOf(-a.Int()), nil
	case a.Kind() == flow.Int:
		return flow.NullValue, errOverflow
	case a.Kind() == flow.Number && isInteger(a.Text()):
		return negated(a.Text()), nil
	case !a.IsNumber():
		return flow.NullValue, notNumber(a)
	}
	return computed(-a.Float())
}

func negated(s string) flow.Value {
	if s, negative := strings.CutPrefix(s, "-"); negative {
		return flow.NumberOf(s)
	}
	return flow.NumberOf("-" + s)
}

func notNumber(v flow.Value) error {
	return fmt.Errorf("arithmetic takes numbers, not %s", v.Kinds())
}

// operands makes two values ready for arithmetic; ints tells that both have
// become an Int.
func operands(a, b flow.Value) (x, y flow.Value, ints bool, err error) {
	for _, v := range [...]flow.Value{a, b} {
		if !v.IsNumber() {
			return a, b, false, notNumber(v)
		}
	}
	a, b = plain(a), plain(b)
	if a.Kind() == flow.Number || b.Kind() == flow.Number {
		return a, b, false, errBig
	}
	return a, b, a.Kind() == flow.Int && b.Kind() == flow.Int, nil
}

// plain makes an Int or a Float of a spelling, whatever it says; what remains
// is an integer beyond 64 bits.
func plain(v flow.Value) flow.Value {
	if v.Kind() != flow.Number {
		return v
	}
	f := v.Float()
	if w := floatOrInt(f); w.Kind() == flow.Int {
		return w
	}
	if isInteger(v.Text()) {
		return v
	}
	return flow.FloatOf(f)
}

// isInteger reports whether a number is spelled without a fraction and an
// exponent.
func isInteger(s string) bool { return !strings.ContainsAny(s, ".eE") }

// floatOrInt returns f as an Int when it is a whole number that no other
// integer rounds to.
func floatOrInt(f float64) flow.Value {
	if f > -1<<53 && f < 1<<53 {
		if i := int64(f); float64(i) == f {
			return flow.IntOf(i)
		}
	}
	return flow.FloatOf(f)
}

// computed returns the result of a computation with floats.
func computed(f float64) (flow.Value, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return flow.NullValue, errRange
	}
	return floatOrInt(f), nil
}
