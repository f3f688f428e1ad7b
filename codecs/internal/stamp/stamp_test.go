package stamp

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		format Format
		ns     int64
		want   flow.Value
	}{
		{Double, 1795227184605520000, flow.NumberOf("1795227184.60552")},
		{Double, 1795227184605520123, flow.NumberOf("1795227184.605520123")},
		{Double, 1795227184000000000, flow.NumberOf("1795227184.0")},
		{Double, -1, flow.NumberOf("-0.000000001")},
		{Double, 0, flow.NumberOf("0.0")},
		{Epoch, 1795227190999999999, flow.IntOf(1795227190)},
		{Epoch, -1, flow.IntOf(-1)},
		{EpochMs, 1795227193605516000, flow.IntOf(1795227193605)},
		{ISO8601, 1795227187605516000, flow.TextOf("2026-11-21T02:13:07.605516Z")},
		{ISO8601, 1795227187000000000, flow.TextOf("2026-11-21T02:13:07.000000Z")},
		{JavaSQL, 1795227196605547000, flow.TextOf("2026-11-21 02:13:16.605547")},
	} {
		if got := test.format.Of(test.ns); !got.Equal(test.want) || got.Kind() != test.want.Kind() || got.Text() != test.want.Text() {
			t.Errorf("%s of %d: %s", test.format, test.ns, cmp.Diff(test.want, got))
		}
	}
	for _, f := range []Format{Double, Epoch, EpochMs, ISO8601, JavaSQL} {
		for _, ns := range []int64{0, 1795227184000000000, -1e9, 4000000000000000000} {
			if got, ok := f.Read(f.Of(ns)); !ok || got != ns {
				t.Errorf("%s: %d is read as %d, %v", f, ns, got, ok)
			}
		}
	}
}

func TestRead(t *testing.T) {
	for _, test := range []struct {
		format Format
		v      flow.Value
		want   int64
		ok     bool
	}{
		{Double, flow.FloatOf(1795227184.60552), 1795227184605520000, true},
		{Double, flow.NumberOf("1795227184.6055201234"), 1795227184605520123, true},
		{Double, flow.NumberOf("1.5e3"), 1500e9, true},
		{Double, flow.IntOf(-1), -1e9, true},
		{EpochMs, flow.IntOf(1795227184605), 1795227184605000000, true},
		{EpochMs, flow.NumberOf("1.5"), 1500000, true},
		{ISO8601, flow.TextOf("2026-11-21T03:13:07.605516123+01:00"), 1795227187605516123, true},
		{Epoch, flow.TextOf("2026-11-21 02:13:16"), 1795227196e9, true},
		{Double, flow.IntOf(math.MaxInt64), 0, false},
		{Double, flow.FloatOf(math.Inf(1)), 0, false},
		{Double, flow.FloatOf(math.NaN()), 0, false},
		{Double, flow.NumberOf("1e30"), 0, false},
		{Double, flow.NumberOf("123456789012345678901234567890"), 0, false},
		{Double, flow.TextOf(""), 0, false},
		{Double, flow.TextOf("9999-01-01T00:00:00Z"), 0, false},
		{Double, flow.TextOf("yesterday, or the day before"), 0, false},
		{Double, flow.BoolOf(true), 0, false},
		{Double, flow.NullValue, 0, false},
	} {
		if got, ok := test.format.Read(test.v); ok != test.ok || ok && got != test.want {
			t.Errorf("%s reads %s as %d, %v", test.format, cmp.Diff(flow.NullValue, test.v), got, ok)
		}
	}
}
