// Package aggregate holds the aggregates of the flow language: functions that
// make one value of many, one per event, without keeping these.
//
// A [Call] is one use of such a function in a flow, with its constant second
// argument. What it has seen is a [State]: a plain struct of 80 bytes, so that
// thousands of groups cost little, and are made without a closure or a map in
// any of them. Values come in two steps, because an event counts in all
// aggregates of an expression or in none: [Call.Check] refuses what cannot be
// added, [Call.Add] then adds. Null is never added, as in SQL, except that
// count() without an argument counts events.
//
// Sums of integers are exact, whatever is in between, as long as the result is
// an integer of 64 bits; those of fractions are compensated, so that ten times
// 0.1 is 1. Quantiles keep up to [MaxExact] values and are exact; beyond that
// they come from a sketch of bounded size, see [MaxExact].
package aggregate

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Function is one aggregate of the language.
type Function struct {
	Name     string
	Takes    flow.Kinds // what it takes per event, null aside; none for no argument
	Optional bool       // the argument may be left out
	Second   Second     // the constant argument behind it
	Returns  flow.Kinds
	Doc      string // what it returns: one sentence without its name
	Example  string // a call
	op       op
}

// Second is what the second argument of an aggregate means.
type Second int

// The second arguments.
const (
	None  Second = iota
	Share        // a number from 0 to 1
	Limit        // how many values are kept; may be left out
)

type op int

const (
	opCount op = iota
	opSum
	opAvg
	opMin
	opMax
	opStdev
	opQuantile
	opFirst
	opLast
	opCollect
	opDistinct
)

const ordered = flow.OfNumber | flow.OfText

// All are the aggregates, in the order of the reference.
var All = []Function{
	{Name: "count", op: opCount, Takes: flow.OfBool, Optional: true, Returns: flow.OfNumber, Example: `count(event.level == "error")`,
		Doc: "how many events there are or, with an argument, for how many it is true"},
	{Name: "sum", op: opSum, Takes: flow.OfNumber, Returns: flow.OfNumber, Example: `sum(event.bytes)`,
		Doc: "the sum of the numbers; 0 of none"},
	{Name: "avg", op: opAvg, Takes: flow.OfNumber, Returns: flow.OfNumber | flow.OfNull, Example: `avg(event.ms)`,
		Doc: "the mean of the numbers; null of none"},
	{Name: "min", op: opMin, Takes: ordered, Returns: ordered | flow.OfNull, Example: `min(event.ms)`,
		Doc: "the least of the numbers, or of the strings by bytes; null of none"},
	{Name: "max", op: opMax, Takes: ordered, Returns: ordered | flow.OfNull, Example: `max(event.ms)`,
		Doc: "the greatest of the numbers, or of the strings by bytes; null of none"},
	{Name: "stdev", op: opStdev, Takes: flow.OfNumber, Returns: flow.OfNumber | flow.OfNull, Example: `stdev(event.ms)`,
		Doc: "the standard deviation of the numbers, taken for a sample (divided by n - 1); null of less than two"},
	{Name: "quantile", op: opQuantile, Takes: flow.OfNumber, Second: Share, Returns: flow.OfNumber | flow.OfNull, Example: `quantile(event.ms, 0.99)`,
		Doc: "the least of the numbers that is not below such a share of them (0 to 1): exact up to 1,000 numbers, within 1 % of its size beyond; null of none"},
	{Name: "first", op: opFirst, Takes: flow.OfAny &^ flow.OfNull, Returns: flow.OfAny, Example: `first(event.price)`,
		Doc: "the first value that is not null"},
	{Name: "last", op: opLast, Takes: flow.OfAny &^ flow.OfNull, Returns: flow.OfAny, Example: `last(event.price)`,
		Doc: "the last value that is not null"},
	{Name: "collect", op: opCollect, Takes: flow.OfAny &^ flow.OfNull, Second: Limit, Returns: flow.OfList, Example: `collect(event.id, 100)`,
		Doc: "a list of the values, of the first n of them when n is given"},
	{Name: "distinct", op: opDistinct, Takes: flow.OfAny &^ flow.OfNull, Second: Limit, Returns: flow.OfList, Example: `distinct(event.user, 100)`,
		Doc: "a list of the values without repetitions, of the first n of them when n is given"},
}

// Find returns the aggregate of that name, nil when there is none.
func Find(name string) *Function {
	for i := range All {
		if All[i].Name == name {
			return &All[i]
		}
	}
	return nil
}

// Call is one use of an aggregate.
type Call struct {
	*Function
	Share float64 // of quantile
	Limit int     // of collect and distinct; 0 for none
}

// State is what one call has seen. The zero State has seen nothing. It is used
// by one goroutine at a time, and by one call only.
type State struct {
	n     int64   // values
	whole wide    // the sum of the integers among them
	frac  float64 // the sum of the fractions; of stdev the mean, of min and max the value, rounded
	err   float64 // the sum's compensation; of stdev the sum of squares around the mean
	mixed bool    // there are fractions in the sum
	value flow.Value
	kept  *kept
}

// kept is what the aggregates that keep values have.
type kept struct {
	list   []flow.Value        // collect, distinct
	seen   map[string]struct{} // distinct, once linear search gets slow
	exact  []float64           // quantile
	sketch *sketch             // quantile, beyond MaxExact values
}

// Input is one value, read once for all calls that take it.
type Input struct {
	Value flow.Value
	float float64
	whole bool // an integer of 64 bits
	err   error
}

var (
	errBig    = errors.New("an integer beyond 64 bits can be passed on and compared, not computed with")
	errFinite = errors.New("infinity and what is no number (NaN) cannot be computed with")
	errSum    = errors.New("the sum is beyond the integers of 64 bits")
)

// Read makes an Input of a value.
func Read(v flow.Value) Input {
	in := Input{Value: v}
	switch v.Kind() {
	case flow.Int:
		in.whole, in.float = true, float64(v.Int())
	case flow.Number, flow.Float:
		in.float = v.Float()
		if in.float-in.float != 0 {
			in.err = errFinite
		}
		if v.Kind() == flow.Number && !strings.ContainsAny(v.Text(), ".eE") && v.Text() != "-0" {
			in.err = errBig
		}
	}
	return in
}

// Check refuses what cannot be added to s. The error names kinds, not values.
func (c *Call) Check(s *State, in *Input) error {
	v := in.Value
	if v.IsNull() {
		return nil
	}
	if !c.Takes.Has(v) {
		return fmt.Errorf("%s takes %s, not %s", c.Name, c.Takes, v.Kinds())
	}
	switch c.op {
	case opSum, opAvg, opStdev, opQuantile:
		return in.err
	case opMin, opMax:
		if f := in.float; f != f {
			return errFinite
		}
		if s.n > 0 && s.value.Kinds() != v.Kinds() {
			return fmt.Errorf("%s has seen %s before: numbers and strings have no order", c.Name, s.value.Kinds())
		}
	}
	return nil
}

// Add adds what Check has let pass. It keeps copies only.
func (c *Call) Add(s *State, in *Input) {
	v := in.Value
	if v.IsNull() || c.op == opCount && !v.Bool() {
		return
	}
	s.n++
	switch c.op {
	case opSum, opAvg:
		s.add(in)
	case opMin, opMax:
		if s.n == 1 || c.better(v, in.float, s) {
			s.value, s.frac = v.Held(), in.float
		}
	case opStdev:
		d := in.float - s.frac
		s.frac += d / float64(s.n)
		s.err += d * (in.float - s.frac)
	case opQuantile:
		s.keep().measure(in.float)
	case opFirst:
		if s.n == 1 {
			s.value = v.Held()
		}
	case opLast:
		s.value = v.Held()
	case opCollect:
		if k := s.keep(); c.Limit == 0 || len(k.list) < c.Limit {
			k.list = append(k.list, v.Held())
		}
	case opDistinct:
		s.keep().meet(v, c.Limit)
	}
}

// Count counts an event, for count() without an argument.
func (s *State) Count() { s.n++ }

func (s *State) keep() *kept {
	if s.kept == nil {
		s.kept = &kept{}
	}
	return s.kept
}

// better tells whether v, which is about float, takes the place of the least or
// greatest so far.
func (c *Call) better(v flow.Value, float float64, s *State) bool {
	sign := cmp.Compare(float, s.frac)
	switch {
	case v.Kind() == flow.Text:
		sign = strings.Compare(v.Text(), s.value.Text())
	case sign == 0:
		sign, _ = flow.CompareNumbers(v, s.value)
	}
	if c.op == opMin {
		return sign < 0
	}
	return sign > 0
}

// Merge adds to s what later has seen after it. later is not used any more.
func (c *Call) Merge(s, later *State) {
	before := s.n
	s.n += later.n
	switch c.op {
	case opSum, opAvg:
		s.whole = s.whole.plus(later.whole)
		s.mixed = s.mixed || later.mixed
		s.fraction(later.frac)
		s.err += later.err
	case opMin, opMax:
		if before == 0 || later.n > 0 && later.value.Kinds() == s.value.Kinds() && c.better(later.value, later.frac, s) {
			s.value, s.frac = later.value, later.frac
		}
	case opStdev:
		if n, m := float64(before), float64(later.n); m > 0 {
			d := later.frac - s.frac
			s.frac += d * m / (n + m)
			s.err += later.err + d*d*n*m/(n+m)
		}
	case opFirst:
		if before == 0 {
			s.value = later.value
		}
	case opLast:
		if later.n > 0 {
			s.value = later.value
		}
	case opQuantile, opCollect, opDistinct:
		if later.kept != nil {
			s.keep().merge(c, later.kept)
		}
	}
}

// Value is what the aggregate comes to. It shares nothing that a later Add
// changes.
func (c *Call) Value(s *State) (flow.Value, error) {
	switch {
	case c.op == opCount:
		return flow.IntOf(s.n), nil
	case c.op == opSum:
		return s.sum()
	case c.op == opCollect || c.op == opDistinct:
		return s.list(), nil
	case s.n == 0:
		return flow.NullValue, nil
	case c.op == opAvg:
		return s.mean()
	case c.op == opStdev:
		return s.deviation()
	case c.op == opQuantile:
		return s.kept.quantile(c.Share), nil
	}
	return s.value, nil
}

// Items counts the values that s keeps one by one.
func (s *State) Items() int {
	if s.kept == nil {
		return 0
	}
	return len(s.kept.list)
}
