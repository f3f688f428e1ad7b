package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime/engine/internal/uses"
	"github.com/flowrun/flowrun/runtime/flow"
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
// all that, and what a reload has left out has ended: it may still send to what is
// there. told reports whether somebody wants the end.
func (e *Engine) drain(why string, told func() bool) int {
	start := time.Now()
	delay, limit := e.drainTimes()
	e.log.Info("draining", zap.String("why", why), zap.Duration("delay", delay), zap.Duration("timeout", limit))
	timeout := time.AfterFunc(limit, e.cut)
	defer timeout.Stop()
	sleep(e.abandoned, delay)
	e.listeners.Drain()
	g := &e.now.Load().group
	e.leave(g)
	over := e.abandoned
	e.awaitRetiring(over)
	for role := flow.Source; role <= flow.Target; role++ {
		if role > flow.Source {
			e.unfinished = uses.Finish(over, patience, g.instances, e.log, role) || e.unfinished
			g.awaitQueues(over, told)
		}
		e.stages[role].cancel()
		switch role {
		case flow.Server:
			g.awaitServers(over)
			defer time.AfterFunc(answersWithin, e.settle).Stop()
		case flow.Client:
			g.await(over, role)
			e.settle()
			g.await(over, flow.Server)
		default:
			g.await(over, role)
		}
	}
	stuck := g.awaitAbandoned()
	e.awaitRetiring(context.Background())
	e.listeners.Close()
	code := e.end.Final(e.account(stuck, time.Since(start)))
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
	for _, f := range e.now.Load().flows {
		delay = max(delay, time.Duration(f.file.Drain.Delay))
		timeout = max(timeout, time.Duration(f.file.Drain.Timeout))
	}
	return delay, timeout
}

// leave ends the servers that spread their goodbyes, while everything else goes
// on: until its turn comes, a connection is served as ever.
func (e *Engine) leave(g *group) {
	slow := func(u *unit) bool { return u.shape.Role == flow.Server && u.Farewell().Spread > 0 }
	for _, u := range g.units {
		if slow(u) {
			u.end()
		}
	}
	for _, u := range g.units {
		if slow(u) {
			awaitOne(e.abandoned, u.done)
		}
	}
}

// settle waits until nothing more comes for a connection of a server that takes
// leave, or until ctx ends. When the whole process ends, that is when its
// clients have ended. A server that ends before, or alone, waits for the answers
// of clients as long as they may take, if an edge leads to it: others would never stop
// talking.
func (u *unit) settle(ctx context.Context) {
	e := u.engine
	if e.stages[flow.Server].ctx.Err() == nil {
		if u.table.Addressed() && slices.ContainsFunc(e.now.Load().units, func(u *unit) bool { return u.shape.Role == flow.Client }) {
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
	before := e.Total()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned.Err() == nil {
		e.beforeCut = before
		e.abandon()
	}
}

// account logs what has passed, and reports whether a drain that was cut short
// lost something.
func (e *Engine) account(stuck []*unit, took time.Duration) (lost bool) {
	now := e.now.Load()
	now.account(e.log)
	for _, f := range now.flows {
		for name, edge := range f.edges {
			e.log.Debug("passed", zap.String("flow", f.file.Name), zap.String("connect", name), zap.Uint64("delivered", edge.Delivered.Load()),
				zap.Uint64("failed", edge.Failed.Load()), zap.Uint64("filtered", edge.Filtered.Load()))
		}
	}
	for _, u := range stuck {
		u.log.Error("the connector did not end, what it holds is lost")
	}
	s := e.Total()
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
