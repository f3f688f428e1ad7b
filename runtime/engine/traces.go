package engine

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/wiring"
)

// Tracer follows some of the events on their way.
type Tracer interface {
	wiring.Tracer
	// Named reads the trace that a client has named; nil for none. It is called for
	// each connection that opens, by its reader.
	Named(*flow.Peer) *flow.Trace
}

// Trace lets t follow events through all flows from now on, in place of who did
// before; nil for nobody. It may be called at any time, from any goroutine. What
// passes does not stop meanwhile, nor does a reload end it.
func (e *Engine) Trace(t Tracer) {
	e.taps.mu.Lock()
	defer e.taps.mu.Unlock()
	e.taps.tracer.Store(nil)
	if t != nil {
		e.taps.tracer.Store(&t)
	}
	for _, f := range e.now.Load().flows {
		f.wiring.Connect(func(*graph.Node) bool { return true }, e.taps.of(f.file.Name))
	}
}

// traceOf is the trace that a client has named.
func (e *Engine) traceOf(p *flow.Peer) *flow.Trace {
	if t := e.taps.tracer.Load(); t != nil {
		return (*t).Named(p)
	}
	return nil
}
