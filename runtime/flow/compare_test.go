package flow

import (
	"math/big"
	"regexp"
	"testing"
)

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)

// FuzzNumbers: the short way of comparing agrees with the exact one, which it
// is allowed to differ from only between a float and a spelling.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "-0", "0.1", "0.10", "1e-400", "1e400", "-1e400", "9007199254740993", "9007199254740993.0", "9007199254740992", "1e22", "10000000000000000000000", "0.30000000000000004", "123456789.12345678", "0.3"} {
		for _, w := range []string{"0", "0.1", "9007199254740992", "-1e300", "1e200", "1e22", "0.3"} {
			f.Add(s, w, 0.1)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string, x float64) {
		if len(a) > 30 || len(b) > 30 || !jsonNumber.MatchString(a) || !jsonNumber.MatchString(b) {
			return
		}
		v, w := NumberOf(a), NumberOf(b)
		got, ok := CompareNumbers(v, w)
		if back, _ := CompareNumbers(w, v); !ok || back != -got {
			t.Fatalf("%s and %s: %d %v, the other way round %d", a, b, got, ok, back)
		}
		exactV, okV := rational(v)
		exactW, okW := rational(w)
		if okV && okW && exactV.Cmp(exactW) != got {
			t.Fatalf("%s and %s: %d, exactly %d", a, b, got, exactV.Cmp(exactW))
		}
		float := FloatOf(x)
		got, ok = CompareNumbers(v, float)
		exact := new(big.Rat).SetFloat64(x)
		switch {
		case x != x:
			if ok {
				t.Fatalf("%s is comparable to NaN", a)
			}
		case v.Kind() == Number && v.Float() == x:
			if got != 0 {
				t.Fatalf("%s does not equal the float that it rounds to", a)
			}
		case exact != nil && okV:
			if want := exactV.Cmp(exact); got != want {
				t.Fatalf("%s and float %g: %d, want %d", a, x, got, want)
			}
		}
	})
}
