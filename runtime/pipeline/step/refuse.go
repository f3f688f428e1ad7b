package step

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
)

// refuse sends an event that a step cannot deal with to the pipeline's err
// port. The cause is about the expression x, if there is one.
func refuse(ctx context.Context, env *flow.StepEnv, x flow.Expr, e *flow.Event, cause error) error {
	p := flow.Problem{Kind: "step", Step: env.Label, Err: cause, Event: *e}
	if x != nil {
		p.At = Place(x, cause)
	}
	return env.Problems.Handle(ctx, p)
}

// Place is where in the flow file an expression failed: the part of it that
// did, when the error says so.
func Place(x flow.Expr, cause error) string {
	var part interface{ At() string }
	if errors.As(cause, &part) {
		return part.At()
	}
	return x.At()
}
