// Package log is a target that writes events into the process's log.
//
// The encoded event is the record's message, not a field of it: the log is
// rate-limited by message, so a burst of different events is kept whole, and
// only the repetition of the same text within moments is cut short.
package log

import (
	"context"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "log",
	Summary: "writes each event as a record of the process's log",
	Doc: `The event, as the codec spells it, is the record's message; an empty one is left
out. A record is shown when the process logs its level (` + "`--log-level`" + `). A text
that is repeated more than ten times in a second is thinned out, as all messages
of the log are; different texts are not, up to some ten thousand a second.

A text longer than ` + "`max_length`" + ` is cut, and the record says how long it was.
The events of an ` + "`err`" + ` port name component and peer themselves; of other events
only the payload is shown.

Delivered means: handed to the log.`,
	Example: `connector "file" "in" {
  path          = "in.json"
  mode          = "read"
  preprocessors = ["separate"]
  codec         = "json"
}

connector "null" "nowhere" {
}

connector "log" "problems" {
  level = "warn"
}

connect "work" {
  from = connector.in
  to   = connector.nowhere
}

connect "errors" {
  from = connector.in.err
  to   = connector.problems
}
`,
	Config: func() flow.ConnectorConfig { return &Config{Level: "info", MaxLength: 8 << 10} },
}}

// Config is the configuration of a log connector.
type Config struct {
	Level     string       `hcl:"level" oneof:"debug|info|warn|error" doc:"level of the records"`
	MaxLength setting.Size `hcl:"max_length" min:"16B" doc:"longest text of a record; what is longer is cut"`
}

// Shape implements flow.ConnectorConfig.
func (*Config) Shape() flow.Shape { return flow.Shape{Role: flow.Target, In: true} }

// New implements flow.ConnectorConfig.
func (c *Config) New() (flow.Connector, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, &setting.Error{Field: "level", Err: err}
	}
	return &log{level: level, maxLength: int(c.MaxLength)}, nil
}

type log struct {
	level     zapcore.Level
	maxLength int
	to        *zap.Logger
}

// Run implements flow.Connector.
func (l *log) Run(ctx context.Context, host flow.Host) error {
	l.to = host.Log()
	link, err := host.Open(flow.Peer{}, l)
	if err != nil {
		return err
	}
	<-ctx.Done()
	link.Close(host.Abandon(), nil)
	return nil
}

// Write implements flow.Writer.
func (l *log) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	if !l.to.Core().Enabled(l.level) {
		return nil
	}
	for _, f := range frames {
		switch {
		case len(f.Data) > l.maxLength:
			l.to.Log(l.level, string(cut(f.Data, l.maxLength))+"…", zap.Int("length", len(f.Data)))
		case len(f.Data) > 0:
			l.to.Log(l.level, string(f.Data))
		}
	}
	return nil
}

// Flush implements flow.Writer.
func (l *log) Flush(context.Context) error { return nil }

// cut shortens text to at most n bytes without breaking a character.
func cut(text []byte, n int) []byte {
	for back := range utf8.UTFMax {
		if n-back > 0 && utf8.RuneStart(text[n-back]) {
			return text[:n-back]
		}
	}
	return text[:n] // no UTF-8
}
