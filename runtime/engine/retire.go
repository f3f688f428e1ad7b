package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime/engine/internal/uses"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/listen"
	"go.uber.org/zap"
)

// turnTimeout bounds the wait for the events that were on their way when a
// reload connected the ports anew. Who takes longer, since what is left out does
// not take its event, is answered when that ends.
const turnTimeout = 5 * time.Second

// retire makes the plan's state the present one, and ends what was left out once
// nobody is on the way to it.
func (e *Engine) retire(p *planned, change *listen.Change) {
	p.left.ended = make(chan struct{})
	p.result.Ended = p.left.ended
	limits := map[*unit]time.Duration{}
	longest := time.Duration(0)
	for _, f := range e.now.Load().flows {
		for _, u := range f.units {
			limits[u] = time.Duration(f.file.Drain.Timeout)
		}
		for _, u := range p.left.units {
			if u.component.Flow == f.file.Name {
				u.setFarewell(f.file.Drain.Restart())
			}
		}
	}
	for _, u := range p.left.units {
		longest = max(longest, limits[u])
	}
	e.mu.Lock()
	e.now.Store(p.next)
	p.left.earlier = slices.Clone(e.leaving)
	e.leaving = append(e.leaving, &p.left)
	e.mu.Unlock()
	e.retiring.Go(func() {
		defer close(p.left.ended)
		if err := e.pass(p, change); err != nil && e.reloadable.Err() == nil {
			e.log.Warn("after a reload, events are still on the way that they were on before", zap.Duration("waited", turnTimeout))
		}
		e.dismiss(&p.left, max(longest, patience))
	})
}

// pass waits until nobody is on the way to what was left out.
func (e *Engine) pass(p *planned, change *listen.Change) error {
	ctx, cancel := context.WithTimeout(e.reloadable, turnTimeout)
	defer cancel()
	err := change.Pass(ctx)
	for _, u := range p.kept.units {
		err = errors.Join(err, u.table.Pass(ctx))
	}
	for _, i := range p.kept.instances {
		err = errors.Join(err, i.Pass(ctx))
	}
	return err
}

// dismiss ends what was left out, role by role as a drain does.
func (e *Engine) dismiss(g *group, limit time.Duration) {
	over, cancel := context.WithTimeout(e.abandoned, limit)
	defer cancel()
	defer context.AfterFunc(over, func() {
		for _, u := range g.units {
			u.abandon()
		}
		for _, i := range g.instances {
			i.End()
		}
	})()
	for role := flow.Source; role <= flow.Target; role++ {
		if role == flow.Client {
			for _, before := range g.earlier {
				awaitOne(over, before.ended)
			}
			g.earlier = nil
		}
		if role > flow.Source {
			uses.Finish(over, patience, g.instances, e.log, role)
			g.awaitQueues(over, func() bool { return true })
		}
		for _, u := range g.units {
			if role == flow.Source {
				u.endFeed()
			}
			if u.shape.Role == role {
				u.end()
			}
		}
		if role == flow.Server {
			g.awaitServers(over) // their last connections close while clients end
			continue
		}
		g.await(over, role)
		if role == flow.Client {
			g.await(over, flow.Server)
		}
	}
	for _, u := range g.awaitAbandoned() {
		u.log.Error("the connector did not end, what it holds is lost")
	}
	g.account(e.log)
	e.forget(g)
}

// forget keeps the counters of what has ended, and nothing else.
func (e *Engine) forget(g *group) {
	for _, u := range g.units {
		u.forget()
	}
	for _, i := range g.instances {
		i.End()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := g.stats()
	s.Open, s.Queued, s.Waiting, s.WaitingBytes, s.Oldest = 0, 0, 0, 0, 0
	e.past.Add(s)
	e.leaving = slices.DeleteFunc(slices.Clone(e.leaving), func(other *group) bool { return other == g })
}

// awaitRetiring waits until all that reloads have left out has ended.
func (e *Engine) awaitRetiring(over context.Context) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.retiring.Wait()
	}()
	awaitOne(over, ended)
}
