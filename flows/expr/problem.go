package expr

import (
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
