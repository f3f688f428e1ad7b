package outlet

// Refusal is why an event was not sent. Kind is that of a problem for the err
// port; without one the sender is told at once.
type Refusal struct {
	Kind string
	Err  error
	Gone bool // the connection is: what that means, the edge says
}

// Refusals are what was refused of a run of events, by place; nil when nothing
// was. An event that was not has no Err.
type Refusals []Refusal

// Add notes why event i of n was not sent. The first reason counts.
//
//go:noinline // keeps a large frame off the stack of every reader
func (r *Refusals) Add(n, i int, why Refusal) {
	if *r == nil {
		*r = make(Refusals, n)
	}
	if (*r)[i].Err == nil {
		(*r)[i] = why
	}
}

// AddAll notes a reason for all of n events that have none yet.
//
//go:noinline // keeps a large frame off the stack of every reader
func (r *Refusals) AddAll(n int, why Refusal) {
	for i := range n {
		r.Add(n, i, why)
	}
}
