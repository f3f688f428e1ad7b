// Package function holds the functions of the flow language: the closed list
// of what an expression can call, with the documentation of each.
package function

import "github.com/flowrun/flowrun/runtime/flow"

// Function is one function of the language. Where an argument is null, its
// result is null and nothing is called, unless the parameter says that it
// takes null.
//
// One of Call1, Call2, Call3 and Call is set, by the number of parameters:
// Call where some may be left out or repeated. They are called with values of
// the kinds that the parameters name, from any goroutine, keep nothing, and
// return values that may share memory with their arguments. An error is about
// this call alone; it names kinds and bounds, never values, which may be
// secret.
type Function struct {
	Name     string
	Group    string     // the heading under which the reference has it
	Params   []Param    // in order
	Rest     *Param     // of any number of further arguments
	Returns  flow.Kinds // null is added where an argument can be null
	Doc      string     // what it returns: one sentence without its name
	Examples []Example  // shown in the reference, and run
	Volatile bool       // each call may return something else: uuid, now
	Special  bool       // compiled by package expr in a way of its own: has, try
	Call1    func(a flow.Value) (flow.Value, error)
	Call2    func(a, b flow.Value) (flow.Value, error)
	Call3    func(a, b, c flow.Value) (flow.Value, error)
	Call     func(args []flow.Value) (flow.Value, error)
	// Prepare, when it is set, is given the arguments that are constant, nil
	// in the place of others, before any event has come. It returns a
	// function that is called with all arguments in the place of this one, or
	// nil to leave it at this one. An error is a mistake in the flow.
	Prepare func(constants []*flow.Value) (*Function, error)
}

// Param is one parameter of a function.
type Param struct {
	Name     string
	Kinds    flow.Kinds // what it takes
	Null     bool       // it takes null as well
	Optional bool       // it and those after it may be left out
}

// Example is a call, as written in a flow, and what it returns, as JSON.
type Example struct {
	Call, Result string
}
