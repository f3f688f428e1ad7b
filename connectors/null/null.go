// Package null is a target that forgets what it is given.
//
// It has a link like every target, so that what is sent to it is routed,
// encoded and counted in the same way: a flow that ends here costs what it
// costs apart from the world behind a real target.
package null

import (
	"context"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "null",
	Summary: "takes everything, gives nothing",
	Doc: `Events sent to it are encoded and forgotten. Delivered means: taken.

It is for what must go somewhere and is of no interest, and for measuring: what
a flow costs apart from its target.`,
	Example: `connector "metronome" "clock" {
  interval = "1s"
}

connector "null" "nowhere" {
}

connect "forget" {
  from = connector.clock
  to   = connector.nowhere
}
`,
	Config: func() flow.ConnectorConfig { return &Config{} },
}}

// Config is the configuration of a null connector; there is nothing to say.
type Config struct{}

// Shape implements flow.ConnectorConfig.
func (*Config) Shape() flow.Shape { return flow.Shape{Role: flow.Target, In: true} }

// New implements flow.ConnectorConfig.
func (*Config) New() (flow.Connector, error) { return null{}, nil }

type null struct{}

// Run implements flow.Connector.
func (n null) Run(ctx context.Context, host flow.Host) error {
	link, err := host.Open(flow.Peer{}, n)
	if err != nil {
		return err
	}
	<-ctx.Done()
	link.Close(host.Abandon(), nil)
	return nil
}

// Write implements flow.Writer.
func (null) Write(context.Context, []flow.Frame, bool) error { return nil }

// Flush implements flow.Writer.
func (null) Flush(context.Context) error { return nil }
