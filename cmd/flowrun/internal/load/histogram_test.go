package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Quantiles are within 0.4 % of those of the sorted numbers, whatever the
// numbers are, and merged parts say the same as the whole.
func TestQuantiles(t *testing.T) {
	spreads := map[string]func(*rand.Rand) int64{
		"alike":       func(r *rand.Rand) int64 { return 100_000 + r.Int64N(1000) },
		"small":       func(r *rand.Rand) int64 { return r.Int64N(300) },
		"exponential": func(r *rand.Rand) int64 { return int64(r.ExpFloat64() * 1e6) },
		"all sizes":   func(r *rand.Rand) int64 { return r.Int64() >> r.IntN(63) },
		"two humps":   func(r *rand.Rand) int64 { return 50_000 + 10_000_000_000*(r.Int64N(100)/99) },
		"the same":    func(*rand.Rand) int64 { return math.MaxInt64 },
	}
	for name, draw := range spreads {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for range 50 {
				var whole, merged Histogram
				parts := make([]Histogram, 3)
				numbers := make([]int64, 1+r.IntN(3000))
				for i := range numbers {
					numbers[i] = draw(r)
					whole.Add(time.Duration(numbers[i]))
					parts[r.IntN(len(parts))].Add(time.Duration(numbers[i]))
				}
				for i := range parts {
					merged.Merge(&parts[i])
				}
				if merged.counts != whole.counts || merged.n != whole.n || merged.least != whole.least || merged.max != whole.max {
					t.Fatal("the parts together say something else than the whole")
				}
				slices.Sort(numbers)
				if got := whole.Min(); got != time.Duration(numbers[0]) {
					t.Fatalf("the least is %d, not %d", got, numbers[0])
				}
				for _, share := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.999, 1} {
					want := numbers[min(len(numbers), max(1, int(math.Ceil(share*float64(len(numbers))))))-1]
					got := int64(whole.Quantile(share))
					if math.Abs(float64(got)-float64(want)) > 0.004*float64(want) {
						t.Fatalf("quantile %v of %d numbers is %d, not %d", share, len(numbers), got, want)
					}
				}
			}
		})
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h, other Histogram
	h.Merge(&other)
	if h.Count() != 0 || h.Min() != 0 || h.Mean() != 0 || h.Max() != 0 || h.Quantile(0.5) != 0 {
		t.Error("an empty histogram says something")
	}
	h.Add(-time.Second)
	if h.Count() != 1 || h.Max() != 0 {
		t.Error("a negative duration is not counted as 0")
	}
}

// Buckets follow each other without a gap.
func TestBuckets(t *testing.T) {
	var h Histogram
	last := bucketOf(math.MaxInt64)
	if last != len(h.counts)-1 {
		t.Errorf("the last bucket is %d of %d", last, len(h.counts))
	}
	for i := range last {
		if bucketOf(middleOf(i)) != i || middleOf(i) >= middleOf(i+1) {
			t.Fatalf("the middle of bucket %d is %d, which is in %d; that of the next is %d", i, middleOf(i), bucketOf(middleOf(i)), middleOf(i+1))
		}
	}
}

func BenchmarkHistogram(b *testing.B) {
	var h Histogram
	for i := range b.N {
		h.Add(time.Duration(i & 0xfffff))
	}
}
