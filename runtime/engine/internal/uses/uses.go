// Package uses is about the uses of pipelines in a flow, which hold events: how they
// let go what they hold before those end whom it can go to.
package uses

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"go.uber.org/zap"
)

// Use is one use of a pipeline.
type Use struct {
	*pipeline.Instance
	End      context.CancelFunc // of its waits
	name     string             // for the log
	running  context.Context
	once     sync.Once
	finished chan struct{} // closed when it has let go what it held
	givenUp  atomic.Bool   // nobody waits for that any more
}

// New returns a use, whose waits end with abandoned.
func New(abandoned context.Context, i *pipeline.Instance, name string) *Use {
	u := &Use{Instance: i, name: name, finished: make(chan struct{})}
	u.running, u.End = context.WithCancel(abandoned)
	return u
}

// Start starts what its steps do by themselves.
func (u *Use) Start() { u.Instance.Start(u.running) }

// finish lets go what it holds, once.
func (u *Use) finish() {
	u.once.Do(func() {
		u.Finish()
		close(u.finished)
	})
}

// Place is where a use stands in a flow. Its steps may hold events, which leave
// before the first of the connectors that they can go to is told to end.
type Place struct {
	*Use
	before flow.Role // the role of that connector
	after  []*Use    // those that lead to it
}

// Places lists the uses in a graph in the order in which events pass them.
func Places(g *graph.Graph, uses map[*graph.Node]*Use) (all []Place) {
	for _, n := range g.Instances() {
		// Nothing is sent to a source, but what would be leaves before a server.
		all = append(all, Place{uses[n], max(g.LeadsTo(n), flow.Server), leadTo(g, uses, n)})
	}
	return all
}

// leadTo returns the uses from which events come to n next.
func leadTo(g *graph.Graph, uses map[*graph.Node]*Use, n *graph.Node) (all []*Use) {
	for _, w := range g.Wires {
		switch {
		case w.To != n:
		case w.From.Kind == graph.Pipeline:
			all = append(all, uses[w.From])
		case w.From.Kind == graph.Edge:
			all = append(all, leadTo(g, uses, w.From)...)
		}
	}
	return all
}

// Finish lets go what is held for connectors of a role: by each of all uses after
// those of them that lead to it, and apart from all others, which may be
// stuck. From then on these uses hold nothing longer than a Send takes. It
// reports whether one could not let go what it holds before the time was over, and
// patience after that.
func Finish(over context.Context, patience time.Duration, all []Place, log *zap.Logger, role flow.Role) (unfinished bool) {
	mine := map[*Use]bool{}
	for _, i := range all {
		mine[i.Use] = true
	}
	for _, i := range all {
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
	for _, i := range all {
		if i.before == role {
			select {
			case <-i.finished:
			case <-over.Done():
			}
		}
	}
	last, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, i := range all {
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

// Lost counts what the use has lost, and what it holds when nobody waits for it
// any more.
func (u *Use) Lost() uint64 {
	n := u.Instance.Lost()
	if u.givenUp.Load() {
		n += uint64(u.Held())
	}
	return n
}

// Account logs what the steps have done, at the end.
func (u *Use) Account(log *zap.Logger) {
	for _, s := range u.Stats() {
		log.Debug("passed", zap.String("instance", u.name), zap.String("step", s.Type+"."+s.Label), zap.Uint64("events_in", s.In), zap.Uint64("events_out", s.Out),
			zap.Uint64("dropped", s.Dropped), zap.Uint64("failed", s.Failed), zap.Int64("held", s.Held))
	}
}

// Stats sums up what the steps of a pipeline have done in all its uses; nil where
// there is none.
func Stats(uses map[*graph.Node]*Use, pipelineName string) (sum []pipeline.StepStats) {
	for n, u := range uses {
		if n.Pipeline.Name != pipelineName {
			continue
		}
		for k, s := range u.Instance.Stats() {
			if k == len(sum) {
				sum = append(sum, pipeline.StepStats{Type: s.Type, Label: s.Label})
			}
			sum[k].Add(s)
		}
	}
	return sum
}
