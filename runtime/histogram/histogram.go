// Package histogram counts durations in buckets, so that somebody who looks later
// sees how they are spread: how long events take, or answers to pings.
//
// The limits of the buckets are the same for all, from ten microseconds to ten
// seconds, and those of Prometheus' convention: a duration is counted where it is
// at most the limit. To count is a look at a few numbers and two additions: it
// allocates nothing and takes no lock.
package histogram

import (
	"sync/atomic"
	"time"
)

// limits are those of the buckets; above the last is one more.
var limits = [...]int64{
	10e3, 25e3, 50e3, 100e3, 250e3, 500e3, // nanoseconds
	1e6, 2.5e6, 5e6, 10e6, 25e6, 50e6, 100e6, 250e6, 500e6,
	1e9, 2.5e9, 5e9, 10e9,
}

// Durations is a histogram. The zero value is empty. Its methods may be called
// from any goroutine.
type Durations struct {
	counts [len(limits) + 1]atomic.Uint64
	sum    atomic.Uint64 // nanoseconds
}

// Add counts a duration n times. Less than nothing, as when the clock was set
// back, is nothing.
func (d *Durations) Add(took time.Duration, n uint64) {
	ns := max(int64(took), 0)
	i := 0
	for i < len(limits) && ns > limits[i] {
		i++
	}
	d.counts[i].Add(n)
	d.sum.Add(uint64(ns) * n)
}

// Snapshot is what a histogram has counted.
type Snapshot struct {
	Sum    time.Duration
	Counts [len(limits) + 1]uint64 // by bucket; the last has what is above all limits
}

// Snapshot returns what has been counted so far.
func (d *Durations) Snapshot() (s Snapshot) {
	for i := range d.counts {
		s.Counts[i] = d.counts[i].Load()
	}
	s.Sum = time.Duration(d.sum.Load())
	return s
}

// Count is how many durations there are.
func (s *Snapshot) Count() (n uint64) {
	for _, c := range s.Counts {
		n += c
	}
	return n
}

// UpTo returns, for each limit in seconds, how many durations are at most that.
func (s *Snapshot) UpTo() map[float64]uint64 {
	upTo := make(map[float64]uint64, len(limits))
	n := uint64(0)
	for i, limit := range limits {
		n += s.Counts[i]
		upTo[time.Duration(limit).Seconds()] = n
	}
	return upTo
}
