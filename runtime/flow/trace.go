package flow

import (
	"encoding/hex"
	"net/http"
)

// Trace is a place on a way that is looked at, maybe through several processes: what
// W3C calls a trace context (https://www.w3.org/TR/trace-context/). It is immutable
// and shared. nil is nowhere: most events pass unseen, and where no traces are
// configured all of them do.
//
// A connector whose protocol has headers writes it there ([Trace.Tell]): [Frame.Trace]
// is that of what it writes, [Traced] that of a connection which is opened for an event.
type Trace struct {
	ID    [16]byte // of the whole way
	Span  [8]byte  // of the part of it that goes on here
	Flags byte     // 1 for sampled
	State string   // the header field tracestate; "" for none
}

// Sampled reports whether those who came before keep what they have seen.
func (t *Trace) Sampled() bool { return t.Flags&1 != 0 }

// Parent spells the header field traceparent.
func (t *Trace) Parent() string {
	b := append(make([]byte, 0, 55), "00-"...)
	b = append(hex.AppendEncode(b, t.ID[:]), '-')
	b = append(hex.AppendEncode(b, t.Span[:]), '-')
	return string(hex.AppendEncode(b, []byte{t.Flags}))
}

// Tell writes the header fields that name it; nil writes none.
func (t *Trace) Tell(h http.Header) {
	if t == nil {
		return
	}
	h.Set("Traceparent", t.Parent())
	if t.State != "" {
		h.Set("Tracestate", t.State)
	}
}

// Traced is implemented by the [Host] of a connection that is opened for an event.
type Traced interface {
	// Trace is that of the event; nil for none.
	Trace() *Trace
}

// OnwardTrace is what goes on with an event to whom it is sent: its own trace, or
// what the connection that it came from has named.
func (e *Event) OnwardTrace() *Trace {
	if e.Trace == nil && e.Origin != nil {
		return e.Origin.Trace
	}
	return e.Trace
}
