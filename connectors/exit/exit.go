// Package exit is a target that ends the process.
//
// It asks its host for the end and is done: the event that asked counts as
// delivered, and the drain that follows treats this connector as any other.
// Who else is still sending is for the engine to know.
package exit

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "exit",
	Summary: "ends the process when an event arrives",
	Doc: `Any event ends the process, with all its flows; what the event says does not
matter. The first one counts.

After ` + "`delay`" + ` the process drains as it does on SIGTERM: sources stop, what is in
flight is delivered, connections are closed with a goodbye. Then it ends with
` + "`code`" + `. With ` + "`graceful = false`" + ` it ends at once after the delay, and what is in
flight is lost.

Delivered means: the end of the process is on its way.`,
	Example: `connector "file" "in" {
  path          = "in.json"
  mode          = "read"
  preprocessors = ["separate"]
  codec         = "json"
}

connector "exit" "done" {
  code  = 3
  delay = "100ms"
}

connect "stop" {
  from  = connector.in
  where = event == "exit"
  to    = connector.done
}
`,
	Config: func() flow.ConnectorConfig { return &Config{Graceful: true} },
}}

// Config is the configuration of an exit connector.
type Config struct {
	Code     int              `hcl:"code" min:"0" max:"255" doc:"exit code of the process"`
	Delay    setting.Duration `hcl:"delay" doc:"wait before the end begins"`
	Graceful bool             `hcl:"graceful" doc:"deliver what is in flight first"`
}

// Shape implements flow.ConnectorConfig.
func (*Config) Shape() flow.Shape { return flow.Shape{Role: flow.Target, In: true} }

// New implements flow.ConnectorConfig.
func (c *Config) New() (flow.Connector, error) { return &exit{config: *c}, nil }

type exit struct {
	config Config
	end    func(code int, delay time.Duration)
	ended  bool
}

// Prepare implements flow.Preparer.
func (e *exit) Prepare(_ context.Context, host flow.Host) error {
	e.end = host.Exit
	if !e.config.Graceful {
		h, ok := host.(flow.Halter)
		if !ok {
			return errors.New("end the process at once: the runtime offers only a graceful end here: leave out graceful = false")
		}
		e.end = h.Halt
	}
	return nil
}

// Release implements flow.Preparer.
func (e *exit) Release() {}

// Run implements flow.Connector.
func (e *exit) Run(ctx context.Context, host flow.Host) error {
	link, err := host.Open(flow.Peer{}, e)
	if err != nil {
		return err
	}
	<-ctx.Done()
	link.Close(host.Abandon(), nil)
	return nil
}

// Write implements flow.Writer.
func (e *exit) Write(context.Context, []flow.Frame, bool) error {
	if !e.ended {
		e.ended = true
		e.end(e.config.Code, time.Duration(e.config.Delay))
	}
	return nil
}

// Flush implements flow.Writer.
func (e *exit) Flush(context.Context) error { return nil }
