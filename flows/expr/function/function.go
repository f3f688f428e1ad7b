// Package function holds the functions of the flow language: the closed list
// of what an expression can call, with the documentation of each.
//
// A function is a row of a table ([All]); there is a file for each group of
// them. Package expr compiles calls of them for values of events; package
// bridge gives the same functions to the expressions that are computed at
// start-up, so that a name means one thing in the whole language. Names and the order of
// arguments are Terraform's where it has the function.
//
// # What they have in common
//
// Nothing is converted: a function that takes a string refuses a number. A
// null argument makes the result null, unless the parameter takes null. What
// makes more out of little (range, replace, join) is bounded by [MaxText] and
// [MaxElements]. Strings are counted in Unicode code points. Numbers are those of
// package arithmetic, which is also behind the operators.
package function

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/flowrun/flowrun/runtime/flow"
)

// The bounds of what a function returns.
const (
	MaxText     = 16 << 20  // bytes of a string
	MaxElements = 1_000_000 // of a list
)

var (
	errTooLong = errors.New("the result is longer than 16 MiB: make it of less")
	errTooMany = errors.New("the result has more than 1,000,000 elements: make it of less")
)

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

// The groups, in the order of the reference.
const (
	groupNumbers     = "Numbers"
	groupStrings     = "Strings"
	groupCollections = "Lists and objects"
	groupEncoding    = "Encoding"
	groupHashes      = "Hashes"
	groupTimes       = "Time"
	groupNetwork     = "Network"
	groupRoutes      = "BGP messages"
	groupTypes       = "Types"
)

// All is the closed list, in the order of the reference.
var All = slices.Concat(numbers, texts, patterns, collections, encodings, hashes, times, networks, routes, types)

var byName = index(All)

func index(all []Function) map[string]*Function {
	m := make(map[string]*Function, len(all))
	for i := range all {
		m[all[i].Name] = &all[i]
	}
	return m
}

// Find returns the function of that name, nil when there is none.
func Find(name string) *Function { return byName[name] }

// Arity is how many arguments f takes; most is -1 when there is no upper limit.
func (f *Function) Arity() (least, most int) {
	for _, p := range f.Params {
		if p.Optional {
			break
		}
		least++
	}
	if f.Rest != nil {
		return least, -1
	}
	return least, len(f.Params)
}

// Param is the parameter of the ith argument, nil when f takes fewer.
func (f *Function) Param(i int) *Param {
	if i < len(f.Params) {
		return &f.Params[i]
	}
	return f.Rest
}

// Invoke calls f, which is not special, with arguments that nobody has looked
// at: it checks how many there are and of which kinds, and answers null with
// null.
func (f *Function) Invoke(args ...flow.Value) (flow.Value, error) {
	if _, err := f.Check(args); err != nil {
		return flow.NullValue, err
	}
	for i, a := range args {
		if a.IsNull() && !f.Param(i).Null {
			return flow.NullValue, nil
		}
	}
	switch {
	case f.Call1 != nil:
		return f.Call1(args[0])
	case f.Call2 != nil:
		return f.Call2(args[0], args[1])
	case f.Call3 != nil:
		return f.Call3(args[0], args[1], args[2])
	}
	return f.Call(args)
}

// Check checks how many arguments there are and of which kinds. at is the one
// that is wrong, -1 when it is their number.
func (f *Function) Check(args []flow.Value) (at int, err error) {
	least, most := f.Arity()
	if n := len(args); n < least || most >= 0 && n > most {
		return -1, fmt.Errorf("%s takes %s, not %d", f.Name, Arguments(least, most), n)
	}
	for i, a := range args {
		if p := f.Param(i); !a.IsNull() && !p.Kinds.Has(a) {
			return i, fmt.Errorf("the argument %q must be %s, not %s", p.Name, p.Kinds, a.Kinds())
		}
	}
	return -1, nil
}

// Arguments says how many there may be; most is -1 for any number.
func Arguments(least, most int) string {
	switch {
	case most < 0:
		return "at least " + argumentCount(least)
	case least == most:
		return argumentCount(least)
	}
	return fmt.Sprintf("%d to %s", least, argumentCount(most))
}

func argumentCount(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return strconv.Itoa(n) + " arguments"
}

// The parameters of the tables are made of these.

func text(name string) Param   { return Param{Name: name, Kinds: flow.OfText} }
func number(name string) Param { return Param{Name: name, Kinds: flow.OfNumber} }
func list(name string) Param   { return Param{Name: name, Kinds: flow.OfList} }
func object() Param            { return Param{Name: "object", Kinds: flow.OfMap} }
func value(name string) Param {
	return Param{Name: name, Kinds: flow.OfAny, Null: true}
}
func textOrBytes(name string) Param {
	return Param{Name: name, Kinds: flow.OfText | flow.OfBytes}
}

func (p Param) optional() Param { p.Optional = true; return p }
func (p Param) orNull() Param   { p.Null = true; return p }
func (p Param) orList() Param   { p.Kinds |= flow.OfList; return p }
func (p Param) rest() *Param    { return &p }

func params(ps ...Param) []Param { return ps }

// boundText returns s as a value, or an error when it is too long.
func boundText(s string) (flow.Value, error) {
	if len(s) > MaxText {
		return flow.NullValue, errTooLong
	}
	return flow.TextOf(s), nil
}
