package flow

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func keyOf(v Value) string { return string(AppendKey(nil, v)) }

// TestKeyIsEquality compares the keys of all pairs with Equal.
func TestKeyIsEquality(t *testing.T) {
	list := func(vs ...Value) Value { return ListOf(vs) }
	object := func(fs ...Field) Value { return MapOf(ObjectOf(fs...)) }
	all := []Value{
		NullValue, BoolOf(true), BoolOf(false),
		IntOf(0), NumberOf("-0"), NumberOf("0.00"), NumberOf("0e99999999999"), FloatOf(0), FloatOf(math.Copysign(0, -1)), NumberOf("1e-400"), NumberOf("-1e-401"),
		IntOf(1), NumberOf("1.0"), NumberOf("1e0"), NumberOf("10e-1"), NumberOf("0.001e3"), FloatOf(1), NumberOf("1." + strings.Repeat("0", 500)),
		IntOf(10), NumberOf("1e1"), IntOf(-1), NumberOf("-1.00"), IntOf(100), FloatOf(100), NumberOf("1E+2"),
		NumberOf("0.1"), NumberOf("0.10"), NumberOf("1e-1"), FloatOf(0.1),
		FloatOf(1.0 / 3), NumberOf("0.3333333333333333"), NumberOf("3333333333333333e-16"), NumberOf("123456.789"), FloatOf(123456.789),
		IntOf(1 << 53), IntOf(1<<53 + 1), NumberOf("9007199254740993.0"), FloatOf(1 << 54), IntOf(1 << 54),
		IntOf(math.MaxInt64), IntOf(math.MinInt64), FloatOf(math.MinInt64), NumberOf("-9223372036854775808.0"), NumberOf("9223372036854775807.0"),
		NumberOf("12345678901234567890"), NumberOf("12345678901234567891"), NumberOf("123456789012345678900e-1"),
		FloatOf(1e20), NumberOf("1e20"), NumberOf("100000000000000000000"), NumberOf("-1e20"), FloatOf(1e21), NumberOf("1e21"),
		NumberOf("1e305"), FloatOf(1e305), NumberOf("10e304"), NumberOf("1e400"), NumberOf("1e999999999999"), FloatOf(math.Inf(1)), FloatOf(math.Inf(-1)), NumberOf("-1e500"),
		FloatOf(5e-324), NumberOf("5e-324"), NumberOf("1e-299"), FloatOf(1e-299),
		TextOf(""), TextOf("a"), TextOf("1"), TextOf("0.1"), BytesOf(nil), BytesOf([]byte("a")), TextOf(strings.Repeat("x", 200)),
		list(), list(list()), list(list(), list()), list(NullValue), list(IntOf(1), IntOf(2)), list(FloatOf(1), NumberOf("2.0")), list(list(IntOf(1)), IntOf(2)), list(list(IntOf(1), IntOf(2))),
		object(), object(Field{"a", IntOf(1)}), object(Field{"a", FloatOf(1)}, Field{"b", list()}), object(Field{"b", list()}, Field{"a", NumberOf("1.0")}), object(Field{"a1", NullValue}), object(Field{"b", IntOf(1)}),
	}
	for _, a := range all {
		for _, b := range all {
			if same := keyOf(a) == keyOf(b); same != a.Equal(b) {
				t.Errorf("%s %q %v and %s %q %v: equal %v, same key %v", a.Kind(), a.Text(), a.Float(), b.Kind(), b.Text(), b.Float(), a.Equal(b), same)
			}
		}
	}
	if nan := FloatOf(math.NaN()); keyOf(nan) != keyOf(FloatOf(-math.NaN())) {
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
		f, same, other := FloatOf(test.float), NumberOf(test.same), NumberOf(test.other)
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
		AppendKey(nil, Value{kind: Number, num: uint64(len(s)), ptr: TextOf(s).ptr})
	}
}

func TestKeyAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 256)
	number, text := NumberOf("-12.50"), TextOf("badger")
	for name, f := range map[string]func(){
		"integer":  func() { dst = AppendKey(dst[:0], IntOf(42)) },
		"float":    func() { dst = AppendKey(dst[:0], FloatOf(0.1)) },
		"spelling": func() { dst = AppendKey(dst[:0], number) },
		"text":     func() { dst = AppendKey(dst[:0], text) },
		"null":     func() { dst = AppendKey(dst[:0], NullValue) },
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
		v, w, float := NumberOf(a), NumberOf(b), FloatOf(x)
		if same := keyOf(v) == keyOf(w); same != v.Equal(w) {
			t.Fatalf("%s and %s: equal %v, same key %v", a, b, v.Equal(w), same)
		}
		same := keyOf(v) == keyOf(float)
		switch short := v.Kind() == Int || len(a) <= 15; {
		case same && !v.Equal(float) && x == x:
			t.Fatalf("%s and float %v are unequal and have one key", a, x)
		case !same && short && v.Equal(float):
			t.Fatalf("%s and float %v are equal and have two keys", a, x)
		}
		if g := FloatOf(v.Float()); v.Equal(g) && len(a) <= 15 && keyOf(g) != keyOf(v) {
			t.Fatalf("%s and its float %v have two keys", a, v.Float())
		}
		two := AppendKey(AppendKey(nil, v), w)
		if !bytes.Equal(two, []byte(keyOf(v)+keyOf(w))) {
			t.Fatalf("keys do not follow each other")
		}
	})
}

func BenchmarkKey(b *testing.B) {
	dst := make([]byte, 0, 256)
	for _, bench := range []struct {
		name string
		v    Value
	}{{"int", IntOf(42)}, {"text", TextOf("badger-1234")}, {"spelled", NumberOf("42.50")}, {"float", FloatOf(42.5)}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendKey(dst[:0], bench.v)
			}
		})
	}
}
