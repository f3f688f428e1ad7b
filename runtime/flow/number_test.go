package flow

import "testing"

func TestNumberOf(t *testing.T) {
	for s, want := range map[string]Kind{
		"0": Int, "-7": Int, "9223372036854775807": Int, "-9223372036854775808": Int,
		"-0": Number, "1.0": Number, "1e3": Number, "1E3": Number, "9223372036854775808": Number,
	} {
		v := NumberOf(s)
		if v.Kind() != want || want == Number && v.Text() != s {
			t.Errorf("%s: got %d %q, want %d", s, v.Kind(), v.Text(), want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { NumberOf("101.25"); NumberOf("-12"); NumberOf("1e9") }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
