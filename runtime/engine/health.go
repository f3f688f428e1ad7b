package engine

import "github.com/flowrun/flowrun/runtime/status"

// Health describes all connectors. It may be called at any time, from any
// goroutine.
func (e *Engine) Health() status.Health { return e.health(e.now.Load()) }

func (e *Engine) health(now *state) status.Health {
	units := now.units
	e.mu.Lock()
	h := status.Health{Phase: e.phase, Ready: e.phase == status.Running, Connectors: make([]status.Connector, len(units))}
	e.mu.Unlock()
	for i, u := range units {
		c := u.health()
		if c.Required && !c.Ready() {
			h.Ready = false
		}
		h.Connectors[i] = c
	}
	return h
}

func (u *unit) health() status.Connector {
	listening, stats := u.listeners(), u.table.Stats()
	now := u.life.Status()
	return status.Connector{
		Flow:      u.component.Flow,
		Type:      u.component.Type,
		Name:      u.component.Name,
		Required:  u.common.Required,
		State:     now.State,
		Paused:    u.table.Paused(),
		Since:     now.Since,
		Attempts:  now.Attempts,
		LastError: now.LastError,
		NextRetry: now.NextRetry,
		Role:      u.shape.Role,
		Listening: listening,
		Stats:     stats,
	}
}
