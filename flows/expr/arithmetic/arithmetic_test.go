package arithmetic

import (
	"math"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// v reads a value from JSON.
func v(t *testing.T, s string) flow.Value {
	t.Helper()
	x, err := jsontext.Parse([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return x
}

// result is a value as JSON, or an error behind an exclamation mark.
func result(x flow.Value, err error) string {
	if err == nil {
		var b []byte
		if b, err = jsontext.Append(nil, x, false); err == nil {
			return string(b)
		}
	}
	return "!" + err.Error()
}

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

func BenchmarkArithmetic(b *testing.B) {
	b.Run("Add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = Add(flow.IntOf(1), flow.IntOf(2))
		}
	})
	b.Run("Mul of a spelling", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = Mul(flow.NumberOf("1.5"), flow.IntOf(2))
		}
	})
}
