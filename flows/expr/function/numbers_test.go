package function

import (
	"math"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestArithmetic(t *testing.T) {
	ops := map[string]func(a, b flow.Value) (flow.Value, error){"+": Add, "-": Sub, "*": Mul, "/": Div, "%": Mod}
	for _, tt := range []struct{ a, op, b, want string }{
		{`1`, "+", `2`, `3`},
		{`9223372036854775806`, "+", `1`, `9223372036854775807`},
		{`9223372036854775807`, "+", `1`, "!beyond"},
		{`-9223372036854775808`, "+", `-1`, "!beyond"},
		{`-9223372036854775808`, "+", `0`, `-9223372036854775808`},
		{`-9223372036854775808`, "-", `1`, "!beyond"},
		{`-9223372036854775808`, "-", `-9223372036854775808`, `0`},
		{`0`, "-", `-9223372036854775808`, "!beyond"},
		{`9223372036854775807`, "-", `0`, `9223372036854775807`},
		{`3037000500`, "*", `3037000500`, "!beyond"},
		{`3037000499`, "*", `3037000499`, `9223372030926249001`},
		{`-9223372036854775808`, "*", `-1`, "!beyond"},
		{`-1`, "*", `-9223372036854775808`, "!beyond"},
		{`-9223372036854775808`, "*", `1`, `-9223372036854775808`},
		{`0`, "*", `-9223372036854775808`, `0`},
		{`7`, "/", `2`, `3.5`},
		{`6`, "/", `2`, `3`},
		{`6`, "/", `0`, "!zero"},
		{`6.5`, "/", `0`, "!zero"},
		{`6`, "/", `0.0`, "!zero"},
		{`-9223372036854775808`, "/", `-1`, "!beyond"},
		{`9223372036854775807`, "/", `1`, `9223372036854775807`},
		{`7`, "%", `3`, `1`},
		{`-7`, "%", `3`, `-1`},
		{`7`, "%", `-3`, `1`},
		{`7.5`, "%", `2`, `1.5`},
		{`7`, "%", `0`, "!zero"},
		{`7`, "%", `0e5`, "!zero"},
		{`-9223372036854775808`, "%", `-1`, `0`},
		{`1.5`, "+", `1.5`, `3`},
		{`42.0`, "+", `1`, `43`},
		{`1e3`, "*", `2`, `2000`},
		{`0.1`, "+", `0.2`, `0.30000000000000004`},
		{`-0`, "+", `0`, `0`},
		{`12345678901234567890`, "+", `1`, "!beyond 64 bits"},
		{`1`, "-", `12345678901234567890`, "!beyond 64 bits"},
		{`1.2345678901234567890e19`, "+", `1`, `12345678901234567000`},
		{`1e308`, "*", `10`, "!out of range"},
		{`1e400`, "+", `1`, "!out of range"},
		{`null`, "+", `1`, "!null"},
		{`1`, "*", `"1"`, "!a string"},
		{`9007199254740993`, "+", `0.5`, `9007199254740992`},
		{`9007199254740993`, "+", `2`, `9007199254740995`},
	} {
		got := result(ops[tt.op](v(t, tt.a), v(t, tt.b)))
		if want, isErr := strings.CutPrefix(tt.want, "!"); got != tt.want && !(isErr && strings.HasPrefix(got, "!") && strings.Contains(got, want)) {
			t.Errorf("%s %s %s is %s, want %s", tt.a, tt.op, tt.b, got, tt.want)
		}
	}
	for a, want := range map[string]string{
		`5`: `-5`, `-9223372036854775808`: "!beyond", `9223372036854775808`: `-9223372036854775808`,
		`-12345678901234567890`: `12345678901234567890`, `1.5`: `-1.5`, `0`: `0`, `null`: "!null", `"a"`: "!a string",
	} {
		if got := result(Neg(v(t, a))); got != want && !(want[0] == '!' && strings.HasPrefix(got, "!") && strings.Contains(got, want[1:])) {
			t.Errorf("-%s is %s, want %s", a, got, want)
		}
	}
	if x, _ := Add(flow.FloatOf(1.5), flow.FloatOf(1.5)); x.Kind() != flow.Int {
		t.Error("1.5 + 1.5 is no integer")
	}
	if _, err := Add(flow.FloatOf(math.NaN()), flow.IntOf(1)); err == nil {
		t.Error("a computation with NaN is no error")
	}
}

func TestArithmeticDoesNotAllocate(t *testing.T) {
	a, b, c := flow.IntOf(7), flow.IntOf(2), flow.NumberOf("1.5")
	for _, f := range []func(a, b flow.Value) (flow.Value, error){Add, Sub, Mul, Div, Mod} {
		if n := testing.AllocsPerRun(100, func() {
			_, _ = f(a, b)
			_, _ = f(a, c)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func TestNumbers(t *testing.T) {
	cases{
		{"abs", `[-3]`, `3`},
		{"abs", `[3.25]`, `3.25`},
		{"abs", `[-0]`, `0`},
		{"abs", `[-3.25]`, `3.25`},
		{"abs", `[-9223372036854775808]`, `!beyond`},
		{"abs", `[-12345678901234567890]`, `12345678901234567890`},
		{"abs", `[null]`, `null`},
		{"abs", `["1"]`, `!the argument "number" must be a number, not a string`},
		{"abs", `[]`, `!takes 1 argument, not 0`},
		{"ceil", `[1.2]`, `2`},
		{"ceil", `[5]`, `5`},
		{"ceil", `[12345678901234567890]`, `12345678901234567890`},
		{"ceil", `[1e300]`, `1e+300`},
		{"ceil", `[1e400]`, `!out of range`},
		{"floor", `[-1.2]`, `-2`},
		{"floor", `[9223372036854775807]`, `9223372036854775807`},
		{"round", `[0.5]`, `1`},
		{"round", `[-0.5]`, `-1`},
		{"round", `[0.4]`, `0`},
		{"round", `[2.345, 1]`, `2.3`},
		{"round", `[1e300, 2]`, `1e+300`},
		{"round", `[1.5, 16]`, `!between 0 and 15`},
		{"round", `[1.5, 1.5]`, `!whole number`},
		{"round", `[1.5, null]`, `null`},
		{"min", `[3, 1.5, 2]`, `1.5`},
		{"min", `[[]]`, `null`},
		{"min", `[[], 3]`, `3`},
		{"min", `[[3, null]]`, `!null`},
		{"min", `[1, null]`, `null`},
		{"max", `[9223372036854775806, 9223372036854775807]`, `9223372036854775807`},
		{"max", `[1, [5, 2], 3]`, `5`},
		{"max", `[1.0, 1]`, `1.0`},
		{"max", `[["a"]]`, `!a string`},
		{"max", `["a"]`, `!must be a number or a list, not a string`},
		{"max", `[]`, `!at least 1 argument`},
		{"sum", `[[]]`, `0`},
		{"sum", `[[1, 2.5]]`, `3.5`},
		{"sum", `[[9223372036854775807, 1]]`, `!beyond`},
		{"sum", `[[1, null]]`, `!null`},
		{"parseint", `["ff", 16]`, `255`},
		{"parseint", `["-FF", 16]`, `-255`},
		{"parseint", `["zZ", 62]`, `2231`},
		{"parseint", `["007", 10]`, `7`},
		{"parseint", `["9223372036854775807", 10]`, `9223372036854775807`},
		{"parseint", `["9223372036854775808", 10]`, `!no integer of 64 bits in base 10`},
		{"parseint", `["", 10]`, `!no integer`},
		{"parseint", `["1_0", 10]`, `!no integer`},
		{"parseint", `["+1", 10]`, `!no integer`},
		{"parseint", `[" 1", 10]`, `!no integer`},
		{"parseint", `["1", 63]`, `!base must be between 2 and 62`},
		{"pow", `[2, 62]`, `4611686018427387904`},
		{"pow", `[2, 63]`, `!beyond`},
		{"pow", `[-2, 63]`, `-9223372036854775808`},
		{"pow", `[-1, 9223372036854775807]`, `-1`},
		{"pow", `[1, 9223372036854775807]`, `1`},
		{"pow", `[0, 0]`, `1`},
		{"pow", `[0, -1]`, `!zero`},
		{"pow", `[2, -1]`, `0.5`},
		{"pow", `[-8, 0.5]`, `!out of range`},
		{"pow", `[10.5, 400]`, `!out of range`},
		{"log", `[8, 2]`, `3`},
		{"log", `[1000, 10]`, `3`},
		{"log", `[0, 10]`, `!above 0`},
		{"log", `[1, 1]`, `!other than 1`},
		{"signum", `[0.0]`, `0`},
		{"signum", `[-0.001]`, `-1`},
		{"signum", `[12345678901234567890]`, `1`},
	}.run(t)
}
