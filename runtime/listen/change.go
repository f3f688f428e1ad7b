package listen

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// Change hands addresses and paths over from some owners to others, all at once:
// until Commit the old ones serve, from then on the new ones. The sockets stay,
// so that no client is turned away meanwhile.
//
// A Change is used by one goroutine at a time, beside all that goes on in its
// Set; several at a time must not speak of the same addresses.
type Change struct {
	set    *Set
	leaves func(owner any) bool
	staged []*staging
	before []*generation // what was served before Commit
}

// staging is a route that waits for Commit.
type staging struct {
	*Route
	spec  flow.ListenSpec
	on    *terms
	bound bool // its address is, by this change
}

// Change begins one. leaves tells whose routes it takes away; it is asked again
// at Commit.
func (s *Set) Change(leaves func(owner any) bool) *Change {
	return &Change{set: s, leaves: leaves}
}

// Handle is Set.Handle for a route that is served from Commit on. An address
// that is not bound yet is bound now, and serves the route at once. A change
// that is not committed is undone by closing its routes.
func (c *Change) Handle(owner any, spec flow.ListenSpec, h http.Handler) (*Route, error) {
	route, err := c.set.route(owner, spec, h)
	if err != nil {
		return nil, err
	}
	return c.stage(route, spec)
}

// Accept is Handle as Set.Accept is.
func (c *Change) Accept(owner any, spec flow.ListenSpec, take func(net.Conn)) (*Route, error) {
	return c.stage(&Route{set: c.set, owner: owner, take: take}, spec)
}

func (c *Change) stage(route *Route, spec flow.ListenSpec) (*Route, error) {
	s := c.set
	on, err := termsOf(spec, route.take != nil, s.log)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", spec.Address, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return nil, fmt.Errorf("listen %s: the process is about to end", spec.Address)
	}
	st := &staging{Route: route, spec: spec, on: on}
	l := s.byAddress[spec.Address]
	if l == nil {
		if err := s.open(route, spec, c.leaves); err != nil {
			return nil, err
		}
		st.bound = true
		c.staged = append(c.staged, st)
		return route, nil
	}
	route.listener = l
	if _, _, err := c.outcome(l, append(c.staged, st)); err != nil {
		route.listener = nil
		return nil, err
	}
	c.staged = append(c.staged, st)
	return route, nil
}

// outcome is what a listener is to serve in the end. The caller holds the set's mu.
func (c *Change) outcome(l *listener, staged []*staging) (routes []*Route, on *terms, err error) {
	for _, r := range l.routes {
		if !c.leaves(r.owner) {
			routes = append(routes, r)
		}
	}
	on = l.entrance.on.Load()
	for _, st := range staged {
		if st.listener != l || slices.Contains(routes, st.Route) {
			continue
		}
		disagrees := on.agree(st.spec, st.take != nil)
		switch {
		case disagrees != nil && len(routes) > 0:
			return nil, nil, disagrees
		case disagrees != nil:
			on = st.on
		}
		routes = append(routes, st.Route)
	}
	if _, err := muxOf(routes); err != nil {
		return nil, nil, fmt.Errorf("listen %s: %w", l.address, err)
	}
	return routes, on, nil
}

// Commit makes the change. An error, which others have caused who came to listen
// in the meantime, has changed nothing.
func (c *Change) Commit() error {
	s := c.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := c.reopen(); err != nil {
		return err
	}
	type turn struct {
		l      *listener
		routes []*Route
		on     *terms
	}
	var turns []turn
	for l := range s.listeners {
		routes, on, err := c.outcome(l, c.staged)
		if err != nil {
			return err
		}
		turns = append(turns, turn{l, routes, on})
	}
	for _, t := range turns {
		if slices.Equal(t.routes, t.l.routes) && t.on == t.l.entrance.on.Load() {
			continue
		}
		if len(t.routes) == 0 {
			continue // it closes when those who leave close their routes
		}
		mux, _ := muxOf(t.routes) // they agree
		c.before = append(c.before, t.l.now.Load())
		t.l.serve(t.routes, mux)
		t.l.entrance.on.Store(t.on)
	}
	for _, st := range c.staged {
		st.keepsSocket(s.log)
	}
	c.staged = nil
	return nil
}

// reopen binds the addresses anew whose last route was closed since it was
// counted on. The caller holds the set's mu.
func (c *Change) reopen() error {
	s := c.set
	for _, st := range c.staged {
		if _, open := s.listeners[st.listener]; open {
			continue
		}
		if other := s.byAddress[st.spec.Address]; other != nil {
			st.listener = other
			continue
		}
		if err := s.open(st.Route, st.spec, c.leaves); err != nil {
			return err
		}
		st.bound = true
	}
	return nil
}

// keepsSocket says what cannot change while a socket stays.
func (st *staging) keepsSocket(log *zap.Logger) {
	if timeout := max(st.spec.Timeout, 0); !st.bound && timeout != 0 && timeout != st.listener.timeout {
		log.Warn("the timeout of a listener stays what it was, until the process is started anew or the address is free for a moment",
			zap.String("address", st.spec.Address), zap.Duration("timeout", st.listener.timeout))
	}
}

// Pass waits, after Commit, until the requests have been served that came to
// those who leave, or ctx ends.
func (c *Change) Pass(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, g := range c.before {
		for g.active.Load() > 0 {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}
