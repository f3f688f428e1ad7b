package engine

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/wiring"
)

// Tap looks on at a place of a flow.
type Tap interface {
	wiring.Tap
	// Gone is called when a reload has left out the place, or its flow: nothing is
	// heard there any more. It returns at once and calls no method of the engine.
	Gone()
}

// taps are those who look on. A reload keeps them as long as there is the place.
type taps struct {
	mu     sync.Mutex // held while ports are connected, too
	all    []*tapping
	tracer atomic.Pointer[Tracer] // nil for none
}

// tapping is one who looks on.
type tapping struct {
	Tap
	place NamedPlace
}

// NamedPlace is where events pass in one of the flows.
type NamedPlace struct {
	Flow  string
	Place wiring.Place
}

// String spells the place with its flow: "echo/connect.echo".
func (p NamedPlace) String() string { return p.Flow + "/" + string(p.Place) }

// Places lists where events pass in the flows that run now.
func (e *Engine) Places() (all []NamedPlace) {
	for _, f := range e.now.Load().flows {
		for _, p := range wiring.Places(f.graph) {
			all = append(all, NamedPlace{f.file.Name, p})
		}
	}
	return all
}

// Tap lets t look on at a place until end is called, which is called once. What
// passes there does not stop meanwhile, nor does a reload end it. The error is that
// there is no such place.
func (e *Engine) Tap(at NamedPlace, t Tap) (end func(), err error) {
	e.taps.mu.Lock()
	defer e.taps.mu.Unlock()
	now := e.now.Load()
	if f := now.flow(at.Flow); f == nil || !slices.Contains(wiring.Places(f.graph), at.Place) {
		return nil, fmt.Errorf("%s: there is no such place in the flows that run", at)
	}
	mine := &tapping{t, at}
	e.taps.all = append(e.taps.all, mine)
	e.taps.insert(now, at)
	return func() {
		e.taps.mu.Lock()
		defer e.taps.mu.Unlock()
		e.taps.all = slices.DeleteFunc(e.taps.all, func(t *tapping) bool { return t == mine })
		e.taps.insert(e.now.Load(), at)
	}, nil
}

// insert makes the ports that lead past a place lead through its taps. The caller
// holds mu.
func (t *taps) insert(now *state, at NamedPlace) {
	if f := now.flow(at.Flow); f != nil {
		f.wiring.Retap(at.Place, t.of(at.Flow))
	}
}

// of lists who looks on at a flow. The caller holds mu.
func (t *taps) of(flow string) wiring.Lookers {
	var its wiring.Taps
	for _, one := range t.all {
		if one.place.Flow == flow {
			if its == nil {
				its = wiring.Taps{}
			}
			its[one.place.Place] = append(its[one.place.Place], one.Tap)
		}
	}
	all := wiring.Lookers{Taps: its}
	if by := t.tracer.Load(); by != nil {
		all.Tracer = *by
	}
	return all
}

// dismiss ends the taps at places that are no more. The caller holds mu.
func (t *taps) dismiss(now *state) {
	t.all = slices.DeleteFunc(t.all, func(one *tapping) bool {
		f := now.flow(one.place.Flow)
		gone := f == nil || !slices.Contains(wiring.Places(f.graph), one.place.Place)
		if gone {
			one.Gone()
		}
		return gone
	})
}
