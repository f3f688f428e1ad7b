package step

import (
	"context"
	"math/rand/v2"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Sample is the configuration of a step that lets a part of the events pass.
type Sample struct {
	Rate float64   `hcl:"rate" required:"true" min:"0" max:"1" doc:"the part of the events that go on, from 0 for none to 1 for all"`
	Key  flow.Expr `hcl:"key" doc:"events with equal keys go on together, or none of them; null is no key"`
}

// Ports implements flow.StepConfig: a sample has none of its own.
func (s *Sample) Ports() []string { return nil }

// New implements flow.StepConfig.
func (s *Sample) New(env flow.StepEnv) (flow.Sink, error) {
	return &sampler{Sample: *s, env: env, seed: hash(fnvOffset, []byte(env.Label))}, nil
}

type sampler struct {
	Sample
	Counters
	env  flow.StepEnv
	seed uint64 // so that two samples choose different keys
}

func (s *sampler) Send(ctx context.Context, batch []flow.Event) error {
	return s.Dispatch(ctx, s, batch)
}

func (s *sampler) Choose(e *flow.Event) (Way, error) {
	draw := rand.Float64() //nolint:gosec // nobody gains by foreseeing it
	if s.Key != nil {
		key, err := keyOf(s.Key, e)
		if err != nil {
			return Nowhere, err
		}
		defer key.release()
		if !key.none() {
			draw = float64(mix(hash(s.seed, key.spelled))>>11) / (1 << 53)
		}
	}
	if draw < s.Rate {
		return 1, nil
	}
	return Nowhere, nil
}

func (s *sampler) Pass(ctx context.Context, _ Way, run []flow.Event) error {
	return s.env.Next.Send(ctx, run)
}

func (s *sampler) Refuse(ctx context.Context, e *flow.Event, cause error) error {
	return refuse(ctx, &s.env, s.Key, e, cause)
}

const fnvOffset, fnvPrime = 14695981039346656037, 1099511628211

// hash is FNV-1a: the same in every process, so that a key is chosen on every
// node or on none.
func hash(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h
}

// mix spreads what FNV leaves close together over all bits.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

var sampleSpec = flow.Spec[flow.StepConfig]{
	Name:    "sample",
	Summary: "lets a part of the events pass, chosen at random",
	Doc: "`rate = 0.1`" + ` lets one event in ten pass, on average; each is decided for itself. With
` + "`key`" + `, events with equal keys are all kept or all dropped, also in another process and after a restart:
` + "`key = event.user`" + ` with ` + "`rate = 0.1`" + ` keeps all events of a tenth of the users. Steps with different
labels choose different ones. An event whose key is null is decided for itself.

What is dropped counts as delivered. An event for which ` + "`key`" + ` fails goes to the pipeline's ` + "`err`" + `
port; without one it has failed. The other events of its batch go on.`,
	Example: sampleExample,
	Config:  func() flow.StepConfig { return &Sample{} },
}

const sampleExample = `connector "metronome" "clock" {
  interval = "100ms"
}

connector "stdio" "console" {
  codec = "json"
}

pipeline "some" {
  sample "half" {
    rate = 0.5
  }
}

connect "show" {
  from = connector.clock
  via  = [pipeline.some]
  to   = connector.console
}
`
