package valuekey

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)

func keyOf(v flow.Value) string { return string(Append(nil, v)) }

// TestKeyIsEquality compares the keys of all pairs with Equal.
func TestKeyIsEquality(t *testing.T) {
	list := func(vs ...flow.Value) flow.Value { return flow.ListOf(vs) }
	object := func(fs ...flow.Field) flow.Value { return flow.MapOf(flow.ObjectOf(fs...)) }
	all := []flow.Value{
		flow.NullValue, flow.BoolOf(true), flow.BoolOf(false),
		flow.IntOf(0), flow.NumberOf("-0"), flow.NumberOf("0.00"), flow.NumberOf("0e99999999999"), flow.FloatOf(0), flow.FloatOf(math.Copysign(0, -1)), flow.NumberOf("1e-400"), flow.NumberOf("-1e-401"),
		flow.IntOf(1), flow.NumberOf("1.0"), flow.NumberOf("1e0"), flow.NumberOf("10e-1"), flow.NumberOf("0.001e3"), flow.FloatOf(1), flow.NumberOf("1." + strings.Repeat("0", 500)),
		flow.IntOf(10), flow.NumberOf("1e1"), flow.IntOf(-1), flow.NumberOf("-1.00"), flow.IntOf(100), flow.FloatOf(100), flow.NumberOf("1E+2"),
		flow.NumberOf("0.1"), flow.NumberOf("0.10"), flow.NumberOf("1e-1"), flow.FloatOf(0.1),
		flow.FloatOf(1.0 / 3), flow.NumberOf("0.3333333333333333"), flow.NumberOf("3333333333333333e-16"), flow.NumberOf("123456.789"), flow.FloatOf(123456.789),
		flow.IntOf(1 << 53), flow.IntOf(1<<53 + 1), flow.NumberOf("9007199254740993.0"), flow.FloatOf(1 << 54), flow.IntOf(1 << 54),
		flow.IntOf(math.MaxInt64), flow.IntOf(math.MinInt64), flow.FloatOf(math.MinInt64), flow.NumberOf("-9223372036854775808.0"), flow.NumberOf("9223372036854775807.0"),
		flow.NumberOf("12345678901234567890"), flow.NumberOf("12345678901234567891"), flow.NumberOf("123456789012345678900e-1"),
		flow.FloatOf(1e20), flow.NumberOf("1e20"), flow.NumberOf("100000000000000000000"), flow.NumberOf("-1e20"), flow.FloatOf(1e21), flow.NumberOf("1e21"),
		flow.NumberOf("1e305"), flow.FloatOf(1e305), flow.NumberOf("10e304"), flow.NumberOf("1e400"), flow.NumberOf("1e999999999999"), flow.FloatOf(math.Inf(1)), flow.FloatOf(math.Inf(-1)), flow.NumberOf("-1e500"),
		flow.FloatOf(5e-324), flow.NumberOf("5e-324"), flow.NumberOf("1e-299"), flow.FloatOf(1e-299),
		flow.TextOf(""), flow.TextOf("a"), flow.TextOf("1"), flow.TextOf("0.1"), flow.BytesOf(nil), flow.BytesOf([]byte("a")), flow.TextOf(strings.Repeat("x", 200)),
		list(), list(list()), list(list(), list()), list(flow.NullValue), list(flow.IntOf(1), flow.IntOf(2)), list(flow.FloatOf(1), flow.NumberOf("2.0")), list(list(flow.IntOf(1)), flow.IntOf(2)), list(list(flow.IntOf(1), flow.IntOf(2))),
		object(), object(flow.Field{Key: "a", Value: flow.IntOf(1)}), object(flow.Field{Key: "a", Value: flow.FloatOf(1)}, flow.Field{Key: "b", Value: list()}), object(flow.Field{Key: "b", Value: list()}, flow.Field{Key: "a", Value: flow.NumberOf("1.0")}), object(flow.Field{Key: "a1", Value: flow.NullValue}), object(flow.Field{Key: "b", Value: flow.IntOf(1)}),
	}
	for _, a := range all {
		for _, b := range all {
			if same := keyOf(a) == keyOf(b); same != a.Equal(b) {
				t.Errorf("%s %q %v and %s %q %v: equal %v, same key %v", a.Kind(), a.Text(), a.Float(), b.Kind(), b.Text(), b.Float(), a.Equal(b), same)
			}
		}
	}
	if nan := flow.FloatOf(math.NaN()); keyOf(nan) != keyOf(flow.FloatOf(-math.NaN())) {
		t.Error("not a number has several keys")
	}
}

// TestKeyWhereRoundingIsNotTransitive states what the key does with numbers
// that equal one float and not each other.
func TestKeyWhereRoundingIsNotTransitive(t *testing.T) {
	for _, test := range []struct {
		float float64
		same  string
		other string
	}{
		{0.1, "0.1", "0.1000000000000000055511151231257827021181583404541015625"},
		{1 << 53, "9007199254740992", "9007199254740993.0"},
		{1 << 60, "1152921504606846976", "1152921504606847000.0"},
		{1 << 63, "9223372036854776000", "9223372036854775808"},
	} {
		f, same, other := flow.FloatOf(test.float), flow.NumberOf(test.same), flow.NumberOf(test.other)
		if !f.Equal(same) || !f.Equal(other) || same.Equal(other) {
			t.Errorf("%v is no such case", test.float)
		}
		if keyOf(f) != keyOf(same) || keyOf(f) == keyOf(other) {
			t.Errorf("%v has not the key of %s alone", test.float, test.same)
		}
	}
}

func TestKeyOfWhatIsNoJSONNumber(t *testing.T) {
	for _, s := range []string{"", "-", ".", "e", "1e", "e5", "1e+", "0x10", "1.5 ", "1..2", "1_000", "Inf", "nan", "--1", "1e5e5"} {
		Append(nil, flow.NumberOf(s))
	}
}

// TestKeyOfLazy: what is still encoded has the key of what it means.
func TestKeyOfLazy(t *testing.T) {
	text, err := jsontext.Check([]byte(`{"b":[1,{"c":"x"}],"a":1.0}`), 10)
	if err != nil {
		t.Fatal(err)
	}
	v := flow.LazyOf(text, jsontext.Form{})
	if keyOf(v) != keyOf(v.Whole()) || keyOf(v) == keyOf(flow.MapOf(flow.ObjectOf())) {
		t.Error("its key is not that of what it means")
	}
}

func TestKeyAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 256)
	number, text := flow.NumberOf("-12.50"), flow.TextOf("badger")
	for name, f := range map[string]func(){
		"integer":  func() { dst = Append(dst[:0], flow.IntOf(42)) },
		"float":    func() { dst = Append(dst[:0], flow.FloatOf(0.1)) },
		"spelling": func() { dst = Append(dst[:0], number) },
		"text":     func() { dst = Append(dst[:0], text) },
		"null":     func() { dst = Append(dst[:0], flow.NullValue) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

// FuzzKey compares keys with Equal: of spellings always, of a float with those
// that it says are its own.
func FuzzKey(f *testing.F) {
	for _, s := range []string{"0", "-0", "0.1", "0.10", "1e-400", "1e400", "9007199254740993", "9007199254740993.0", "1e22", "0.30000000000000004", "123456789.12345678", "9223372036854775808"} {
		for _, w := range []string{"0", "0.1", "-1e300", "1e-301", "10e21", "0.3", "1e-1"} {
			f.Add(s, w, 0.1)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string, x float64) {
		if len(a) > 40 || len(b) > 40 || !jsonNumber.MatchString(a) || !jsonNumber.MatchString(b) {
			return
		}
		v, w, float := flow.NumberOf(a), flow.NumberOf(b), flow.FloatOf(x)
		if same := keyOf(v) == keyOf(w); same != v.Equal(w) {
			t.Fatalf("%s and %s: equal %v, same key %v", a, b, v.Equal(w), same)
		}
		same := keyOf(v) == keyOf(float)
		switch short := v.Kind() == flow.Int || len(a) <= 15; {
		case same && !v.Equal(float) && x == x:
			t.Fatalf("%s and float %v are unequal and have one key", a, x)
		case !same && short && v.Equal(float):
			t.Fatalf("%s and float %v are equal and have two keys", a, x)
		}
		if g := flow.FloatOf(v.Float()); v.Equal(g) && len(a) <= 15 && keyOf(g) != keyOf(v) {
			t.Fatalf("%s and its float %v have two keys", a, v.Float())
		}
		two := Append(Append(nil, v), w)
		if !bytes.Equal(two, []byte(keyOf(v)+keyOf(w))) {
			t.Fatalf("keys do not follow each other")
		}
	})
}

func BenchmarkKey(b *testing.B) {
	dst := make([]byte, 0, 256)
	for _, bench := range []struct {
		name string
		v    flow.Value
	}{{"int", flow.IntOf(42)}, {"text", flow.TextOf("badger-1234")}, {"spelled", flow.NumberOf("42.50")}, {"float", flow.FloatOf(42.5)}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst = Append(dst[:0], bench.v)
			}
		})
	}
}
