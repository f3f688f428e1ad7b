package arithmetic

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Abs returns v without its sign, exact for integers of any size.
func Abs(v flow.Value) (flow.Value, error) {
	if f := v.Float(); f >= 0 && !math.Signbit(f) {
		return v, nil
	}
	return Neg(v)
}

// Rounded makes v a whole number, which it may be already, beyond 64 bits too.
func Rounded(v flow.Value, to func(float64) float64) (flow.Value, error) {
	switch v = plain(v); v.Kind() {
	case flow.Float:
		return computed(to(v.Float()))
	default:
		return v, nil
	}
}

// Round returns the whole number nearest to the first of args or, where there is
// a second one, the nearest number of so many decimal digits.
func Round(args []flow.Value) (flow.Value, error) {
	if len(args) == 1 {
		return Rounded(args[0], math.Round)
	}
	digits, err := Within(args[1], "digits", 0, 15)
	if err != nil {
		return flow.NullValue, err
	}
	return Rounded(args[0], func(f float64) float64 {
		factor := math.Pow10(digits)
		if r := math.Round(f * factor); math.Abs(r) < 1<<53 {
			return r / factor
		}
		return f // it has no such digits
	})
}

// Extreme returns the least of the numbers in args and in the lists among them
// where sign is -1, the greatest where it is 1, and null of none.
func Extreme(args []flow.Value, sign int) (flow.Value, error) {
	best, err := flow.NullValue, error(nil)
	for _, a := range args {
		if a.Kind() != flow.List {
			best, err = better(best, a, sign)
		}
		for _, v := range a.List() {
			if !v.IsNumber() {
				return flow.NullValue, fmt.Errorf("a list has %s in it, where only numbers are wanted", v.Kinds())
			}
			if best, err = better(best, v, sign); err != nil {
				break
			}
		}
		if err != nil {
			return flow.NullValue, err
		}
	}
	return best, nil
}

func better(best, v flow.Value, sign int) (flow.Value, error) {
	if f := v.Float(); f != f {
		return best, errors.New("one of the numbers is not a number (NaN)")
	}
	if best.IsNull() {
		return v, nil
	}
	if c, _ := flow.CompareNumbers(v, best); c == sign {
		return v, nil
	}
	return best, nil
}

// Sum returns the sum of the numbers in the list v.
func Sum(v flow.Value) (flow.Value, error) {
	total := flow.IntOf(0)
	for _, x := range v.List() {
		var err error
		if total, err = Add(total, x); err != nil {
			return flow.NullValue, err
		}
	}
	return total, nil
}

// ParseInt returns the integer that the string s spells in the base.
func ParseInt(s, base flow.Value) (flow.Value, error) {
	b, err := Within(base, "base", 2, 62)
	if err != nil {
		return flow.NullValue, err
	}
	digits := s.Text()
	// big.Int knows bases up to 62, and underscores and signs that are not
	// meant here.
	i := new(big.Int)
	if len(digits) <= 65 && !strings.ContainsAny(digits, "_+") {
		if _, ok := i.SetString(digits, b); ok && i.IsInt64() {
			return flow.IntOf(i.Int64()), nil
		}
	}
	return flow.NullValue, fmt.Errorf("the string is no integer of 64 bits in base %s", strconv.Itoa(b))
}

// Pow returns base to the power of exponent.
func Pow(base, exponent flow.Value) (flow.Value, error) {
	x, y, ints, err := operands(base, exponent)
	switch {
	case err != nil:
		return flow.NullValue, err
	case ints && y.Int() >= 0:
		return powInt(x, y.Int())
	case x.Float() == 0 && y.Float() < 0:
		return flow.NullValue, errZero
	}
	return computed(math.Pow(x.Float(), y.Float()))
}

// powInt multiplies by squaring; it is an error as soon as 64 bits are too few.
func powInt(x flow.Value, n int64) (flow.Value, error) {
	switch i := x.Int(); {
	case i == 0 && n > 0, i == 1:
		return x, nil
	case i == -1:
		return flow.IntOf(1 - 2*(n&1)), nil
	case n > 63:
		return flow.NullValue, errOverflow
	}
	result := flow.IntOf(1)
	for range n {
		var err error
		if result, err = Mul(result, x); err != nil {
			return flow.NullValue, err
		}
	}
	return result, nil
}

// Log returns the logarithm of v to the base.
func Log(v, base flow.Value) (flow.Value, error) {
	x, b, _, err := operands(v, base)
	if err != nil {
		return flow.NullValue, err
	}
	if x.Float() <= 0 || b.Float() <= 0 || b.Float() == 1 {
		return flow.NullValue, errors.New("a logarithm takes a number above 0 and a base above 0 other than 1")
	}
	switch b.Float() {
	case 2:
		return computed(math.Log2(x.Float()))
	case 10:
		return computed(math.Log10(x.Float()))
	}
	return computed(math.Log(x.Float()) / math.Log(b.Float()))
}

// Sign returns -1, 0 or 1.
func Sign(v flow.Value) (flow.Value, error) {
	sign, ok := flow.CompareNumbers(v, flow.IntOf(0))
	if !ok {
		return flow.NullValue, errRange
	}
	return flow.IntOf(int64(sign)), nil
}
