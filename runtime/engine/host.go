package engine

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/listen"
	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// A unit is the flow.Host of its own connector.
var (
	_ flow.Host   = (*unit)(nil)
	_ flow.Halter = (*unit)(nil)

	_ flow.Stopwatch = (*unit)(nil)
)

// Taken says who else of this process listens at an address, for the error of a
// connector that wants it: "127.0.0.1:8686", "the admin API".
func (e *Engine) Taken(address, by string) { e.listeners.Taken(address, by) }

// Open implements flow.Host.
func (u *unit) Open(peer flow.Peer, w flow.Writer) (flow.Link, error) {
	l, err := u.table.Open(peer, w)
	if err == nil {
		u.life.Opened()
	}
	return l, err
}

// OpenFor implements flow.Host.
func (u *unit) OpenFor(question *flow.Frame, peer flow.Peer) (flow.Link, error) {
	return u.table.OpenFor(question, peer)
}

// Heard implements flow.Host.
func (u *unit) Heard() bool { return u.table.Heard() }

// Admit implements flow.Host.
func (u *unit) Admit(peer flow.Peer) error { return u.table.Admit(peer) }

// Shut implements flow.Host.
func (u *unit) Shut() { u.table.Shut() }

// Handle implements flow.Host.
func (u *unit) Handle(spec flow.ListenSpec, h http.Handler) (stop func(), err error) {
	route, err := u.door().Handle(u, spec, h)
	return u.reached(spec, route, err)
}

// Accept implements flow.Host.
func (u *unit) Accept(spec flow.ListenSpec, take func(net.Conn)) (stop func(), err error) {
	route, err := u.door().Accept(u, spec, take)
	return u.reached(spec, route, err)
}

// Packets implements flow.Host.
func (u *unit) Packets(spec flow.ListenSpec) (conn *net.UDPConn, stop func(), err error) {
	route, err := u.door().Packets(u, spec)
	if stop, err = u.reached(spec, route, err); err != nil {
		return nil, nil, err
	}
	return route.Packets(), stop, nil
}

// door is where routes are to be had: of the process, or of the change that a
// reload prepares, before it has been made.
func (u *unit) door() door {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.change != nil {
		return u.change
	}
	return u.engine.listeners
}

type door interface {
	Handle(owner any, spec flow.ListenSpec, h http.Handler) (*listen.Route, error)
	Accept(owner any, spec flow.ListenSpec, take func(net.Conn)) (*listen.Route, error)
	Packets(owner any, spec flow.ListenSpec) (*listen.Route, error)
}

// reached notes where the connector can be reached, until stop is called.
func (u *unit) reached(spec flow.ListenSpec, route *listen.Route, err error) (stop func(), _ error) {
	if err != nil {
		return nil, err
	}
	at := &status.Listener{
		Flow:      u.component.Flow,
		Connector: u.component.Name,
		Scheme:    spec.Scheme,
		Address:   route.Addr(),
		Path:      spec.Path,
	}
	u.mu.Lock()
	u.listening = append(u.listening, at)
	u.mu.Unlock()
	return sync.OnceFunc(func() {
		route.Close()
		u.mu.Lock()
		defer u.mu.Unlock()
		u.listening = slices.DeleteFunc(u.listening, func(l *status.Listener) bool { return l == at })
	}), nil
}

// listeners lists where the connector can be reached.
func (u *unit) listeners() []status.Listener {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := make([]status.Listener, len(u.listening))
	for i, l := range u.listening {
		all[i] = *l
	}
	return all
}

// Exit implements flow.Host.
func (u *unit) Exit(code int, delay time.Duration) {
	u.log.Info("exit", zap.Int("code", code), zap.Duration("delay", delay))
	u.engine.end.Exit(code, delay, u.component.Address()+" asked for it")
}

// Halt implements flow.Halter.
func (u *unit) Halt(code int, delay time.Duration) {
	u.log.Info("exit at once", zap.Int("code", code), zap.Duration("delay", delay))
	u.engine.end.Halt(code, delay, u.engine.cut)
}

// Handshake implements flow.Stopwatch.
func (u *unit) Handshake(took time.Duration) { u.handshake.Add(took, 1) }

// RoundTrip implements flow.Stopwatch.
func (u *unit) RoundTrip(took time.Duration) { u.roundTrip.Add(took, 1) }

// Farewell implements flow.Host.
func (u *unit) Farewell() flow.Farewell {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.farewell
}

func (u *unit) setFarewell(f flow.Farewell) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.farewell = f
}

// Abandon implements flow.Host.
func (u *unit) Abandon() context.Context { return u.abandoned }

// MediaType implements flow.Host.
func (u *unit) MediaType() string { return u.table.MediaType() }

// Log implements flow.Host.
func (u *unit) Log() *zap.Logger { return u.log }
