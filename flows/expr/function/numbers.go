package function

import (
	"math"

	"github.com/flowrun/flowrun/flows/expr/arithmetic"
	"github.com/flowrun/flowrun/runtime/flow"
)

var numbers = []Function{
	{
		Name: "abs", Group: groupNumbers, Params: params(number("number")), Returns: flow.OfNumber, Call1: arithmetic.Abs,
		Doc:      "the number without its sign",
		Examples: []Example{{`abs(-3)`, `3`}, {`abs(1.5)`, `1.5`}},
	},
	{
		Name: "ceil", Group: groupNumbers, Params: params(number("number")), Returns: flow.OfNumber,
		Call1:    func(v flow.Value) (flow.Value, error) { return arithmetic.Rounded(v, math.Ceil) },
		Doc:      "the least whole number that is not below the number",
		Examples: []Example{{`ceil(1.2)`, `2`}, {`ceil(-1.2)`, `-1`}},
	},
	{
		Name: "floor", Group: groupNumbers, Params: params(number("number")), Returns: flow.OfNumber,
		Call1:    func(v flow.Value) (flow.Value, error) { return arithmetic.Rounded(v, math.Floor) },
		Doc:      "the greatest whole number that is not above the number",
		Examples: []Example{{`floor(1.8)`, `1`}, {`floor(-1.2)`, `-2`}},
	},
	{
		Name: "round", Group: groupNumbers, Params: params(number("number"), number("digits").optional()), Returns: flow.OfNumber, Call: arithmetic.Round,
		Doc:      "the nearest whole number, or the nearest one of so many decimal digits (0 to 15); halves go away from zero",
		Examples: []Example{{`round(2.5)`, `3`}, {`round(3.14159, 2)`, `3.14`}},
	},
	{
		Name: "min", Group: groupNumbers, Params: params(number("number").orList()), Rest: number("number").orList().rest(), Returns: flow.OfNumber | flow.OfNull,
		Call:     func(args []flow.Value) (flow.Value, error) { return arithmetic.Extreme(args, -1) },
		Doc:      "the least of the numbers, which may also come in lists; null when there is none",
		Examples: []Example{{`min(3, 1, 2)`, `1`}, {`min([4, 7])`, `4`}},
	},
	{
		Name: "max", Group: groupNumbers, Params: params(number("number").orList()), Rest: number("number").orList().rest(), Returns: flow.OfNumber | flow.OfNull,
		Call:     func(args []flow.Value) (flow.Value, error) { return arithmetic.Extreme(args, 1) },
		Doc:      "the greatest of the numbers, which may also come in lists; null when there is none",
		Examples: []Example{{`max(3, 1, 2)`, `3`}, {`max([4, 7], 5)`, `7`}},
	},
	{
		Name: "sum", Group: groupNumbers, Params: params(list("numbers")), Returns: flow.OfNumber, Call1: arithmetic.Sum,
		Doc:      "the sum of the numbers in the list, 0 of an empty one",
		Examples: []Example{{`sum([1, 2, 3.5])`, `6.5`}},
	},
	{
		Name: "parseint", Group: groupNumbers, Params: params(text("string"), number("base")), Returns: flow.OfNumber, Call2: arithmetic.ParseInt,
		Doc:      "the integer that the string spells in the base (2 to 62)",
		Examples: []Example{{`parseint("ff", 16)`, `255`}, {`parseint("-101", 2)`, `-5`}},
	},
	{
		Name: "pow", Group: groupNumbers, Params: params(number("base"), number("exponent")), Returns: flow.OfNumber, Call2: arithmetic.Pow,
		Doc:      "the base to the power of the exponent",
		Examples: []Example{{`pow(2, 10)`, `1024`}, {`pow(4, 0.5)`, `2`}},
	},
	{
		Name: "log", Group: groupNumbers, Params: params(number("number"), number("base")), Returns: flow.OfNumber, Call2: arithmetic.Log,
		Doc:      "the logarithm of the number to the base",
		Examples: []Example{{`log(1000, 10)`, `3`}, {`log(8, 2)`, `3`}},
	},
	{
		Name: "signum", Group: groupNumbers, Params: params(number("number")), Returns: flow.OfNumber, Call1: arithmetic.Sign,
		Doc:      "-1, 0 or 1: the sign of the number",
		Examples: []Example{{`signum(-12.5)`, `-1`}, {`signum(0)`, `0`}},
	},
}
