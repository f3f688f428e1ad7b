package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/runtime/engine/internal/uses"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/status"
)

// Reloaded says what a reload has done. The counts are of connectors and uses of
// pipelines.
type Reloaded struct {
	Changes map[string][]graph.Change // by flow: the new ones, and those that are no more
	Count   map[graph.Fate]int
	// Ended is closed when what was left out has ended.
	Ended <-chan struct{}
}

// ErrNotRunning is the error of a reload of flows that could not start, or are
// about to end.
var ErrNotRunning = errors.New("the flows are not running, or about to end")

// Reload makes the engine run these flows instead of what it runs, as the
// package documentation says; a flow is the same as before when it has the same
// name. It returns when the new flows run. An error says what could not be
// built or prepared; then nothing has changed. It may be called from any
// goroutine: of several calls one is at work at a time, and those that come before
// the flows run wait until they do.
func (e *Engine) Reload(ctx context.Context, files []*flowfile.File) (*Reloaded, error) {
	select {
	case <-e.begun:
	case <-e.reloadable.Done():
	case <-ctx.Done():
	}
	e.reloading.Lock()
	defer e.reloading.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.reloadable, cancel)()
	if !e.isRunning() {
		return nil, ErrNotRunning
	}
	several := e.several.Load()
	p, err := e.plan(files)
	if err == nil {
		err = e.commit(ctx, p)
	}
	if err != nil {
		e.several.Store(several)
		if e.reloadable.Err() != nil {
			return nil, ErrNotRunning
		}
		return nil, err
	}
	return p.result, nil
}

func (e *Engine) isRunning() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.phase == status.Running
}

// planned is what an engine is to run next.
type planned struct {
	builders []*builder
	next     *state
	started  group // what is new
	kept     group
	left     group // what is no more
	result   *Reloaded
}

// plan builds what leads from what runs to files. It changes nothing.
func (e *Engine) plan(files []*flowfile.File) (*planned, error) {
	now := e.now.Load()
	e.several.Store(len(files) > 1)
	p := &planned{result: &Reloaded{Changes: map[string][]graph.Change{}, Count: map[graph.Fate]int{}}}
	var flows []*flowing
	for _, file := range files {
		g, former := graph.New(file), now.flow(file.Name)
		var old *graph.Graph
		if former != nil {
			old = former.graph
			if len(former.units) > 0 && len(file.Connectors) == 0 {
				p.discard()
				return nil, fmt.Errorf("flow %s: there is nothing to run in it any more: to end a flow, leave it out, or end the process", file.Name)
			}
		}
		changes := graph.Diff(old, g)
		for i := range changes {
			if former != nil {
				former.correct(&changes[i], file)
			}
		}
		b := e.builder(file, g, former, changes)
		p.builders = append(p.builders, b)
		if err := b.build(); err != nil {
			p.discard()
			return nil, err
		}
		p.note(file.Name, changes)
		flows = append(flows, b.flowing)
	}
	for _, f := range now.flows {
		if p.result.Changes[f.file.Name] == nil {
			p.note(f.file.Name, graph.Diff(f.graph, nil))
		}
	}
	p.next = stateOf(flows)
	p.divide(now)
	return p, nil
}

// correct replaces what cannot go on: a connector that has given up, and what
// has been given paths in another folder.
func (f *flowing) correct(c *graph.Change, newer *flowfile.File) {
	if !c.Stays() || c.New.Kind == graph.Edge {
		return
	}
	if u := f.units[c.Old]; u != nil && u.state() == status.Failed || f.file.Dir != newer.Dir {
		c.Fate = graph.Restart
	}
}

func (p *planned) note(name string, changes []graph.Change) {
	p.result.Changes[name] = append([]graph.Change{}, changes...)
	for _, c := range changes {
		if c.Node().Kind != graph.Edge {
			p.result.Count[c.Fate]++
		}
	}
}

// divide sorts what is new, what is kept and what is no more.
func (p *planned) divide(now *state) {
	units, instances := map[*unit]bool{}, map[*uses.Use]bool{}
	for _, u := range now.units {
		units[u] = true
	}
	for _, i := range now.instances {
		instances[i.Use] = true
	}
	for _, u := range p.next.units {
		if units[u] {
			p.kept.units = append(p.kept.units, u)
			delete(units, u)
		} else {
			p.started.units = append(p.started.units, u)
		}
	}
	for _, i := range p.next.instances {
		if instances[i.Use] {
			p.kept.instances = append(p.kept.instances, i)
			delete(instances, i.Use)
		} else {
			p.started.instances = append(p.started.instances, i)
		}
	}
	for _, u := range now.units {
		if units[u] {
			p.left.units = append(p.left.units, u)
		}
	}
	for _, i := range now.instances {
		if instances[i.Use] {
			p.left.instances = append(p.left.instances, i)
		}
	}
}

// discard gives up what was built and does not run.
func (p *planned) discard() {
	for _, b := range p.builders {
		for n, u := range b.units {
			if b.kept[n] == nil {
				u.forget()
			}
		}
		for n, i := range b.instances {
			if b.kept[n] == nil {
				i.End()
			}
		}
	}
}

// commit prepares what is new and, when all of it can be had, lets it take over.
func (e *Engine) commit(ctx context.Context, p *planned) error {
	stays := map[any]bool{}
	for _, u := range p.next.units {
		stays[u] = true
	}
	// What earlier reloads have left out may still hold addresses.
	change := e.listeners.Change(func(owner any) bool { return !stays[owner] })
	for _, u := range p.started.units {
		u.setChange(change)
	}
	err := e.prepare(ctx, p.started.units)
	if err == nil {
		if err = change.Commit(); err != nil {
			for _, u := range p.started.units {
				u.release()
				u.table.Close(err)
			}
		}
	}
	if err != nil {
		p.discard()
		return err
	}
	for _, i := range p.started.instances {
		i.Start()
	}
	e.taps.mu.Lock() // until the new state is the present one
	for _, b := range p.builders {
		b.connect(false)
	}
	fed := p.left.fed()
	for _, u := range p.started.units {
		u.setChange(nil)
		u.findSource()
		u.feedAfter(fed)
		go u.supervise(u.running, u.feeding)
	}
	for _, b := range p.builders {
		b.connect(true)
		for _, u := range b.units {
			u.setFarewell(b.file.Drain.Farewell())
		}
	}
	for _, u := range p.kept.units {
		u.findSource()
	}
	e.retire(p, change)
	e.taps.dismiss(p.next)
	e.taps.mu.Unlock()
	e.holdBack()
	if len(p.started.units) > 0 {
		e.tellRoutes(p.started.units)
	}
	e.sourceEnded()
	return nil
}

// String sums the reload up, for a log.
func (r *Reloaded) String() string {
	return fmt.Sprintf("%d kept, %d rewired, %d started, %d restarted, %d stopped",
		r.Count[graph.Keep], r.Count[graph.Rewire], r.Count[graph.Start], r.Count[graph.Restart], r.Count[graph.Stop])
}
