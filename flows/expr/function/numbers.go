package function

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

var (
	errOverflow = errors.New("the result is beyond the integers of 64 bits")
	errRange    = errors.New("the result is out of range: numbers go up to 1.7e308 in size")
	errZero     = errors.New("division by zero")
	errBig      = errors.New("an integer beyond 64 bits can be passed on and compared, not computed with")
)

var numbers = []Function{
	{
		Name: "abs", Group: groupNumbers, Params: params(number("number")), Returns: flow.OfNumber, Call1: abs,
		Doc:      "the number without its sign",
		Examples: []Example{{`abs(-3)`, `3`}, {`abs(1.5)`, `1.5`}},
	},
	{
		Name: "ceil", Group: groupNumbers, Params: params(number("number")), Returns: flow.OfNumber,
		Call1:    func(v flow.Value) (flow.Value, error) { return rounded(v, math.Ceil) },
		Doc:      "the least whole number that is not below the number",
		Examples: []Example{{`ceil(1.2)`, `2`}, {`ceil(-1.2)`, `-1`}},
	},
	{
		Name: "floor", Group: groupNumbers, Params: params(number("number")), Returns: flow.OfNumber,
		Call1:    func(v flow.Value) (flow.Value, error) { return rounded(v, math.Floor) },
		Doc:      "the greatest whole number that is not above the number",
		Examples: []Example{{`floor(1.8)`, `1`}, {`floor(-1.2)`, `-2`}},
	},
	{
		Name: "round", Group: groupNumbers, Params: params(number("number"), number("digits").optional()), Returns: flow.OfNumber, Call: round,
		Doc:      "the nearest whole number, or the nearest one of so many decimal digits (0 to 15); halves go away from zero",
		Examples: []Example{{`round(2.5)`, `3`}, {`round(3.14159, 2)`, `3.14`}},
	},
	{
		Name: "min", Group: groupNumbers, Params: params(number("number").orList()), Rest: number("number").orList().rest(), Returns: flow.OfNumber | flow.OfNull,
		Call:     func(args []flow.Value) (flow.Value, error) { return extreme(args, -1) },
		Doc:      "the least of the numbers, which may also come in lists; null when there is none",
		Examples: []Example{{`min(3, 1, 2)`, `1`}, {`min([4, 7])`, `4`}},
	},
	{
		Name: "max", Group: groupNumbers, Params: params(number("number").orList()), Rest: number("number").orList().rest(), Returns: flow.OfNumber | flow.OfNull,
		Call:     func(args []flow.Value) (flow.Value, error) { return extreme(args, 1) },
		Doc:      "the greatest of the numbers, which may also come in lists; null when there is none",
		Examples: []Example{{`max(3, 1, 2)`, `3`}, {`max([4, 7], 5)`, `7`}},
	},
	{
		Name: "sum", Group: groupNumbers, Params: params(list("numbers")), Returns: flow.OfNumber, Call1: sum,
		Doc:      "the sum of the numbers in the list, 0 of an empty one",
		Examples: []Example{{`sum([1, 2, 3.5])`, `6.5`}},
	},
	{
		Name: "parseint", Group: groupNumbers, Params: params(text("string"), number("base")), Returns: flow.OfNumber, Call2: parseInt,
		Doc:      "the integer that the string spells in the base (2 to 62)",
		Examples: []Example{{`parseint("ff", 16)`, `255`}, {`parseint("-101", 2)`, `-5`}},
	},
	{
		Name: "pow", Group: groupNumbers, Params: params(number("base"), number("exponent")), Returns: flow.OfNumber, Call2: pow,
		Doc:      "the base to the power of the exponent",
		Examples: []Example{{`pow(2, 10)`, `1024`}, {`pow(4, 0.5)`, `2`}},
	},
	{
		Name: "log", Group: groupNumbers, Params: params(number("number"), number("base")), Returns: flow.OfNumber, Call2: logarithm,
		Doc:      "the logarithm of the number to the base",
		Examples: []Example{{`log(1000, 10)`, `3`}, {`log(8, 2)`, `3`}},
	},
	{
		Name: "signum", Group: groupNumbers, Params: params(number("number")), Returns: flow.OfNumber, Call1: signum,
		Doc:      "-1, 0 or 1: the sign of the number",
		Examples: []Example{{`signum(-12.5)`, `-1`}, {`signum(0)`, `0`}},
	},
}

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

func abs(v flow.Value) (flow.Value, error) {
	if f := v.Float(); f >= 0 && !math.Signbit(f) {
		return v, nil
	}
	return Neg(v)
}

// rounded makes v a whole number, which it may be already, beyond 64 bits too.
func rounded(v flow.Value, to func(float64) float64) (flow.Value, error) {
	switch v = plain(v); v.Kind() {
	case flow.Float:
		return computed(to(v.Float()))
	default:
		return v, nil
	}
}

func round(args []flow.Value) (flow.Value, error) {
	if len(args) == 1 {
		return rounded(args[0], math.Round)
	}
	digits, err := within(args[1], "digits", 0, 15)
	if err != nil {
		return flow.NullValue, err
	}
	return rounded(args[0], func(f float64) float64 {
		factor := math.Pow10(digits)
		if r := math.Round(f * factor); math.Abs(r) < 1<<53 {
			return r / factor
		}
		return f // it has no such digits
	})
}

// extreme returns the number that comes first in the order of sign.
func extreme(args []flow.Value, sign int) (flow.Value, error) {
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

func sum(v flow.Value) (flow.Value, error) {
	total := flow.IntOf(0)
	for _, x := range v.List() {
		var err error
		if total, err = Add(total, x); err != nil {
			return flow.NullValue, err
		}
	}
	return total, nil
}

func parseInt(s, base flow.Value) (flow.Value, error) {
	b, err := within(base, "base", 2, 62)
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

func pow(base, exponent flow.Value) (flow.Value, error) {
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

func logarithm(v, base flow.Value) (flow.Value, error) {
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

func signum(v flow.Value) (flow.Value, error) {
	sign, ok := flow.CompareNumbers(v, flow.IntOf(0))
	if !ok {
		return flow.NullValue, errRange
	}
	return flow.IntOf(int64(sign)), nil
}
