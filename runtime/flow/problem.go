package flow

import (
	"context"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"
)

// Problem is what went wrong with one message.
type Problem struct {
	Kind string // what was being done: one of ProblemKinds
	At   string // the place in the flow file or in the input, when known
	Step string // the pipeline step's label, when there is one
	Err  error
	Raw  []byte // the message's bytes, when there is no event yet or it could not be read
	// Event is the event that could not be dealt with; of one that could not
	// be decoded only Meta, Origin and Time are set.
	Event Event
}

// Unreadable is an error about a message that became no event.
type Unreadable struct{ Err error }

// Error describes the cause.
func (e *Unreadable) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Unreadable) Unwrap() error { return e.Err }

// ProblemKinds are what can go wrong: to take bytes in, to make an event of them, either
// with what is cut off, to make bytes of an event, to write them, what a step does, the
// condition of an edge, a subscription, and to tell by topic or identity who gets an event.
var ProblemKinds = [...]string{"receive", "decode", "truncated", "encode", "write", "step", "where", "subscribe", "topic", "identity"}

// Problems takes what goes wrong inside one component to where the flow wants
// it: the component's `err` port.
type Problems struct {
	Component *Component
	Port      Port
	Log       *zap.Logger // rate-limited by its owner
	counts    [len(ProblemKinds)]atomic.Uint64
}

// ProblemCounts are numbers of problems, of each of ProblemKinds.
type ProblemCounts [len(ProblemKinds)]uint64

// Total is how many there are of all kinds.
func (c ProblemCounts) Total() (n uint64) {
	for _, of := range c {
		n += of
	}
	return n
}

// Counts are the problems so far.
func (p *Problems) Counts() (n ProblemCounts) {
	for i := range n {
		n[i] = p.counts[i].Load()
	}
	return n
}

// Note counts a problem that the flow wants to hear nothing of.
func (p *Problems) Note(kind string) {
	if i := slices.Index(ProblemKinds[:], kind); i >= 0 {
		p.counts[i].Add(1)
	}
}

// Handle sends the problem to the err port. The event counts as handled, and
// Handle returns nil, when the port is connected and takes it; otherwise
// Handle returns the cause, for Send to return.
func (p *Problems) Handle(ctx context.Context, problem Problem) error {
	p.Note(problem.Kind)
	if !p.Port.Connected() {
		if s := p.Port.aside.Load(); s != nil {
			_ = (*s).Send(ctx, []Event{p.event(&problem)}) // of no consequence here
		}
		return problem.Err
	}
	if OnErrPath(ctx) {
		// An error while delivering an err event is only logged: no circles.
		p.Log.Warn("an err event could not be delivered", zap.String("component", p.Component.Address()), zap.Error(problem.Err))
		return problem.Err
	}
	if err := p.Port.Send(ErrPath(ctx), []Event{p.event(&problem)}); err != nil {
		p.Log.Warn("an err event could not be delivered", zap.String("component", p.Component.Address()), zap.Error(err))
		return problem.Err
	}
	return nil
}

// event is what leaves by the err port.
func (p *Problems) event(problem *Problem) Event {
	return Event{
		Value:  p.value(problem),
		Meta:   Meta{Binary: problem.Event.Meta.Binary},
		Origin: problem.Event.Origin,
		Time:   problem.Event.Time,
		Trace:  problem.Event.Trace,
	}
}

type errPath struct{}

// ErrPath returns the ctx of a Send that carries err events, or what was made
// of them: what goes wrong with these is not reported once more.
func ErrPath(ctx context.Context) context.Context { return context.WithValue(ctx, errPath{}, true) }

// OnErrPath reports whether a Send with this ctx carries err events. They may
// be on their way back into a step that is just sending what has failed: such
// a step does not let them wait for itself.
func OnErrPath(ctx context.Context) bool { return ctx.Value(errPath{}) != nil }

// value is the payload of an err event:
//
//	{"error": {kind, message, at, step, component}, "event": …|null, "raw": bytes|null, "peer": {id, connector, host, port}}
//
// Headers and query are left out, they may hold secrets.
func (p *Problems) value(problem *Problem) Value {
	what := ObjectOf(
		Field{"kind", TextOf(problem.Kind)},
		Field{"message", TextOf(problem.Err.Error())},
		Field{"at", textOrNull(problem.At)},
		Field{"step", textOrNull(problem.Step)},
		Field{"component", TextOf(p.Component.Address())},
	)
	raw := NullValue
	if problem.Raw != nil {
		raw = BytesOf(append([]byte{}, problem.Raw...))
	}
	peer := NullValue
	if o := problem.Event.Origin; o != nil && o.Connector != nil {
		peer = MapOf(ObjectOf(
			Field{"id", o.PeerField("id")},
			Field{"connector", o.PeerField("connector")},
			Field{"host", o.PeerField("host")},
			Field{"port", o.PeerField("port")},
		))
	}
	return MapOf(ObjectOf(
		Field{"error", MapOf(what)},
		Field{"event", problem.Event.HeldPayload()},
		Field{"raw", raw},
		Field{"peer", peer},
	))
}
