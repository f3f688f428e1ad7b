package step

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
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
		return nil, &setting.Error{Field: "where", Err: errors.New("a filter needs a where")}
	}
	return &filter{Filter: *f, env: env}, nil
}

type filter struct {
	Filter
	Counters
	env flow.StepEnv
}

func (f *filter) Send(ctx context.Context, batch []flow.Event) error {
	return f.Dispatch(ctx, f, batch)
}

func (f *filter) Choose(e *flow.Event) (Way, error) {
	pass, err := f.Where.Test(e)
	if pass {
		return 1, err
	}
	return Nowhere, err
}

func (f *filter) Pass(ctx context.Context, _ Way, run []flow.Event) error {
	return f.env.Next.Send(ctx, run)
}

func (f *filter) Refuse(ctx context.Context, e *flow.Event, cause error) error {
	return refuse(ctx, &f.env, f.Where, e, cause)
}

var filterSpec = flow.Spec[flow.StepConfig]{
	Name:    "filter",
	Summary: "lets the events pass for which a condition is true",
	Doc: `An event for which ` + "`where`" + ` is false or null is dropped: it counts as delivered.
An event for which it is neither true, false nor null goes to the pipeline's ` + "`err`" + ` port; without
one it has failed, and whoever sent it learns of that. The other events of its batch go on.`,
	Example: filterExample,
	Config:  func() flow.StepConfig { return &Filter{} },
}

const filterExample = `connector "file" "in" {
  path  = "in.ndjson"
  mode  = "read"
  codec = "json"

  preprocessors = ["separate"]
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "errors" {
  filter "bad" {
    where = event.status >= 500 && !startswith(event.path, "/health")
  }
}

connect "show" {
  from = connector.in
  via  = [pipeline.errors]
  to   = connector.console
}
`
