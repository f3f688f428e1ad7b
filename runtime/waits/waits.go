// Package waits says how long it takes until something that has failed is tried again:
// times that grow, at random, up to a longest one, so that clients of one server do
// not come back together.
package waits

import (
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Waits are the times between attempts to do one thing. One goroutine uses them.
type Waits struct {
	backoff.ExponentialBackOff
	longest time.Duration
}

const jitter = 0.5 // waits are 50% to 150% of the computed ones

// Terms say how long waits are, and how often they make sense, as the blocks of flows
// do that have these arguments.
type Terms struct {
	Interval    setting.Duration // the first
	GrowthRate  float64          // factor from one to the next
	MaxInterval setting.Duration // the longest
	Randomized  bool
	MaxRetries  int // attempts, which whoever waits counts; 0 for no limit
}

// New returns the waits of one thing.
func New(r Terms) *Waits {
	w := &Waits{longest: time.Duration(r.MaxInterval)}
	w.ExponentialBackOff = backoff.ExponentialBackOff{
		InitialInterval: time.Duration(r.Interval),
		Multiplier:      r.GrowthRate,
		MaxInterval:     w.longest,
		Clock:           backoff.SystemClock,
	}
	if r.Randomized {
		// What is computed stops where chance can reach the longest wait, or
		// else half of all waits would be exactly that one.
		w.RandomizationFactor = jitter
		w.MaxInterval = time.Duration(float64(w.longest) / (1 + jitter))
	}
	w.InitialInterval = min(w.InitialInterval, w.MaxInterval)
	w.Reset()
	return w
}

// Next is how long to wait this time: a little longer each time, until Reset.
func (w *Waits) Next() time.Duration { return min(w.NextBackOff(), w.longest) }
