package engine

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"go.uber.org/zap"
)

// instance is one use of a pipeline.
type instance struct {
	*pipeline.Instance
	name     string
	once     sync.Once
	finished chan struct{} // closed when it has let go what it held
	givenUp  atomic.Bool   // nobody waits for that any more
	running  context.Context
	end      context.CancelFunc // of its waits
}

func (e *Engine) newInstance(i *pipeline.Instance, file, id string) *instance {
	if e.several.Load() {
		id = file + ": " + id
	}
	n := &instance{Instance: i, name: id, finished: make(chan struct{})}
	n.running, n.end = context.WithCancel(e.abandoned)
	return n
}

// finish lets go what it holds, once.
func (i *instance) finish() {
	i.once.Do(func() {
		i.Finish()
		close(i.finished)
	})
}

// place is where an instance stands in a flow. Its steps may hold events, which
// leave before the first of the connectors that they can go to is told to end.
type place struct {
	*instance
	before flow.Role   // the role of that connector
	after  []*instance // those that lead to it
}

// places lists the instances in the order in which events pass them.
func (f *flowing) places() (all []place) {
	for _, n := range f.graph.Instances() {
		// Nothing is sent to a source, but what would be leaves before a server.
		all = append(all, place{f.instances[n], max(f.graph.LeadsTo(n), flow.Server), f.leadTo(n)})
	}
	return all
}

// leadTo returns the instances from which events come to n next.
func (f *flowing) leadTo(n *graph.Node) (all []*instance) {
	for _, w := range f.graph.Wires {
		switch {
		case w.To != n:
		case w.From.Kind == graph.Pipeline:
			all = append(all, f.instances[w.From])
		case w.From.Kind == graph.Edge:
			all = append(all, f.leadTo(w.From)...)
		}
	}
	return all
}

// finish lets go what is held for connectors of a role: each instance after
// those of the group that lead to it, and apart from all others, which may be
// stuck. From then on these instances hold nothing longer than a Send takes. It
// reports whether one could not let go what it holds before the time was over.
func (g *group) finish(over context.Context, log *zap.Logger, role flow.Role) (unfinished bool) {
	mine := map[*instance]bool{}
	for _, i := range g.instances {
		mine[i.instance] = true
	}
	for _, i := range g.instances {
		if i.before == role {
			go func() {
				for _, lead := range i.after {
					if mine[lead] {
						<-lead.finished
					}
				}
				i.finish()
			}()
		}
	}
	for _, i := range g.instances {
		if i.before == role {
			awaitOne(over, i.finished)
		}
	}
	last, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, i := range g.instances {
		if i.before != role {
			continue
		}
		select {
		case <-i.finished:
		case <-last.Done():
			unfinished = true
			i.givenUp.Store(true)
			log.Error("what a pipeline holds could not be sent, it is lost", zap.String("instance", i.name), zap.Int("held", i.Held()))
		}
	}
	return unfinished
}

// Lost counts what the instance has lost, and what it holds when nobody waits
// for it any more.
func (i *instance) Lost() uint64 {
	n := i.Instance.Lost()
	if i.givenUp.Load() {
		n += uint64(i.Held())
	}
	return n
}

// account logs what the steps have done, at the end.
func (i *instance) account(log *zap.Logger) {
	for _, s := range i.Stats() {
		log.Debug("passed", zap.String("instance", i.name), zap.String("step", s.Type+"."+s.Label), zap.Uint64("events_in", s.In), zap.Uint64("events_out", s.Out),
			zap.Uint64("dropped", s.Dropped), zap.Uint64("failed", s.Failed), zap.Int64("held", s.Held))
	}
}
