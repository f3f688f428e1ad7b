package observe

import (
	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/setting"
)

var logsSpec = flow.Spec[flow.ConnectorConfig]{
	Name:    "logs",
	Summary: "the log of the process",
	Doc: `Each record is an event,

    {"timestamp": "2030-01-02T03:04:05.678Z", "level": "info", "message": "reloaded", "fields": {"kept": 3}}

It is what is logged, as ` + "`--log-level`" + ` says, after repetitions have been thinned
out. Left out is what its events can reach, through pipelines and other connectors,
and what those of another such connector can, or of ` + "`events`" + `: what is logged while
a record is delivered would be the next one.

Up to ` + "`max_events`" + ` records wait while the flow is busy. What comes then is lost,
which a record says, with ` + "`fields.lost`" + `. Records that fail are not sent again. The
process does not go on for the sake of this connector: it ends when all other sources
have.`,
	Example: `connector "logs" "process" {
  level = "warn"
}

connector "file" "problems" {
  path           = "problems.ndjson"
  mode           = "append"
  codec          = "json"
  postprocessors = ["separate"]
}

connect "keep" {
  from = connector.process
  to   = connector.problems
}
`,
	Config: func() flow.ConnectorConfig { return &LogsConfig{Level: "debug", MaxEvents: 256} },
}

// LogsConfig is the configuration of a logs connector.
type LogsConfig struct {
	Level     string `hcl:"level" oneof:"debug|info|warn|error" doc:"lowest level that is told, of those that are logged"`
	MaxEvents int    `hcl:"max_events" min:"1" max:"1000000" doc:"how many records may wait while the flow is busy"`
}

// Shape implements flow.ConnectorConfig.
func (*LogsConfig) Shape() flow.Shape { return shape() }

// New implements flow.ConnectorConfig.
func (c *LogsConfig) New() (flow.Connector, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, &setting.Error{Field: "level", Err: err}
	}
	return &listener{
		hear: func(o notice.Observable) notice.Hearing {
			return o.Records(c.MaxEvents, func(n notice.Notice) bool { return notice.Level(n) >= level })
		},
		spell: notice.AppendRecord,
		lost:  notice.RecordsLost,
	}, nil
}
