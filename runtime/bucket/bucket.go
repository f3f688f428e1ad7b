// Package bucket holds back what comes faster than so many a second.
package bucket

import (
	"sync/atomic"
	"time"
)

// Bucket is full at first, and holds what a second allows. It is used by any number
// of goroutines.
type Bucket struct {
	interval int64        // nanoseconds that one takes
	until    atomic.Int64 // what has been taken lasts until then
}

// most is what may be taken at once.
const most = int64(time.Second)

// SetRate says how many a second there are. It is called before Take.
func (b *Bucket) SetRate(rate int) { b.interval = int64(time.Second) / int64(max(rate, 1)) }

// Take reports whether there is one for who comes at the time now, in nanoseconds
// since 1970.
func (b *Bucket) Take(now int64) bool {
	for {
		until := b.until.Load()
		next := max(until, now) + b.interval
		if next > now+most {
			return false
		}
		if b.until.CompareAndSwap(until, next) {
			return true
		}
	}
}
