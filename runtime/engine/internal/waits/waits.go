// Package waits says how long a connector that lost its world waits before it tries
// again: times that grow, at random, up to a longest one, so that clients of one
// server do not come back together.
package waits

import (
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// Waits are the times between the attempts of one connector. One goroutine uses them.
type Waits struct {
	backoff.ExponentialBackOff
	longest time.Duration
}

const jitter = 0.5 // waits are 50% to 150% of the computed ones

// New returns those that a `reconnect` block speaks of.
func New(r flowfile.Reconnect) *Waits {
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
