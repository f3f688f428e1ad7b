package step

import (
	"context"
	"errors"
	"fmt"

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

// mustBe is an error about an argument whose values are never of the kinds
// wanted, as far as that is known before any event has come. What is sometimes
// null is not right for that alone; what is always null is meant so.
func mustBe(field string, x flow.Expr, wanted flow.Kinds) error {
	k, ok := x.(flow.Kinded)
	if !ok {
		return nil
	}
	if can := k.Kinds(); can&wanted == 0 && can != flow.OfNull {
		return &flow.FieldError{Field: field, Err: fmt.Errorf("%s is %s, where %s is needed", field, can, wanted)}
	}
	return nil
}
