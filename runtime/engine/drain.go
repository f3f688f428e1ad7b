package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/link"
	"go.uber.org/zap"
)

// patience is how long a connector may take to notice that it has been
// abandoned.
const patience = time.Second

// queueInterval is how often a drain looks whether a queue has been written.
const queueInterval = 5 * time.Millisecond

var errAbandoned = errors.New("the process did not wait any longer")

// answersWithin is how long servers put off their goodbye for answers that come
// by way of clients.
const answersWithin = time.Second

// drain ends all connectors, role by role, and returns the exit code. Before a
// role ends, it is given what pipelines hold for it. Servers stop receiving
// before clients end, but say goodbye only then: what clients still hear may be
// answers for them. Servers that spread their goodbyes have said them before
// all that.
func (e *Engine) drain(why string) int {
	start := time.Now()
	delay, limit := e.drainTimes()
	e.log.Info("draining", zap.String("why", why), zap.Duration("delay", delay), zap.Duration("timeout", limit))
	timeout := time.AfterFunc(limit, e.cut)
	defer timeout.Stop()
	sleep(e.abandoned, delay)
	e.listeners.Drain()
	e.leave()
	for role := flow.Source; role <= flow.Target; role++ {
		if role > flow.Source {
			e.finishInstances(role)
			e.awaitQueues()
		}
		e.stages[role].cancel()
		switch role {
		case flow.Server:
			e.awaitServers()
			defer time.AfterFunc(answersWithin, e.settle).Stop()
		case flow.Client:
			e.await(role)
			e.settle()
			e.await(flow.Server)
		default:
			e.await(role)
		}
	}
	stuck := e.awaitAbandoned()
	e.listeners.Close()
	code := e.end.final(e.account(stuck, time.Since(start)))
	e.log.Info("exit", zap.Int("code", code))
	return code
}

// DrainTimeout is how long a drain takes at most.
func (e *Engine) DrainTimeout() time.Duration {
	_, limit := e.drainTimes()
	return limit
}

// drainTimes are those that concern the process as a whole: the longest that
// its flows ask for.
func (e *Engine) drainTimes() (delay, timeout time.Duration) {
	for _, f := range e.files {
		delay = max(delay, time.Duration(f.Drain.Delay))
		timeout = max(timeout, time.Duration(f.Drain.Timeout))
	}
	return delay, timeout
}

// leave ends the servers that spread their goodbyes, while everything else goes
// on: until its turn comes, a connection is served as ever.
func (e *Engine) leave() {
	slow := func(u *unit) bool { return u.shape.Role == flow.Server && u.farewell.Spread > 0 }
	for _, u := range e.units {
		if slow(u) {
			u.end()
		}
	}
	for _, u := range e.units {
		if slow(u) {
			e.awaitOne(u.done)
		}
	}
}

// settle waits until nothing more comes for a connection of a server that takes
// leave, or until ctx ends. When the whole process ends, that is when its
// clients have ended. A server that ends before, or alone, waits for the answers
// of clients as long as they may take: others would never stop talking.
func (u *unit) settle(ctx context.Context) {
	e := u.engine
	if e.stages[flow.Server].ctx.Err() == nil {
		if slices.ContainsFunc(e.units, func(u *unit) bool { return u.shape.Role == flow.Client }) {
			sleep(ctx, answersWithin)
		}
		return
	}
	select {
	case <-e.settled.Done():
	case <-ctx.Done():
	}
}

// cut ends the time for a graceful end.
func (e *Engine) cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned.Err() == nil {
		e.beforeCut = e.total()
		e.abandon()
	}
}

// await waits for the connectors of a role, and for the Feeds with the
// sources, unless the time is over.
func (e *Engine) await(role flow.Role) {
	for _, u := range e.units {
		if role == flow.Source && u.feeder != nil {
			e.awaitOne(u.inputRunning())
		}
		if u.shape.Role == role {
			e.awaitOne(u.done)
		}
	}
}

// awaitServers waits until no connection of a server is received from.
func (e *Engine) awaitServers() {
	tick := time.NewTicker(queueInterval)
	defer tick.Stop()
	for _, u := range e.units {
		for u.shape.Role == flow.Server && u.table.Receives() {
			select {
			case <-tick.C:
			case <-u.done:
			case <-e.abandoned.Done():
				return
			}
		}
	}
}

// awaitQueues waits until what is queued at this moment has been written: a
// client that has still to connect, or to connect again, must not be ended
// before it had a chance to. What comes later is not waited for, or a busy
// server would keep the queues of its clients filled, and the drain waiting.
func (e *Engine) awaitQueues() {
	passed := func(s link.Stats) uint64 { return s.EventsOut + s.Lost + s.Dropped }
	tick := time.NewTicker(queueInterval)
	defer tick.Stop()
	for _, u := range e.units {
		s := u.table.Stats()
		for mark := passed(s) + s.Queued; s.Queued > 0 && passed(s) < mark; s = u.table.Stats() {
			select {
			case <-tick.C:
			case <-u.done:
			case <-e.abandoned.Done():
				return
			}
		}
	}
}

func (e *Engine) awaitOne(done <-chan struct{}) {
	select {
	case <-done:
	case <-e.abandoned.Done():
	}
}

// awaitAbandoned gives connectors that are still running a last moment, and
// returns those that do not end.
func (e *Engine) awaitAbandoned() (stuck []*unit) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	over := false
	for _, u := range e.units {
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

// account logs what has passed, and reports whether a drain that was cut short
// lost something.
func (e *Engine) account(stuck []*unit, took time.Duration) (lost bool) {
	for _, u := range e.units {
		s := u.table.Stats()
		u.log.Debug("passed", zap.Uint64("connections", s.Opened), zap.Uint64("events_in", s.EventsIn), zap.Uint64("events_out", s.EventsOut),
			zap.Uint64("lost", s.Lost), zap.Uint64("dropped", s.Dropped), zap.Uint64("failed", s.Failed), zap.Uint64("unheard", s.Unheard))
	}
	for _, edge := range e.bestEffort {
		edge.Log.Debug("passed", zap.Uint64("failed", edge.Failed()))
	}
	for _, i := range e.instances {
		i.account(e.log)
	}
	for _, u := range stuck {
		u.log.Error("the connector did not end, what it holds is lost")
	}
	s := e.total()
	if e.abandoned.Err() != nil {
		e.mu.Lock()
		n := s.Lost + s.Failed - e.beforeCut.Lost - e.beforeCut.Failed
		e.mu.Unlock()
		e.log.Warn("the drain was cut short", zap.Uint64("events_lost", n))
		lost = n > 0 || len(stuck) > 0 || e.unfinished
	}
	level := zap.InfoLevel
	if s.Lost+s.Dropped+s.Failed > 0 {
		level = zap.WarnLevel // not everything has arrived
	}
	e.log.Log(level, "drained", zap.Duration("took", took), zap.Uint64("events_in", s.EventsIn), zap.Uint64("events_out", s.EventsOut),
		zap.Uint64("lost", s.Lost), zap.Uint64("dropped", s.Dropped), zap.Uint64("failed", s.Failed))
	return lost
}

// total sums up the counters of all connectors, and what pipelines have lost.
func (e *Engine) total() link.Stats {
	var sum link.Stats
	for _, u := range e.units {
		s := u.table.Stats()
		sum.Opened += s.Opened
		sum.EventsIn += s.EventsIn
		sum.EventsOut += s.EventsOut
		sum.Lost += s.Lost
		sum.Dropped += s.Dropped
		sum.Failed += s.Failed
		sum.Queued += s.Queued
	}
	for _, i := range e.instances {
		sum.Lost += i.Lost()
	}
	return sum
}
