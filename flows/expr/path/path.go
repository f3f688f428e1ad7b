// Package path follows the paths of expressions into events: event.a.b[0], meta,
// peer, and the variables of an evaluation.
//
// It looks for the one value that is asked for and builds nothing around it: in
// the payload's encoded form while there is one, in the layers of meta, in what
// is known of the connection. What is not there is null, never an error. All
// methods that look something up have the form of a compiled expression's
// functions, are safe for concurrent use and do not change the event.
package path

import (
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Path is a root with the steps from there.
type Path struct {
	Root     string // event, meta, peer, or the name of a variable
	Variable bool
	Slot     int // of a variable: its place among the values of an evaluation
	Steps    []flow.Step
}

// String spells the path as in a flow.
func (p *Path) String() string {
	var b strings.Builder
	b.WriteString(p.Root)
	for _, s := range p.Steps {
		switch {
		case s.IsIndex:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case hclsyntax.ValidIdentifier(s.Key):
			b.WriteString("." + s.Key)
		default:
			b.WriteString("[" + strconv.Quote(s.Key) + "]")
		}
	}
	return b.String()
}

// What [Path.PeekEvent] returns for a list or an object that was not looked at.
var (
	SomeList   = flow.ListOf(nil)
	SomeObject = flow.MapOf(flow.NewObject(0))
)

// Value is that of a variable, or in one.
func (p *Path) Value(_ *flow.Event, vars []flow.Value) (flow.Value, error) {
	v, _ := Lookup(vars[p.Slot], p.Steps)
	return v, nil
}

// HasValue tells whether there is something in a variable.
func (p *Path) HasValue(_ *flow.Event, vars []flow.Value) (bool, error) {
	_, ok := Lookup(vars[p.Slot], p.Steps)
	return ok, nil
}

// encoded reports whether the payload must be looked up in Raw.
func encoded(e *flow.Event) bool { return e.Raw != nil && e.Value.IsNull() }

// find looks the path up in an event. Where that leads to a list or an object
// that is still encoded, it is its spelling that is returned, not nil.
func (p *Path) find(e *flow.Event) (v flow.Value, spelling []byte) {
	if !encoded(e) {
		v, _ = Lookup(e.Value, p.Steps)
		return v, nil
	}
	raw, ok := e.Form.Find(e.Raw, p.Steps)
	if !ok {
		return flow.NullValue, nil
	}
	if v, ok = e.Form.Scalar(raw); ok {
		return v, nil
	}
	return flow.NullValue, raw
}

// Event is a value in the payload. A list or object stays encoded.
func (p *Path) Event(e *flow.Event, _ []flow.Value) (flow.Value, error) {
	v, spelling := p.find(e)
	if spelling != nil {
		return flow.LazyOf(spelling, e.Form), nil
	}
	return v, nil
}

// PeekEvent is Event for who wants scalars only: a list is [SomeList], an object
// [SomeObject], and nothing is allocated.
func (p *Path) PeekEvent(e *flow.Event, _ []flow.Value) (flow.Value, error) {
	v, spelling := p.find(e)
	switch {
	case spelling == nil:
		return v, nil
	case e.Form.Kind(spelling) == flow.List:
		return SomeList, nil
	}
	return SomeObject, nil
}

// HasEvent tells whether there is something in the payload, even a null.
func (p *Path) HasEvent(e *flow.Event, _ []flow.Value) (bool, error) {
	if encoded(e) {
		_, ok := e.Form.Find(e.Raw, p.Steps)
		return ok, nil
	}
	_, ok := Lookup(e.Value, p.Steps)
	return ok, nil
}

// Peer is a value in peer.
func (p *Path) Peer(e *flow.Event, _ []flow.Value) (flow.Value, error) {
	if len(p.Steps) == 0 {
		return flow.MapOf(e.Origin.PeerValue()), nil
	}
	v, _ := Lookup(e.Origin.PeerField(p.Steps[0].Key), p.Steps[1:])
	return v, nil
}

// HasPeer tells whether there is something in peer.
func (p *Path) HasPeer(e *flow.Event, _ []flow.Value) (bool, error) {
	v, _ := p.Peer(e, nil)
	return !v.IsNull(), nil
}

// Meta is a value in meta.
func (p *Path) Meta(e *flow.Event, _ []flow.Value) (flow.Value, error) {
	v, _ := p.findMeta(e)
	return v, nil
}

// HasMeta tells whether there is something in meta.
func (p *Path) HasMeta(e *flow.Event, _ []flow.Value) (bool, error) {
	_, ok := p.findMeta(e)
	return ok, nil
}

// findMeta reads what the flow wrote over what the transport said over what
// follows from the connection. It merges them only when the answer is an
// object, of which each may have a part.
func (p *Path) findMeta(e *flow.Event) (flow.Value, bool) {
	if len(p.Steps) == 0 {
		return flow.MapOf(e.MetaValue()), true
	}
	for _, layer := range []*flow.Object{e.Meta.Wrote, e.Meta.Said} {
		v, outcome := descend(layer, p.Steps)
		switch {
		case outcome == blocked:
			return flow.NullValue, false
		case outcome == found && v.Kind() == flow.Map:
			return Lookup(flow.MapOf(e.MetaValue()), p.Steps)
		case outcome == found:
			return v, true
		}
	}
	if e.Origin == nil || e.Origin.Connector == nil || e.Origin.Connector.Type != p.Steps[0].Key {
		return flow.NullValue, false
	}
	if v, ok := metaScalar(e, p.Steps); ok {
		return v, true
	}
	return Lookup(flow.MapOf(e.MetaValue()), p.Steps)
}

// outcome of a walk in one of several layers.
type outcome int

const (
	missing outcome = iota // a lower layer may have it
	blocked                // what is here hides the lower layers
	found
)

func descend(o *flow.Object, steps []flow.Step) (flow.Value, outcome) {
	if o == nil {
		return flow.NullValue, missing
	}
	v := flow.MapOf(o)
	for i, s := range steps {
		if v.Kind() != flow.Map {
			if v, ok := Lookup(v, steps[i:]); ok {
				return v, found
			}
			return flow.NullValue, blocked
		}
		if s.IsIndex {
			return flow.NullValue, missing
		}
		next, ok := v.Object().Get(s.Key)
		if !ok {
			return flow.NullValue, missing
		}
		v = next
	}
	return v, found
}

// Further is what is one step behind the path in the payload, and whether there
// is something.
func (p *Path) Further(e *flow.Event, s flow.Step) (flow.Value, bool) {
	if !encoded(e) {
		v, _ := Lookup(e.Value, p.Steps)
		return Next(v, s)
	}
	raw, ok := e.Form.Find(e.Raw, append(p.Steps[:len(p.Steps):len(p.Steps)], s))
	if !ok {
		return flow.NullValue, false
	}
	return flow.LazyOf(raw, e.Form), true
}

// Lookup follows steps from v; null and false where they lead nowhere. What is
// encoded stays so.
func Lookup(v flow.Value, steps []flow.Step) (flow.Value, bool) {
	for i, s := range steps {
		if raw, form, ok := v.Encoded(); ok {
			if raw, ok = form.Find(raw, steps[i:]); !ok {
				return flow.NullValue, false
			}
			return flow.LazyOf(raw, form), true
		}
		var ok bool
		if v, ok = next(v, s); !ok {
			return v, false
		}
	}
	return v, true
}

// Next is Lookup for one step.
func Next(v flow.Value, s flow.Step) (flow.Value, bool) {
	if _, _, ok := v.Encoded(); ok {
		return Lookup(v, []flow.Step{s})
	}
	return next(v, s)
}

// next reads a value that is decoded.
func next(v flow.Value, s flow.Step) (flow.Value, bool) {
	if !s.IsIndex {
		return v.Object().Get(s.Key)
	}
	if l := v.List(); s.Index >= 0 && s.Index < len(l) {
		return l[s.Index], true
	}
	return flow.NullValue, false
}
