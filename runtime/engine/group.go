package engine

import (
	"context"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/engine/internal/uses"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// group is what ends together: all there is, or what a reload leaves out. Its
// waits end when it is abandoned.
type group struct {
	units     []*unit // in the order of start
	instances []uses.Place
	// Of what a reload has left out: closed when it has ended, and those that
	// earlier ones have, which may still send to it.
	ended   chan struct{}
	earlier []*group
}

// await waits for the connectors of a role, and for the Feeds with the
// sources, unless the time is over.
func (g *group) await(over context.Context, role flow.Role) {
	for _, u := range g.units {
		if role == flow.Source && u.feeder != nil {
			awaitOne(over, u.inputRunning())
		}
		if u.shape.Role == role {
			awaitOne(over, u.done)
		}
	}
}

func awaitOne(over context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-over.Done():
	}
}

// awaitServers waits until all servers have shut, and no connection of theirs is received
// from.
func (g *group) awaitServers(over context.Context) {
	tick := time.NewTicker(queueInterval)
	defer tick.Stop()
	for _, u := range g.units {
		for u.shape.Role == flow.Server && u.table.Receives() {
			select {
			case <-tick.C:
			case <-u.done:
			case <-over.Done():
				return
			}
		}
	}
}

// awaitQueues waits until what is queued at this moment has been written, or has left
// its queue where that keeps it: a client that has still to connect, or to connect again,
// must not be ended before it had a chance to. What comes later is not waited for, or a
// busy server would keep the queues of its clients filled, and the drain waiting. told
// reports whether somebody wants the end, which is not only there since all is done.
func (g *group) awaitQueues(over context.Context, told func() bool) {
	var all sync.WaitGroup
	for _, u := range g.units {
		u.table.Hurry()
		if keep := u.shape.Keep; keep != nil && keep.Dir != "" {
			all.Go(func() { u.awaitKept(over, told) })
		} else {
			u.awaitQueue(over)
		}
	}
	all.Wait()
}

func (u *unit) awaitQueue(over context.Context) {
	passed := func(s link.Stats) uint64 { return s.EventsOut + s.Lost + s.Dropped }
	tick := time.NewTicker(queueInterval)
	defer tick.Stop()
	s := u.table.Stats()
	for mark := passed(s) + s.Queued; s.Queued > 0 && passed(s) < mark; s = u.table.Stats() {
		select {
		case <-tick.C:
		case <-u.done:
			return
		case <-over.Done():
			return
		}
	}
}

// awaitKept is awaitQueue for a queue on the disk, in which nothing is lost: it is left to
// the next start when its peer is away, or somebody wants the end and the peer does not
// take it soon.
func (u *unit) awaitKept(over context.Context, told func() bool) {
	tick := time.NewTicker(queueInterval)
	defer tick.Stop()
	var since time.Time // no longer than linger from then on
	waiting, left, taken := u.table.Kept()
	for mark := left + uint64(waiting); waiting > 0 && left < mark; waiting, left, taken = u.table.Kept() {
		switch ending := told(); {
		case ending && !taken:
			return
		case !ending && (taken || u.state() == status.Connecting):
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= u.shape.Keep.Linger:
			u.table.LeaveKept()
			return
		}
		select {
		case <-tick.C:
		case <-u.done:
			return
		case <-over.Done():
			return
		}
	}
}

// awaitAbandoned gives connectors that are still running a last moment, and
// returns those that do not end.
func (g *group) awaitAbandoned() (stuck []*unit) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	over := false
	for _, u := range g.units {
		for _, done := range []<-chan struct{}{u.done, u.inputRunning()} {
			if over {
				select {
				case <-done:
					continue
				default:
				}
			} else {
				select {
				case <-done:
					continue
				case <-timer.C:
					over = true
				}
			}
			u.table.Close(errAbandoned)
			stuck = append(stuck, u)
			break
		}
	}
	return stuck
}

// fed returns what is closed when no Feed of the group is running any more.
func (g *group) fed() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, u := range g.units {
			<-u.inputRunning()
		}
	}()
	return ended
}

// stats sums up the counters of the group.
func (g *group) stats() (sum link.Stats) {
	for _, u := range g.units {
		s := u.table.Stats()
		if u.shape.Role == flow.Source || u.shape.Role == flow.Target {
			s.Open, s.Opened, s.BytesIn, s.BytesOut = 0, 0, 0, 0
		}
		sum.Add(s)
	}
	for _, i := range g.instances {
		sum.Lost += i.Lost()
	}
	return sum
}

// account logs what has passed, at the end.
func (g *group) account(log *zap.Logger) {
	for _, u := range g.units {
		s := u.table.Stats()
		u.log.Debug("passed", zap.Uint64("connections", s.Opened), zap.Uint64("events_in", s.EventsIn), zap.Uint64("events_out", s.EventsOut),
			zap.Uint64("lost", s.Lost), zap.Uint64("dropped", s.Dropped), zap.Uint64("failed", s.Failed), zap.Uint64("unheard", s.Unheard))
	}
	for _, i := range g.instances {
		i.Account(log)
	}
}
