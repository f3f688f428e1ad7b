package flow

// Expr is an expression of the flow that is evaluated per event. It is safe
// for concurrent use, and does not change the event.
type Expr interface {
	// Eval returns the expression's value. vars are the values of the names
	// that the field's `vars` tag declares, in its order. The result may share
	// memory with the event's Raw: who keeps it keeps [Value.Held].
	Eval(e *Event, vars ...Value) (Value, error)
	// Test evaluates a condition: null counts as false, any other type than
	// a bool is an error.
	Test(e *Event, vars ...Value) (bool, error)
	// At is the place of the expression: "flow.hcl:12,11-30".
	At() string
}

// Kinded is implemented by expressions of which something is known before any
// event has come, so that a configuration can be checked.
type Kinded interface {
	// Kinds are those that the value can be of; it is of no other.
	Kinds() Kinds
}

// Aggregate is an expression over many events: the `emit` of a window. Calls of
// aggregate functions in it (count, avg, …) take an expression per event; what
// stands around them is computed once, at the end.
type Aggregate interface {
	// New returns an accumulator that has seen no event.
	New() Accumulator
	// At is the place of the expression: "flow.hcl:12,11-30".
	At() string
}

// Accumulator is an Aggregate at work on one group of events. It is used by one
// goroutine at a time.
type Accumulator interface {
	// Add takes an event, of which it keeps nothing but copies. An error
	// concerns this event alone, which then counts in none of the aggregates.
	Add(e *Event) error
	// Merge adds what other has seen, all of it later than what is here.
	// other is of the same Aggregate. It stays as it is, and shares nothing
	// with this one that Add or Merge changes: a part of a sliding window is
	// merged into several results.
	Merge(other Accumulator)
	// Value returns the expression's value. vars are as in [Expr]. The
	// accumulator can go on afterwards; the result shares nothing with it.
	Value(vars ...Value) (Value, error)
	// Items counts the values that are kept one by one (collect, distinct).
	Items() int
}
