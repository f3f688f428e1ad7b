// Package metronome is a source of events at a steady pace.
//
// A tick is worth something at its time only. So nothing queues: while the
// flow is busy with one tick, the following are left out, and the next that
// is sent is again on the beat.
package metronome

import (
	"context"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "metronome",
	Summary: "an event at a steady pace",
	Doc: `The first event comes one interval after the start. It is

    {"tick":1,"time":1784000000000000000}

where tick counts the intervals since the start, and time is when it ticked,
in nanoseconds since 1970. With ` + "`event`" + ` each tick brings that text instead. Either is
read by the codec, so it must be what the codec reads: ` + "`jsonencode(...)`" + ` for json.

Ticks do not wait: while the flow is busy with one, those that come are left
out, and the count shows it. An event that fails is logged and not sent again.`,
	Example: `connector "metronome" "clock" {
  interval = "10s"
  event    = jsonencode({ type = "ping" })
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connect "tick" {
  from = connector.clock
  to   = connector.console
}
`,
	Config: func() flow.ConnectorConfig { return &Config{} },
}}

// Config is the configuration of a metronome.
type Config struct {
	Interval setting.Duration `hcl:"interval" required:"true" min:"1ms" doc:"time from tick to tick"`
	Event    string           `hcl:"event" doc:"what each tick brings, as the codec reads it; a count and a time when not given"`
}

// Shape implements flow.ConnectorConfig.
func (*Config) Shape() flow.Shape { return flow.Shape{Role: flow.Source, Out: true} }

// New implements flow.ConnectorConfig.
func (c *Config) New() (flow.Connector, error) {
	return &metronome{interval: time.Duration(c.Interval), event: c.Event}, nil
}

type metronome struct {
	interval time.Duration
	event    string
}

// Run implements flow.Connector.
func (m *metronome) Run(ctx context.Context, host flow.Host) error {
	link, err := host.Open(flow.Peer{}, nil)
	if err != nil {
		return err
	}
	start := time.Now()
	ticker := time.NewTicker(m.interval)
	defer ticker.Stop()
	buf := []byte(m.event)
	frames := make([]flow.Frame, 1)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-ticker.C:
			if m.event == "" {
				buf = m.tick(buf[:0], start, now)
			}
			frames[0] = flow.Frame{Data: buf}
			if err := link.Receive(host.Abandon(), frames); err != nil {
				host.Log().Warn("a tick was not delivered", zap.Error(err))
			}
			select {
			case <-ticker.C: // came meanwhile, and would be late now
			default:
			}
		}
	}
	link.Close(host.Abandon(), nil)
	return nil
}

// tick appends the default event.
func (m *metronome) tick(buf []byte, start, now time.Time) []byte {
	n := (now.Sub(start) + m.interval/2) / m.interval
	buf = append(buf, `{"tick":`...)
	buf = strconv.AppendInt(buf, int64(n), 10)
	buf = append(buf, `,"time":`...)
	buf = strconv.AppendInt(buf, now.UnixNano(), 10)
	return append(buf, '}')
}
