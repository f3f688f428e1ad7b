// Package tap copies some of the events that pass a place of a flow, for one who
// looks on: an operator, or a program that asks the management API.
//
// A [Tap] stands in the way of events for as long as somebody looks on (package
// wiring puts it there, and takes it out). It copies inside the Send that carries
// them, since events are the caller's, and hands the copies on by a bounded queue.
// It never makes a flow wait, whatever becomes of who reads:
//
//	sample    a share of the events, by chance
//	rate      so many a second at most
//	max_size  of larger ones it is told that they passed, and not what is in them
//	queue     what finds no room in it is lost
//
// What was left out at each of these is counted ([Tap.Counts]). What an event costs
// the flow that is not copied are two random numbers or so; what is copied is bounded
// by rate and size.
//
// # Secrets
//
// A copy leaves the process only as [Redaction] lets it: what is called like a
// secret ("Authorization", "token", "password") is not shown, wherever it is in the
// payload, in meta or in peer, nor is what the flow says.
package tap

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/bucket"
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Options say how much of what passes is copied.
type Options struct {
	Sample  float64 // the share of events, from 0 to 1
	Rate    int     // events a second, and at once, at most
	MaxSize int     // of a payload and what is known of it, in bytes
	Queue   int     // how many copies may wait for who reads them
}

// Tap is one who looks on at one place. All methods may be called from any
// goroutine.
type Tap struct {
	options Options
	feed    feed.Feed[Event]
	heard   *feed.Subscription[Event]
	bucket  bucket.Bucket
	gone    chan struct{}
	once    sync.Once

	passed, unsampled, overRate atomic.Uint64
}

// Counts say what became of the events that passed so far. Passed is the sum of the
// others and of those that can be read.
type Counts struct {
	Passed    uint64 `json:"passed"`
	Unsampled uint64 `json:"unsampled"` // left out by chance, as wanted
	OverRate  uint64 `json:"over_rate"` // more than so many a second
	Lost      uint64 `json:"lost"`      // there was no room for, since who reads is slow
}

// New returns a tap that copies until Close.
func New(o Options) *Tap {
	t := &Tap{options: o, gone: make(chan struct{})}
	t.bucket.SetRate(o.Rate)
	t.heard = t.feed.Subscribe(o.Queue)
	return t
}

// Events has the copies, in the order of each sender. It is never closed.
func (t *Tap) Events() <-chan Event { return t.heard.C }

// Counts counts.
func (t *Tap) Counts() Counts {
	return Counts{
		Unsampled: t.unsampled.Load(),
		OverRate:  t.overRate.Load(),
		Lost:      t.heard.Lost(),
		Passed:    t.passed.Load(), // last, so that it is no less than the sum
	}
}

// Close ends the copying. What still passes by the tap goes on unseen.
func (t *Tap) Close() { t.heard.Close() }

// Gone is told when the place is no more.
func (t *Tap) Gone() { t.once.Do(func() { close(t.gone) }) }

// Left is closed when the place is no more.
func (t *Tap) Left() <-chan struct{} { return t.gone }

// Through returns the sink that copies what it sends on to next.
func (t *Tap) Through(next flow.Sink) flow.Sink { return &through{t, next} }

type through struct {
	*Tap
	next flow.Sink
}

// Send implements flow.Sink.
func (t *through) Send(ctx context.Context, batch []flow.Event) error {
	if t.feed.Listened() {
		t.look(batch)
	}
	return t.next.Send(ctx, batch)
}

// look copies those of a batch that are wanted. They have one time, so that the rate
// that is used up for one is for all that follow.
func (t *Tap) look(batch []flow.Event) {
	before := t.passed.Add(uint64(len(batch))) - uint64(len(batch)) // counted before anybody can read a copy
	now := time.Now()
	unsampled, overRate := 0, 0
	for i := range batch {
		if t.options.Sample < 1 && rand.Float64() >= t.options.Sample { //nolint:gosec // chance, not a secret
			unsampled++
			continue
		}
		if !t.bucket.Take(now.UnixNano()) {
			overRate = len(batch) - i
			break
		}
		c := copyOf(&batch[i], now, t.options.MaxSize)
		c.Number = before + uint64(i) + 1
		t.feed.Publish(c)
	}
	if unsampled > 0 {
		t.unsampled.Add(uint64(unsampled))
	}
	if overRate > 0 {
		t.overRate.Add(uint64(overRate))
	}
}
