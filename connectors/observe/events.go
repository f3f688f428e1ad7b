package observe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/setting"
)

var eventsSpec = flow.Spec[flow.ConnectorConfig]{
	Name:    "events",
	Summary: "what happens to the process: connections, connectors, reloads",
	Doc: `Each event is

    {"type": "connection.new", "timestamp": "2030-01-02T03:04:05.678Z", "data": {…}}

as the admin API serves them:

| type | data |
|---|---|
| ` + "`backend.health`" + ` | a connector came up or went down: ` + "`name, healthy, flow, state`" + ` |
| ` + "`connection.new`, `connection.close`" + ` | ` + "`protocol`" + ` (the connector's type), ` + "`host`" + ` (where it listens, or what it has connected to), ` + "`backend`" + ` (its name), ` + "`client_ip`, `flow`, `id`, `peer`, `peer_host`, `peer_port`" + `, and at the end ` + "`cause`, `code`, `reason`" + ` |
| ` + "`config.reload`" + ` | other flows run: ` + "`changed_sections`" + ` (the addresses of blocks), ` + "`requires_restart`" + ` |
| ` + "`config.saved`" + ` | with ` + "`--watch`" + `, a file was written, and nothing has come of it yet: the same, and ` + "`valid`" + ` |
| ` + "`stats.update`" + ` | every 5 seconds: ` + "`active_connections, total_connections, bytes_sent, bytes_received`" + ` and others |

It tells nothing of what its events can reach, through pipelines and other connectors,
nor of what those of another such connector can, or the records of ` + "`logs`" + `: their
delivery would be news, which would be delivered. A ws_server tells of its own
connections by ` + "`lifecycle_events`" + `.

Up to ` + "`max_events`" + ` wait while the flow is busy. What comes then is lost, which an event
of the type ` + "`events.lost`" + ` tells, with ` + "`data.count`" + `. Events that fail are not sent again.
The process does not go on for the sake of this connector: it ends when all other
sources have.`,
	Example: `connector "events" "process" {
  types = ["connection.new", "connection.close"]
}

connector "ws_server" "feed" {
  url   = "127.0.0.1:4300"
  codec = "json"
}

connect "live" {
  from    = connector.process
  to      = connector.feed
  deliver = "broadcast"
}
`,
	Config: func() flow.ConnectorConfig { return &EventsConfig{MaxEvents: 256} },
}

// EventsConfig is the configuration of an events connector.
type EventsConfig struct {
	Types     []string `hcl:"types" doc:"which types to tell; all when not given"`
	MaxEvents int      `hcl:"max_events" min:"1" max:"1000000" doc:"how many may wait while the flow is busy"`
}

// Shape implements flow.ConnectorConfig.
func (*EventsConfig) Shape() flow.Shape { return shape() }

// New implements flow.ConnectorConfig.
func (c *EventsConfig) New() (flow.Connector, error) {
	for i, t := range c.Types {
		if !slices.Contains(notice.Types, t) {
			return nil, &setting.Error{Field: fmt.Sprintf("types[%d]", i), Err: fmt.Errorf("there is no type %q: the types are %s", t, strings.Join(notice.Types, ", "))}
		}
	}
	wants := func(n notice.Notice) bool { return c.Types == nil || slices.Contains(c.Types, n.Type) }
	return &listener{
		hear:  func(o notice.Observable) notice.Hearing { return o.Notices(c.MaxEvents, wants) },
		spell: notice.Append,
		lost:  notice.EventsLost,
	}, nil
}
