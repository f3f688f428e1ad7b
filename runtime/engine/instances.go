package engine

import (
	"context"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"go.uber.org/zap"
)

// instance is one use of a pipeline. Its steps may hold events, which leave
// before the first of the connectors that they can go to is told to end.
type instance struct {
	*pipeline.Instance
	name     string
	before   flow.Role     // the role of that connector
	after    []*instance   // those that lead to it
	finished chan struct{} // closed when it has let go what it held
	givenUp  bool          // nobody waits for that any more
}

// addInstances notes the instances of a flow in the order in which events pass
// them.
func (b *builder) addInstances() {
	made := map[*graph.Node]*instance{}
	for _, n := range b.graph.Instances() {
		name := n.ID
		if b.engine.several {
			name = b.file.Name + ": " + name
		}
		i := &instance{Instance: b.instances[n], name: name, finished: make(chan struct{})}
		// Nothing is sent to a source, but what would be leaves before a server.
		i.before = max(b.graph.LeadsTo(n), flow.Server)
		i.after = b.leadTo(n, made)
		made[n] = i
		b.engine.instances = append(b.engine.instances, i)
	}
}

// leadTo returns the instances from which events come to n next.
func (b *builder) leadTo(n *graph.Node, made map[*graph.Node]*instance) (all []*instance) {
	for _, w := range b.graph.Wires {
		switch {
		case w.To != n:
		case w.From.Kind == graph.Pipeline:
			all = append(all, made[w.From])
		case w.From.Kind == graph.Edge:
			all = append(all, b.leadTo(w.From, made)...)
		}
	}
	return all
}

func (e *Engine) startInstances() {
	for _, i := range e.instances {
		i.Start(e.abandoned)
	}
}

// finishInstances lets go what is held for connectors of a role: each instance
// after those that lead to it, and apart from all others, which may be stuck.
// From then on these instances hold nothing longer than a Send takes.
func (e *Engine) finishInstances(role flow.Role) {
	for _, i := range e.instances {
		if i.before == role {
			go func() {
				for _, lead := range i.after {
					<-lead.finished
				}
				i.Finish()
				close(i.finished)
			}()
		}
	}
	for _, i := range e.instances {
		if i.before == role {
			e.awaitOne(i.finished)
		}
	}
	last, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, i := range e.instances {
		if i.before != role {
			continue
		}
		select {
		case <-i.finished:
		case <-last.Done():
			e.unfinished, i.givenUp = true, true
			e.log.Error("what a pipeline holds could not be sent, it is lost", zap.String("instance", i.name), zap.Int("held", i.Held()))
		}
	}
}

// Lost counts what the instance has lost, and what it holds when nobody waits
// for it any more.
func (i *instance) Lost() uint64 {
	n := i.Instance.Lost()
	if i.givenUp {
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
