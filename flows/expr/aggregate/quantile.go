package aggregate

import (
	"math"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
)

// MaxExact is up to how many numbers a quantile is exact: 8 KiB of them. From
// then on they are counted in buckets whose borders are 2 % apart, so that the
// middle of a bucket is within 1 % of each number in it. There are at most
// [maxBuckets] of them for positive numbers, and as many for negative ones (16
// KiB each), which is enough for sizes that differ by a factor of 10^17; what
// is smaller than that counts as the smallest of these.
const MaxExact = 1000

const (
	accuracy   = 0.01
	gamma      = (1 + accuracy) / (1 - accuracy)
	maxBuckets = 2048
)

var logGamma = math.Log(gamma)

// sketch counts numbers by their size.
type sketch struct {
	n, zeros       uint64
	least, most    float64
	plus, negative buckets
}

// buckets counts positive numbers: counts[i] those in (gamma^(base+i-1),
// gamma^(base+i)].
type buckets struct {
	n      uint64
	base   int
	counts []uint64
}

func (k *kept) measure(f float64) {
	if k.sketch == nil && len(k.exact) < MaxExact {
		k.exact = append(k.exact, f)
		return
	}
	k.intoSketch()
	k.sketch.add(f)
}

func (k *kept) intoSketch() {
	if k.sketch != nil {
		return
	}
	k.sketch = &sketch{}
	for _, f := range k.exact {
		k.sketch.add(f)
	}
	k.exact = nil
}

// quantile is the number of rank ceil(share * n), counted from 1.
func (k *kept) quantile(share float64) flow.Value {
	if k.sketch != nil {
		return flow.FloatOf(k.sketch.quantile(share))
	}
	sorted := slices.Sorted(slices.Values(k.exact))
	f := sorted[rank(share, uint64(len(sorted)))-1]
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return flow.IntOf(int64(f))
	}
	return flow.FloatOf(f)
}

func rank(share float64, n uint64) uint64 {
	return min(n, max(1, uint64(math.Ceil(share*float64(n)))))
}

func (s *sketch) add(f float64) {
	if s.n == 0 || f < s.least {
		s.least = f
	}
	if s.n == 0 || f > s.most {
		s.most = f
	}
	s.n++
	switch {
	case f > 0:
		s.plus.add(bucketOf(f), 1)
	case f < 0:
		s.negative.add(bucketOf(-f), 1)
	default:
		s.zeros++
	}
}

func bucketOf(f float64) int { return int(math.Ceil(math.Log(f) / logGamma)) }

// middle is at most 1 % away from every number in bucket i.
func middle(i int) float64 { return 2 * math.Exp(float64(i)*logGamma) / (gamma + 1) }

func (s *sketch) merge(later *sketch) {
	if later.n == 0 {
		return
	}
	if s.n == 0 {
		s.least, s.most = later.least, later.most
	}
	s.least, s.most = min(s.least, later.least), max(s.most, later.most)
	s.n += later.n
	s.zeros += later.zeros
	s.plus.merge(&later.plus)
	s.negative.merge(&later.negative)
}

func (s *sketch) quantile(share float64) float64 {
	r := rank(share, s.n)
	var f float64
	switch {
	case r == 1:
		return s.least
	case r == s.n:
		return s.most
	case r <= s.negative.n: // the largest sizes come first
		f = -middle(s.negative.find(s.negative.n - r + 1))
	case r <= s.negative.n+s.zeros:
		f = 0
	default:
		f = middle(s.plus.find(r - s.negative.n - s.zeros))
	}
	return min(max(f, s.least), s.most)
}

// find returns the bucket of the number of rank r by size.
func (b *buckets) find(r uint64) int {
	for i, n := range b.counts {
		if r <= n {
			return b.base + i
		}
		r -= n
	}
	return b.base + len(b.counts) - 1
}

// add counts n numbers of bucket i.
func (b *buckets) add(i int, n uint64) {
	b.n += n
	b.reach(i)
	b.counts[max(0, i-b.base)] += n
}

// reach makes room for bucket i. Where there are too many, the lowest are put
// together.
func (b *buckets) reach(i int) {
	if len(b.counts) == 0 {
		b.base, b.counts = i, make([]uint64, 1)
		return
	}
	top := b.base + len(b.counts) - 1
	high := max(top, i)
	low := max(min(b.base, i), high-maxBuckets+1)
	if low == b.base && high == top {
		return
	}
	counts := make([]uint64, high-low+1)
	for j, n := range b.counts {
		counts[max(0, b.base+j-low)] += n
	}
	b.base, b.counts = low, counts
}

func (b *buckets) merge(later *buckets) {
	for j := len(later.counts) - 1; j >= 0; j-- { // from the top, so that little is put together
		if n := later.counts[j]; n > 0 {
			b.add(later.base+j, n)
		}
	}
}
