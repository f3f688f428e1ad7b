package link

import (
	"errors"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/histogram"
	"github.com/flowrun/flowrun/runtime/outlet"
)

// Stats are counters of one connector since its start.
type Stats struct {
	Open         uint64 // connections now
	Opened       uint64 // connections ever
	EventsIn     uint64 // decoded
	EventsOut    uint64 // handed to a writer
	BytesIn      uint64 // of the messages that came, as the connector gave them: before processors
	BytesOut     uint64 // of the messages handed to a writer: behind processors
	Lost         uint64 // accepted for a connection that ended before they were written, or replies to one that was gone
	LostSlow     uint64 // of these, because the connection was too slow
	Dropped      uint64 // by the overflow policy of a queue
	Failed       uint64 // events in that no sink and no err port took
	Unheard      uint64 // delivered to nobody: broadcast while nobody was connected, or by a topic or an identity that nobody has
	Unconnected  uint64 // events in while nothing was connected to out
	Refused      uint64 // subscriptions that were not made
	Slow         uint64 // connections ended because their queue was full
	Confirmed    uint64 // that have left a queue which keeps them, by being confirmed
	Resent       uint64 // handed to a writer once more, since they were not confirmed when a connection was lost
	Queued       uint64 // waiting now, in queues that outlive connections
	Waiting      uint64 // events that wait now in all queues, and that are being written
	WaitingBytes uint64 // of these
	Oldest       int64  // when the first of those in queues arrived, Unix nanoseconds; 0 for none, or not known
}

// Add adds the counters of another connector, or of what was in its place.
func (s *Stats) Add(other Stats) {
	s.Open += other.Open
	s.Opened += other.Opened
	s.EventsIn += other.EventsIn
	s.EventsOut += other.EventsOut
	s.BytesIn += other.BytesIn
	s.BytesOut += other.BytesOut
	s.Lost += other.Lost
	s.LostSlow += other.LostSlow
	s.Dropped += other.Dropped
	s.Failed += other.Failed
	s.Unheard += other.Unheard
	s.Unconnected += other.Unconnected
	s.Refused += other.Refused
	s.Slow += other.Slow
	s.Confirmed += other.Confirmed
	s.Resent += other.Resent
	s.Queued += other.Queued
	s.Waiting += other.Waiting
	s.WaitingBytes += other.WaitingBytes
	s.Oldest = earlier(s.Oldest, other.Oldest)
}

// earlier is the earlier time of two, of which 0 is none.
func earlier(a, b int64) int64 {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}

// inward is what has come by connections.
type inward struct{ events, bytes uint64 }

// settle adds what a link has counted to what is counted of those that have been.
// The caller holds mu, so that whoever adds up sees it once.
func (t *Table) settle(l *Link) {
	t.past.events += l.events.Load()
	t.past.bytes += l.bytes.Load()
	if !l.out.Lasting() {
		l.out.Settle()
	}
}

// Stats returns the counters. It looks at every connection: each counts for
// itself, so that those that are busy at a time do not share memory.
func (t *Table) Stats() Stats {
	out := &t.terms.Counters
	s := Stats{
		Opened:      t.opened.Load(),
		Lost:        out.Lost.Load(),
		LostSlow:    out.LostSlow.Load(),
		Dropped:     out.Dropped.Load(),
		Failed:      t.failed.Load(),
		Unheard:     t.unheard.Load(),
		Unconnected: t.out.Dropped(),
		Refused:     t.refused.Load(),
		Slow:        out.Slow.Load(),
		Confirmed:   out.Confirmed.Load(),
		Resent:      out.Resent.Load(),
	}
	if t.single != nil { // before mu is held: its oldest event may have to be read from the disk
		s.addOutlet(t.single)
		s.Queued = uint64(t.single.Queued())
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	s.Open = uint64(len(t.links))
	s.EventsIn, s.BytesIn = t.past.events, t.past.bytes
	s.EventsOut += out.Sent.Load()
	s.BytesOut += out.Bytes.Load()
	for _, l := range t.links {
		s.EventsIn += l.events.Load()
		s.BytesIn += l.bytes.Load()
		if !l.out.Lasting() {
			s.addOutlet(l.out)
		}
	}
	for l := range t.allLanes {
		s.addOutlet(l.out)
		s.Queued += uint64(l.out.Queued())
	}
	return s
}

func (s *Stats) addOutlet(o *outlet.Outlet) {
	c := o.Counts()
	s.EventsOut += c.Events
	s.BytesOut += c.Bytes
	s.Waiting += uint64(c.Waiting)
	s.WaitingBytes += uint64(c.WaitingBytes)
	s.Oldest = earlier(s.Oldest, c.Oldest)
}

// Latency is how long events have taken from their arrival in the process until
// they were handed to a writer of this connector.
func (t *Table) Latency() histogram.Snapshot { return t.terms.Counters.Latency.Snapshot() }

// codes are how close codes are told apart: those that RFC 6455 gives a meaning,
// those of libraries, those of applications, and that there was none.
const (
	firstCode = 1000
	lastCode  = 1015

	libraries    = lastCode - firstCode + 1
	applications = libraries + 1
	noCode       = libraries + 2
	codes        = libraries + 3
)

// endings count connections that have ended, by code and cause.
type endings [codes][len(flow.Causes)]atomic.Uint64

// Ending says how many connections have ended in one way.
type Ending struct {
	Code  string // "1000" to "1015", "3xxx", "4xxx", "none"
	Cause flow.Cause
	Count uint64
}

// endingOf takes apart the reason that a link was closed for.
func endingOf(reason error) flow.Ended {
	if reason == nil {
		return flow.Ended{Cause: flow.EndedDone} // most often, and nothing is allocated
	}
	if e := (*flow.Ended)(nil); errors.As(reason, &e) {
		whole := *e
		if whole.Cause == "" {
			whole.Cause = endingOf(e.Err).Cause
		}
		if reason != error(e) { //nolint:errorlint // what is wrapped says less
			whole.Err = reason
		}
		return whole
	}
	return flow.Ended{Err: reason, Cause: flow.EndedLost}
}

func (t *Table) countEnd(code int, cause flow.Cause) {
	t.endings[codeClass(code)][slices.Index(flow.Causes[:], cause)].Add(1)
}

func codeClass(code int) int {
	switch {
	case firstCode <= code && code <= lastCode:
		return code - firstCode
	case 3000 <= code && code <= 3999:
		return libraries
	case 4000 <= code && code <= 4999:
		return applications
	}
	return noCode
}

func className(class int) string {
	switch class {
	case libraries:
		return "3xxx"
	case applications:
		return "4xxx"
	case noCode:
		return "none"
	}
	return strconv.Itoa(firstCode + class)
}

// Endings tells how connections have ended so far.
func (t *Table) Endings() (all []Ending) {
	for class := range t.endings {
		for i := range t.endings[class] {
			if n := t.endings[class][i].Load(); n > 0 {
				all = append(all, Ending{className(class), flow.Causes[i], n})
			}
		}
	}
	return all
}
