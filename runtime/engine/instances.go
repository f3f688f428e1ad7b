package engine

import (
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"go.uber.org/zap"
)

// instance is one use of a pipeline. Its steps may hold events, which leave
// before the first of the connectors that they can go to is told to end.
type instance struct {
	*pipeline.Instance
	name   string
	before flow.Role // the role of that connector
}

// addInstances notes the instances of a flow in the order in which events pass
// them.
func (b *builder) addInstances() {
	for _, n := range b.graph.Instances() {
		name := n.ID
		if b.engine.several {
			name = b.file.Name + ": " + name
		}
		// Nothing is sent to a source, but what would be leaves before a server.
		before := max(b.graph.LeadsTo(n), flow.Server)
		b.engine.instances = append(b.engine.instances, &instance{b.instances[n], name, before})
	}
}

func (e *Engine) startInstances() {
	for _, i := range e.instances {
		i.Start(e.abandoned)
	}
}

// finishInstances lets go what is held for connectors of a role. From then on
// these instances hold nothing longer than a Send takes.
func (e *Engine) finishInstances(role flow.Role) {
	var now atomic.Pointer[instance]
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, i := range e.instances {
			if i.before == role {
				now.Store(i)
				i.Finish()
			}
		}
	}()
	e.awaitOne(done)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		e.unfinished = true
		i, held := now.Load(), int64(0)
		for _, s := range i.Stats() {
			held += s.Held
		}
		e.log.Error("what a pipeline holds could not be sent, it is lost", zap.String("instance", i.name), zap.Int64("events_held", held))
	}
}
