package observe

import (
	"context"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

var metricsSpec = flow.Spec[flow.ConnectorConfig]{
	Name:    "metrics",
	Summary: "the state and the counters of all connectors, at a steady pace",
	Doc: `Each event is what the admin API answers to ` + "`GET /api/v1/connectors`" + `,

    {"connectors": [{"flow": "echo", "type": "ws_server", "name": "edge", "state": "open", "counters": {…}, …}]}

for all flows of the process, its own deliveries included. Counters are those since
the connector has started. The first event comes one interval after the start.

Nothing queues: while the flow is busy with one event, the following are left out. An
event that fails is logged and not sent again. The process does not go on for the
sake of this connector: it ends when all other sources have.`,
	Example: `connector "metrics" "process" {
  interval = "30s"
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connect "report" {
  from = connector.process
  to   = connector.console
}
`,
	Config: func() flow.ConnectorConfig { return &MetricsConfig{Interval: setting.Duration(10 * time.Second)} },
}

// MetricsConfig is the configuration of a metrics connector.
type MetricsConfig struct {
	Interval setting.Duration `hcl:"interval" min:"10ms" doc:"time from event to event"`
}

// Shape implements flow.ConnectorConfig.
func (*MetricsConfig) Shape() flow.Shape { return shape() }

// New implements flow.ConnectorConfig.
func (c *MetricsConfig) New() (flow.Connector, error) {
	return metrics(time.Duration(c.Interval)), nil
}

// metrics is the interval.
type metrics time.Duration

// Run implements flow.Connector.
func (m metrics) Run(ctx context.Context, host flow.Host) error {
	from, err := observable(host)
	if err != nil {
		return err
	}
	link, err := host.Open(flow.Peer{}, nil)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Duration(m))
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			if err := link.Receive(host.Abandon(), []flow.Frame{{Data: from.Scrape()}}); err != nil {
				host.Log().Warn("the metrics were not delivered", zap.Error(err))
			}
			select {
			case <-tick.C: // came meanwhile
			default:
			}
		}
	}
	link.Close(host.Abandon(), nil)
	return nil
}
