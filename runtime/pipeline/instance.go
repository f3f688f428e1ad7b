package pipeline

import (
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// Instance is one use of a pipeline: its steps, chained, with their state.
type Instance struct {
	in       flow.Sink
	ports    map[string]*flow.Port
	problems *flow.Problems
	steps    []part // in the order of the flow
	timing   timing
}

// part is one step of an instance.
type part struct {
	block *flowfile.StepBlock
	sink  flow.Sink
}

// New builds an instance of block. What its steps cannot deal with goes to
// problems.
func New(block *flowfile.PipelineBlock, problems *flow.Problems) (*Instance, error) {
	out := new(flow.Port)
	i := &Instance{in: out, ports: map[string]*flow.Port{"out": out}, problems: problems, steps: make([]part, len(block.Steps))}
	for _, step := range block.Steps {
		for _, name := range step.Config.Ports() {
			if i.ports[name] == nil {
				i.ports[name] = new(flow.Port)
			}
		}
	}
	for n := len(block.Steps) - 1; n >= 0; n-- {
		step := &block.Steps[n]
		s, err := step.Config.New(flow.StepEnv{
			Label:    step.Label,
			Next:     i.in,
			Port:     func(name string) flow.Sink { return i.ports[name] },
			Problems: problems,
		})
		if err != nil {
			return nil, fmt.Errorf("build %s %q of pipeline.%s (%s:%d): %w", step.Type, step.Label, block.Name, step.At.File, step.At.Line, err)
		}
		i.in = s
		i.steps[n].block, i.steps[n].sink = step, s
	}
	i.timing.init(i.steps)
	return i, nil
}

// In takes events into the pipeline, from any goroutine.
func (i *Instance) In() flow.Sink { return i.in }

// Port returns "out", "err" or a port that a route names, for the engine to
// connect, and nil for any other name.
func (i *Instance) Port(name string) *flow.Port {
	if name == "err" {
		return &i.problems.Port
	}
	return i.ports[name]
}
