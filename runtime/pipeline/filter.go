package pipeline

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Filter is the configuration of a step that lets some events pass.
type Filter struct {
	Where flow.Expr `hcl:"where" required:"true" doc:"what is true for the events that go on; null counts as false"`
}

// Ports implements flow.StepConfig: a filter has none of its own.
func (f *Filter) Ports() []string { return nil }

// New implements flow.StepConfig.
func (f *Filter) New(env flow.StepEnv) (flow.Sink, error) {
	if f.Where == nil {
		return nil, &flow.FieldError{Field: "where", Err: errors.New("a filter needs a where")}
	}
	return &filter{Filter: *f, env: env}, nil
}

type filter struct {
	Filter
	counters
	env flow.StepEnv
}

func (f *filter) Send(ctx context.Context, batch []flow.Event) error {
	return f.dispatch(ctx, f, batch)
}

func (f *filter) choose(e *flow.Event) (way, error) {
	pass, err := f.Where.Test(e)
	if pass {
		return 1, err
	}
	return nowhere, err
}

func (f *filter) send(ctx context.Context, _ way, run []flow.Event) error {
	return f.env.Next.Send(ctx, run)
}

func (f *filter) refuse(ctx context.Context, e *flow.Event, cause error) error {
	return refuse(ctx, &f.env, f.Where, e, cause)
}

// refuse sends an event that a step cannot deal with to the pipeline's err
// port. The cause is about the expression x, if there is one.
func refuse(ctx context.Context, env *flow.StepEnv, x flow.Expr, e *flow.Event, cause error) error {
	p := flow.Problem{Kind: "step", Step: env.Label, Err: cause, Event: *e}
	if x != nil {
		p.At = place(x, cause)
	}
	return env.Problems.Handle(ctx, p)
}
