package step

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Route is the configuration of a step that sends events to named exits of
// its pipeline.
type Route struct {
	Mode string      `hcl:"mode" oneof:"first|all" doc:"whether an event leaves by the first port that takes it, or by all that do"`
	Port []RoutePort `hcl:"port" doc:"an exit of the pipeline, named by its label"`
}

// RoutePort is one exit of a Route.
type RoutePort struct {
	Name  string    `hcl:"name,label" doc:"the exit's name: pipeline.<pipeline>.<name>"`
	Where flow.Expr `hcl:"where" doc:"what is true for the events that leave here; without it, every event that comes to this port"`
}

// maxPorts is what a way, a set of ports and the next step, can hold.
const maxPorts = 63

// Ports implements flow.StepConfig.
func (r *Route) Ports() []string {
	names := make([]string, len(r.Port))
	for i, p := range r.Port {
		names[i] = p.Name
	}
	return names
}

// Ends implements flow.Ender: a port without where takes what comes to it.
func (r *Route) Ends() bool {
	return slices.ContainsFunc(r.Port, func(p RoutePort) bool { return p.Where == nil })
}

// New implements flow.StepConfig.
func (r *Route) New(env flow.StepEnv) (flow.Sink, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	s := &route{ports: r.Port, all: r.Mode == "all", env: env, to: make([]flow.Sink, 0, len(r.Port)+1)}
	for _, p := range r.Port {
		s.to = append(s.to, env.Port(p.Name))
	}
	s.to = append(s.to, env.Next)
	return s, nil
}

func (r *Route) check() error {
	if len(r.Port) == 0 {
		return &setting.Error{Field: "port", Err: errors.New("a route needs at least one port")}
	}
	if len(r.Port) > maxPorts {
		return &setting.Error{Field: "port", Err: fmt.Errorf("a route has at most %d ports, not %d: let the rest go on to a second route", maxPorts, len(r.Port))}
	}
	open := ""
	for _, p := range r.Port {
		if open != "" && r.Mode != "all" {
			return &setting.Error{Field: "port." + p.Name, Err: fmt.Errorf("no event comes to port %q: port %q before it has no where and takes them all", p.Name, open)}
		}
		if p.Where == nil {
			open = p.Name
		}
	}
	return nil
}

// route is the step. A Way is the set of the sinks in to, as bits; the last of
// them is the next step.
type route struct {
	ports []RoutePort
	all   bool
	to    []flow.Sink
	env   flow.StepEnv
	Counters
}

func (r *route) Send(ctx context.Context, batch []flow.Event) error {
	return r.Dispatch(ctx, r, batch)
}

func (r *route) Choose(e *flow.Event) (Way, error) {
	var w Way
	for i := range r.ports {
		if where := r.ports[i].Where; where != nil {
			takes, err := where.Test(e)
			if err != nil {
				return Nowhere, &portError{where, err}
			}
			if !takes {
				continue
			}
		}
		w |= 1 << i
		if !r.all {
			return w, nil
		}
	}
	if w == Nowhere {
		w = 1 << len(r.ports) // on to the next step
	}
	return w, nil
}

func (r *route) Pass(ctx context.Context, w Way, run []flow.Event) error {
	if w&(w-1) == 0 {
		return r.to[bits.TrailingZeros64(uint64(w))].Send(ctx, run)
	}
	var t Tally
	for ; w != 0; w &= w - 1 {
		t.Add(len(run), 0, len(run), r.to[bits.TrailingZeros64(uint64(w))].Send(ctx, run))
	}
	return t.Err()
}

func (r *route) Refuse(ctx context.Context, e *flow.Event, cause error) error {
	var failed *portError
	errors.As(cause, &failed)
	return refuse(ctx, &r.env, failed.where, e, failed.cause)
}

// portError carries a failed condition from Choose to Refuse.
type portError struct {
	where flow.Expr
	cause error
}

func (p *portError) Error() string { return p.cause.Error() }

var routeSpec = flow.Spec[flow.StepConfig]{
	Name:    "route",
	Summary: "sends events to named exits of the pipeline",
	Doc: `Each ` + "`port`" + ` names an exit, ` + "`pipeline.<pipeline>.<port>`" + `, that a ` + "`connect`" + ` can start from.
Ports are asked in the order written; one without ` + "`where`" + ` takes every event that comes to it. What no
port takes goes on to the next step.

With ` + "`mode = \"first\"`" + ` an event leaves by the first port that takes it, with ` + "`\"all\"`" + ` by each of
them: then it is delivered when it is at all of them. An exit that nothing is connected to counts and drops
its events.

An event for which a condition is neither true, false nor null goes to the pipeline's ` + "`err`" + ` port and to
no exit. A route has at most 63 ports.`,
	Example: routeExample,
	Config:  func() flow.StepConfig { return &Route{Mode: "first"} },
}

const routeExample = `connector "file" "in" {
  path  = "in.ndjson"
  mode  = "read"
  codec = "json"

  preprocessors = ["separate"]
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connector "file" "rest" {
  path  = "rest.ndjson"
  mode  = "append"
  codec = "json"

  postprocessors = ["separate"]
}

pipeline "sort" {
  route "by_level" {
    port "alarms" {
      where = event.level == "error" || event.level == "fatal"
    }
    port "rest" {}
  }
}

connect "in" {
  from = connector.in
  to   = pipeline.sort
}

connect "alarms" {
  from = pipeline.sort.alarms
  to   = connector.console
}

connect "rest" {
  from = pipeline.sort.rest
  to   = connector.rest
}
`
