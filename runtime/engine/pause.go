package engine

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// Why something is not paused, or not resumed.
var (
	ErrUnknown    = errors.New("there is no such flow or connector")
	ErrFlowPaused = errors.New("the flow is paused, and all of its connectors with it: resume the flow")
)

// Pause has a connector receive nothing more from its connections, or with "" all
// those of a flow: what peers send waits at their end, and nothing is lost. The
// connections stay, and are written to; what a connection has received already waits
// with it. It lasts until Resume, over reloads, or until the connector ends: a drain
// delivers what has waited. A required connector that is paused is not ready.
//
// Pause and Resume may be called from any goroutine, again, too.
func (e *Engine) Pause(flowName, connector string) error {
	return e.setPaused(part{flowName, connector}, true)
}

// Resume ends what Pause began.
func (e *Engine) Resume(flowName, connector string) error {
	return e.setPaused(part{flowName, connector}, false)
}

// part names a flow, or with a connector one of those.
type part struct{ flow, connector string }

func (e *Engine) setPaused(this part, paused bool) error {
	if !this.in(e.now.Load()) {
		return ErrUnknown
	}
	e.mu.Lock()
	before := e.paused[this]
	switch {
	case e.phase == status.Draining:
		e.mu.Unlock()
		return ErrNotRunning
	case paused:
		e.paused[this] = true
	case this.connector != "" && e.paused[part{flow: this.flow}]:
		e.mu.Unlock()
		return ErrFlowPaused
	default:
		delete(e.paused, this)
	}
	e.mu.Unlock()
	if paused == before {
		return nil
	}
	e.holdBack()
	what := "resumed"
	if paused {
		what = "paused"
	}
	e.log.Info(what, zap.String("flow", this.flow), zap.String("connector", this.connector))
	return nil
}

// in reports whether there is such a part of what runs.
func (p part) in(now *state) bool {
	f := now.flow(p.flow)
	return f != nil && (p.connector == "" || f.unit(p.connector) != nil)
}

// isPaused reports whether nothing is to be received by a connector.
func (e *Engine) isPaused(p part) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.paused[part{flow: p.flow}] || e.paused[p]
}

// holdBack makes what runs receive, or not, as it is said. A reload calls it once
// others run: the pause of what is no more is over.
func (e *Engine) holdBack() {
	now := e.now.Load()
	e.mu.Lock()
	for p := range e.paused {
		if !p.in(now) {
			delete(e.paused, p)
		}
	}
	e.mu.Unlock()
	for _, u := range now.units {
		u.holdBack()
	}
}

func (u *unit) holdBack() {
	this := part{u.component.Flow, u.component.Name}
	if u.engine.isPaused(this) {
		u.table.Pause()
	}
	if !u.engine.isPaused(this) || u.receiving().Err() != nil { // also of what has changed meanwhile
		u.table.Resume()
	}
}

// receiving ends when the connector is told to receive nothing new.
func (u *unit) receiving() context.Context {
	if _, feeds := u.connector.(flow.Feeder); feeds {
		return u.feeding
	}
	return u.running
}

// unit finds a connector by its name.
func (f *flowing) unit(name string) *unit {
	for _, u := range f.units {
		if u.component.Name == name {
			return u
		}
	}
	return nil
}
