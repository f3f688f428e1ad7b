package expr

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// Error is what went wrong with one event, and where in the flow.
type Error struct {
	Range hcl.Range
	Err   error
}

// Error names the place in the flow file: "flow.hcl:12,11: …".
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d,%d: %v", e.Range.Filename, e.Range.Start.Line, e.Range.Start.Column, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// At is the place of the part of the expression that failed:
// "flow.hcl:12,11-30".
func (e *Error) At() string { return e.Range.String() }

// errSecret takes the place of what may tell something of a secret.
var errSecret = errors.New("this cannot be computed; why is not shown, since a sensitive value is in it")

func (n *node) errorf(format string, args ...any) error {
	return &Error{Range: n.rng, Err: fmt.Errorf(format, args...)}
}

// problem reports a mistake in the flow.
func (c *compiler) problem(rng hcl.Range, summary, hint string) {
	c.diags = append(c.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   hint,
		Subject:  rng.Ptr(),
	})
}

// valueProblem marks a diagnostic about values rather than about the text: a
// mistake only where the part is computed at all.
type valueProblem struct{ inner any }

// UnwrapDiagnosticExtra gives what package hcl said beside the diagnostic.
func (p valueProblem) UnwrapDiagnosticExtra() any { return p.inner }

// mismatch reports something that cannot be computed, whatever event comes.
func (c *compiler) mismatch(rng hcl.Range, summary, hint string) {
	c.problem(rng, summary, hint)
	c.diags[len(c.diags)-1].Extra = valueProblem{}
}

// warn reports something that can be computed and is most probably not meant.
func (c *compiler) warn(rng hcl.Range, summary, hint string) {
	c.mismatch(rng, summary, hint)
	c.diags[len(c.diags)-1].Severity = hcl.DiagWarning
}

// forgive takes back what mismatch has reported since there were mark
// diagnostics: the part is never computed, or the flow is ready for its error.
func (c *compiler) forgive(mark int) {
	kept := c.diags[:mark]
	for _, d := range c.diags[mark:] {
		if _, ok := d.Extra.(valueProblem); !ok {
			kept = append(kept, d)
		}
	}
	c.diags = kept
}
