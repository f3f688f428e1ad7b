package load

import (
	"math"
	"math/bits"
	"time"
)

// precision is how many bits of a number a bucket tells: the buckets between
// two powers of two are 128, so that the middle of one is within 0.4 % of
// every number in it.
const precision = 7

// Histogram counts durations from 0 to 2^63-1 ns in buckets whose width grows
// with the number: it takes 57 KiB, whatever is counted, and counting needs no
// logarithm. The zero value is empty. It is not safe for concurrent use.
type Histogram struct {
	counts     [(64 - precision) << precision]uint64
	n          uint64
	sum        float64
	least, max int64
}

// Add counts a duration; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	v := max(0, int64(d))
	if h.n == 0 || v < h.least {
		h.least = v
	}
	h.max = max(h.max, v)
	h.n++
	h.sum += float64(v)
	h.counts[bucketOf(v)]++
}

// Merge counts what other has counted.
func (h *Histogram) Merge(other *Histogram) {
	if other.n == 0 {
		return
	}
	if h.n == 0 || other.least < h.least {
		h.least = other.least
	}
	h.max = max(h.max, other.max)
	h.n += other.n
	h.sum += other.sum
	for i, n := range other.counts {
		h.counts[i] += n
	}
}

// Count is how many durations have been counted.
func (h *Histogram) Count() uint64 { return h.n }

// Min is the shortest. Like Mean and Max it is exact, and 0 when nothing has
// been counted.
func (h *Histogram) Min() time.Duration { return time.Duration(h.least) }

// Mean is the average.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.sum / float64(h.n))
}

// Max is the longest.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Quantile returns the duration of rank ceil(share * count), counted from 1,
// within 0.4 %; 0 when nothing has been counted.
func (h *Histogram) Quantile(share float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := min(h.n, max(1, uint64(math.Ceil(share*float64(h.n)))))
	if rank == h.n {
		return h.Max()
	}
	i := 0
	for seen := h.counts[0]; seen < rank; seen += h.counts[i] {
		i++
	}
	return time.Duration(min(max(middleOf(i), h.least), h.max))
}

// bucketOf finds the bucket of v, which is not negative: below 2^(precision+1)
// each number has its own; above, its highest bits choose.
func bucketOf(v int64) int {
	shift := max(0, bits.Len64(uint64(v))-precision-1)
	return shift<<precision + int(v>>shift)
}

// middleOf is the number in the middle of bucket i.
func middleOf(i int) int64 {
	shift := max(0, i>>precision-1)
	return int64(i-shift<<precision)<<shift + 1<<shift>>1
}
