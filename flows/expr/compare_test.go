package expr

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// FuzzNumbers: the short way of comparing agrees with the exact one, which it
// is allowed to differ from only between a float and a spelling.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "-0", "0.1", "0.10", "1e-400", "1e400", "-1e400", "9007199254740993", "9007199254740993.0", "9007199254740992", "1e22", "10000000000000000000000", "0.30000000000000004", "123456789.12345678", "0.3"} {
		for _, w := range []string{"0", "0.1", "9007199254740992", "-1e399", "1e400", "1e22", "0.3"} {
			f.Add(s, w, 0.1)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string, x float64) {
		eventA, eventB := event(t, a), event(t, b)
		if len(a) > 30 || len(b) > 30 || eventA == nil || eventB == nil {
			return
		}
		v, w := decoded(t, eventA), decoded(t, eventB)
		if !v.IsNumber() || !w.IsNumber() {
			return
		}
		got, ok := compareNumbers(v, w)
		want, wantOK := flow.CompareNumbers(v, w)
		if got != want || ok != wantOK {
			t.Fatalf("%s and %s: %d %v, want %d %v", a, b, got, ok, want, wantOK)
		}
		back, _ := compareNumbers(w, v)
		if back != -got {
			t.Fatalf("%s and %s: %d, the other way round %d", a, b, got, back)
		}
		float := flow.FloatOf(x)
		got, ok = compareNumbers(v, float)
		want, wantOK = flow.CompareNumbers(v, float)
		if rounds := v.Kind() == flow.Number && v.Float() == x; ok != wantOK || rounds && got != 0 || !rounds && got != want {
			t.Fatalf("%s and float %g: %d %v, want %d %v", a, x, got, ok, want, wantOK)
		}
	})
}

func TestEqualIsDeep(t *testing.T) {
	list := func(v ...flow.Value) flow.Value { return flow.ListOf(v) }
	object := func(k string, v flow.Value) flow.Value {
		return flow.MapOf(flow.ObjectOf(flow.Field{Key: k, Value: v}))
	}
	for _, test := range []struct {
		v, w flow.Value
		want bool
	}{
		{list(flow.IntOf(1)), list(flow.NumberOf("1.0")), true},
		{list(flow.IntOf(1)), list(flow.TextOf("1")), false},
		{list(), flow.NullValue, false},
		{object("a", flow.FloatOf(0.1)), object("a", flow.NumberOf("0.1")), true},
		{object("a", flow.NullValue), object("b", flow.NullValue), false},
		{object("a", list(flow.NullValue)), object("a", list(flow.NullValue)), true},
		{flow.BytesOf([]byte("a")), flow.BytesOf([]byte("a")), true},
		{flow.BytesOf([]byte("a")), flow.TextOf("a"), false},
	} {
		if equal(test.v, test.w) != test.want || equal(test.w, test.v) != test.want {
			t.Errorf("%s == %s: want %v", toJSON(test.v), toJSON(test.w), test.want)
		}
	}
}
