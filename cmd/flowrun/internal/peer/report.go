package peer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/runtime/flow"
)

const maxFailures = 5 // of the instances of a script that are told

// Report is how a script went.
type Report struct {
	Peer     string
	At       flow.Place
	Ran      int       // instances
	Failed   int       // of them
	Failures []Failure // the first few that failed, in the order of the instances
}

// Failure is the step that ended an instance.
type Failure struct {
	Peer       string // "alice", or "alice[3]" of several
	Index      int    // of the instance, from 0
	Kind       string // of the step: "expect"; empty when it is none of them
	At         flow.Place
	Err        error
	Transcript []wire.Line // the last of what happened
	Before     int         // how much happened before that
}

// OK reports that all instances went as written.
func (r *Report) OK() bool { return r.Failed == 0 }

// Err returns what went wrong as one error, nil when nothing did.
func (r *Report) Err() error {
	if r.OK() {
		return nil
	}
	return errors.New(strings.TrimSuffix(r.String(), "\n"))
}

// String is the report for people: empty when all went as written.
func (r *Report) String() string {
	var b strings.Builder
	for i := range r.Failures {
		b.WriteString(r.Failures[i].String())
	}
	if more := r.Failed - len(r.Failures); more > 0 {
		fmt.Fprintf(&b, "and %d more of the %d clients of peer %q\n", more, r.Ran, r.Peer)
	}
	return b.String()
}

// String tells the failure with its transcript, in lines.
func (f *Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: peer %q", f.At.File, f.At.Line, f.Peer)
	if f.Kind != "" {
		fmt.Fprintf(&b, ", %s", f.Kind)
	}
	fmt.Fprintf(&b, ": %s\n", f.Err)
	if len(f.Transcript) > 0 {
		b.WriteString("  what happened:\n")
	}
	if f.Before > 0 {
		fmt.Fprintf(&b, "    … %d lines before\n", f.Before)
	}
	for _, l := range f.Transcript {
		fmt.Fprintf(&b, "    %8.3fs  %s\n", l.At.Seconds(), l.Text)
	}
	return b.String()
}
