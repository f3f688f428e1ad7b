package aggregate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/flowrun/flowrun/runtime/flow"
)

// over is what name comes to over values, added in runs that are merged: cuts
// are where the runs begin.
func over(t testing.TB, c *Call, values []flow.Value, cuts ...int) (flow.Value, error) {
	t.Helper()
	var s State
	cuts = append(cuts, len(values))
	from := 0
	for _, to := range cuts {
		var run State
		for _, v := range values[from:to] {
			in := Read(v)
			if err := c.Check(&run, &in); err != nil {
				return flow.NullValue, err
			}
			c.Add(&run, &in)
		}
		c.Merge(&s, &run)
		from = to
	}
	return c.Value(&s)
}

func numbers(list ...float64) []flow.Value {
	var values []flow.Value
	for _, f := range list {
		values = append(values, flow.FloatOf(f))
	}
	return values
}

func TestSums(t *testing.T) {
	const big = math.MaxInt64
	ints := func(list ...int64) []flow.Value {
		var values []flow.Value
		for _, i := range list {
			values = append(values, flow.IntOf(i))
		}
		return values
	}
	tenths := slices.Repeat([]flow.Value{flow.NumberOf("0.1")}, 10)
	for _, test := range []struct {
		name   string
		values []flow.Value
		want   flow.Value
		err    bool
	}{
		{"sum", ints(big, big, -big), flow.IntOf(big), false},
		{"sum", ints(-big, -big, -2, big), flow.NullValue, true},
		{"sum", ints(math.MinInt64, math.MinInt64, 1, big, big, 1), flow.IntOf(0), false},
		{"sum", ints(big, 1), flow.NullValue, true},
		{"sum", tenths, flow.FloatOf(1), false},
		{"sum", append(ints(big), numbers(0.5)...), flow.FloatOf(big), false},
		{"sum", append(ints(-1), numbers(1e300, 1, -1e300)...), flow.FloatOf(0), false},
		{"sum", numbers(1e308, 1e308), flow.NullValue, true},
		{"avg", ints(big, big), flow.FloatOf(big), false},
		{"avg", ints(1, 2), flow.FloatOf(1.5), false},
		{"avg", ints(2, 4), flow.IntOf(3), false},
		{"avg", tenths, flow.FloatOf(0.1), false},
		{"stdev", numbers(2, 4, 4, 4, 5, 5, 7, 9), flow.FloatOf(math.Sqrt(32.0 / 7)), false},
		{"stdev", numbers(1e9+4, 1e9+7, 1e9+13, 1e9+16), flow.FloatOf(math.Sqrt(30)), false},
		{"stdev", numbers(5), flow.NullValue, false},
		{"min", append(ints(3), flow.NumberOf("1e0"), flow.FloatOf(2)), flow.NumberOf("1e0"), false},
		{"max", []flow.Value{flow.TextOf("b"), flow.NullValue, flow.TextOf("c")}, flow.TextOf("c"), false},
		{"sum", numbers(math.NaN()), flow.NullValue, true},
		{"max", numbers(math.NaN()), flow.NullValue, true},
	} {
		c := &Call{Function: Find(test.name)}
		for cut := range test.values {
			v, err := over(t, c, test.values, cut)
			switch {
			case err != nil && !test.err, err == nil && test.err:
				t.Errorf("%s of %v: %v %v", test.name, test.values, v, err)
			case err == nil && !test.err && !v.Equal(test.want) && math.Abs(v.Float()-test.want.Float()) > 1e-9*math.Abs(test.want.Float()):
				t.Errorf("%s of %v, cut at %d: got %v, want %v", test.name, test.values, cut, v, test.want)
			}
		}
	}
}

// TestQuantiles: exact up to MaxExact, within 1 % beyond, merged or not,
// whatever the distribution.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	shapes := map[string]func() float64{
		"uniform":  func() float64 { return r.Float64() * 1000 },
		"normal":   r.NormFloat64,
		"lifelong": func() float64 { return math.Exp(3 * r.NormFloat64()) },
		"counts":   func() float64 { return float64(r.IntN(5) - 2) },
		"negative": func() float64 { return -math.Exp(r.NormFloat64()) },
		"same":     func() float64 { return 42 },
	}
	for name, next := range shapes {
		for _, n := range []int{1, 2, 10, MaxExact, MaxExact + 1, 20_000} {
			values := make([]float64, n)
			for i := range values {
				values[i] = next()
			}
			given := numbers(values...)
			slices.Sort(values)
			for _, share := range []float64{0, 0.01, 0.5, 0.9, 0.999, 1} {
				want := values[rank(share, uint64(n))-1]
				for _, cuts := range [][]int{nil, {n / 2}, {n / 10, n / 3, n / 3}} {
					v, err := over(t, &Call{Function: Find("quantile"), Share: share}, given, cuts...)
					if off := math.Abs(v.Float() - want); err != nil || off > accuracy*math.Abs(want)*1.000001 || n <= MaxExact && off != 0 {
						t.Errorf("%s, %d values, quantile %v, cuts %v: got %v, want %v", name, n, share, cuts, v.Float(), want)
					}
				}
			}
		}
	}
}

// TestSketchIsBounded: whatever comes, and extreme sizes are put together from
// the small end.
func TestSketchIsBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var k kept
	for range 50_000 {
		f := math.Float64frombits(r.Uint64())
		if f-f == 0 {
			k.measure(f)
		}
	}
	if n, m := len(k.sketch.plus.counts), len(k.sketch.negative.counts); n > maxBuckets || m > maxBuckets || k.exact != nil {
		t.Errorf("%d and %d buckets", n, m)
	}
	if got := k.quantile(1).Float(); got != k.sketch.most {
		t.Errorf("the greatest is %v, want %v", got, k.sketch.most)
	}
	var counted uint64
	for _, n := range k.sketch.plus.counts {
		counted += n
	}
	if counted != k.sketch.plus.n || k.sketch.plus.n+k.sketch.negative.n+k.sketch.zeros != k.sketch.n {
		t.Error("the buckets do not hold what was counted")
	}
}

func TestDistinct(t *testing.T) {
	var values, want []flow.Value
	for i := range 200 {
		v := flow.IntOf(int64(i % 50))
		if i >= 100 {
			v = flow.FloatOf(float64(i % 50)) // equal to what was there
		}
		values = append(values, v)
		if i < 50 {
			want = append(want, v)
		}
	}
	for _, limit := range []int{0, 7, 30} {
		for _, cut := range []int{0, 10, 120} {
			v, err := over(t, &Call{Function: Find("distinct"), Limit: limit}, values, cut)
			if limit > 0 {
				want = want[:min(limit, len(want))]
			}
			if err != nil || limit == 0 && !v.Equal(flow.ListOf(want)) || limit > 0 && len(v.List()) != limit {
				t.Errorf("limit %d, cut at %d: got %v %v", limit, cut, v.List(), err)
			}
		}
	}
}

// TestStateSize: thousands of groups have one State per call.
func TestStateSize(t *testing.T) {
	if n := unsafe.Sizeof(State{}); n != 80 {
		t.Errorf("a State has %d bytes, the package comment says otherwise", n)
	}
	for _, name := range []string{"count", "sum", "avg", "stdev", "min", "max", "quantile"} {
		c := &Call{Function: Find(name)}
		s := &State{}
		v := flow.IntOf(1)
		if name == "count" {
			v = flow.BoolOf(true)
		}
		in := Read(v)
		for range MaxExact + 2 {
			c.Add(s, &in)
		}
		if n := testing.AllocsPerRun(100, func() {
			in := Read(v)
			if err := c.Check(s, &in); err != nil {
				t.Fatal(err)
			}
			c.Add(s, &in)
		}); n != 0 {
			t.Errorf("%s: %v allocations per event", name, n)
		}
	}
}
