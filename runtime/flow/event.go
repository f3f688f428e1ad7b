package flow

// Event is one decoded message. Events are passed by slice ([]Event), never by
// pointer across a Send.
//
// The payload is held in one or both of two forms. While Raw is not nil it is
// the truth: the encoded bytes, as Form spells them; Value is then at most a
// copy in decoded form. Whoever changes the payload sets Value and drops Raw
// and Form ([Event.SetPayload]).
//
// Raw points into the buffers of the connection that the event came from, and
// a Value that the flow made may share them. They are valid until the Send that
// carries the event returns; who keeps an event longer keeps [Event.Held].
type Event struct {
	Raw    []byte  // the encoded form it arrived in, while that is still true
	Form   Form    // who can read Raw; nil exactly when Raw is nil
	Value  Value   // the decoded form, once somebody has asked for it
	Meta   Meta    // what the transport said, and what the flow wrote on top
	Origin *Origin // the connection(s) it came from: immutable, shared
	Time   int64   // arrival, in nanoseconds since 1970
	Trace  *Trace  // who looks at its way goes on from there; nil where nobody does
}

// Payload returns the event's payload, decoding it when that has not been
// done yet. What was decoded owes nothing to Raw and may be kept.
func (e *Event) Payload() (Value, error) {
	if e.Raw == nil || !e.Value.IsNull() {
		return e.Value, nil
	}
	v, err := e.Form.Decode(e.Raw)
	if err != nil {
		return NullValue, err
	}
	e.Value = v
	return v, nil
}

// IsNull reports whether the payload is null, without decoding it.
func (e *Event) IsNull() bool {
	if e.Raw != nil {
		return e.Form.Kind(e.Raw) == Null
	}
	return e.Value.IsNull()
}

// HeldPayload returns the payload to be kept after Send has returned. What came
// encoded stays so ([LazyOf]), in a copy.
func (e *Event) HeldPayload() Value {
	if e.Raw == nil {
		return e.Value.Held()
	}
	return LazyOf(append(make([]byte, 0, len(e.Raw)), e.Raw...), e.Form)
}

// SetPayload replaces the payload. v may share memory with the Raw of the event
// that it was made from.
func (e *Event) SetPayload(v Value) { e.Raw, e.Form, e.Value = nil, nil, v }

// Held returns a copy of the event that may be kept after Send has returned.
func (e *Event) Held() Event {
	h := *e
	if e.Raw == nil {
		h.Value = e.Value.Held()
	} else { // then Value owes nothing to it
		h.Raw = append(make([]byte, 0, len(e.Raw)), e.Raw...)
	}
	return h
}

// Form reads payloads in one encoding without decoding more than is asked
// for. A codec that keeps Raw implements it; the value is shared by all
// connections and called from any goroutine.
//
// All methods are given bytes that the codec has accepted.
type Form interface {
	// Decode returns the value that raw spells. It shares no memory with raw.
	Decode(raw []byte) (Value, error)
	// Find returns the spelling of the value at path, false where there is
	// none. The result is a part of raw; the empty path finds the whole.
	Find(raw []byte, path []Step) ([]byte, bool)
	// Scalar returns the value that raw (a result of Find) spells, when it is
	// neither a list nor an object. It may share raw's memory.
	Scalar(raw []byte) (Value, bool)
	// Open returns the list or the object that raw spells, one level of it:
	// its lists and objects are lazy ([LazyOf]). It may share raw's memory, but
	// is new to the caller, who changes it. Of a scalar it is that.
	Open(raw []byte) Value
	// Kind tells what raw spells.
	Kind(raw []byte) Kind
}

// Step is one step of a path into a value: a key of an object or, when Key is
// empty and IsIndex is set, an index of a list.
type Step struct {
	Key     string
	Index   int
	IsIndex bool
}

// Meta is what is known of an event besides its payload.
//
// Of what flow authors see as `meta`, the part that follows from the
// connection (host, port, TLS) is not stored here: [Event.MetaValue] adds it
// from the Origin.
type Meta struct {
	Said   *Object // what the transport said of this message, under the connector's type: shared, read-only
	Wrote  *Object // what the flow wrote on top; only this addresses connections
	Binary bool    // the frame type it arrived in
}

// MetaValue returns `meta` as the flow sees it: what the connection is, what
// the transport said, what the flow wrote, merged in this order.
func (e *Event) MetaValue() *Object {
	m := e.Origin.meta(e.Meta.Binary)
	return m.Merge(e.Meta.Said).Merge(e.Meta.Wrote)
}
