package preprocessors

import (
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var collectSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "collect",
	Summary: "several messages leave as one",
	Doc: `Outwards only, and for connectors that connect to others: messages that wait in the connector's queue leave as one frame,
datagram or request, one directly behind the other, so that a ` + "`separate`" + ` or ` + "`length_prefix`" + ` before this one has to mark where each
ends. What stands behind it, ` + "`gzip`" + ` say, works on the whole. So Fluent Bit sends records: one frame for all that have come
in a moment.

What waits goes when there are ` + "`max_bytes`" + ` of it, when the queue is half full, or when the first of it has waited for ` + "`max_wait`" + `;
also when the connection ends in order: at a drain, and at a reload that changes the connector. A message that is longer than
` + "`max_bytes`" + ` leaves alone, and so do those for which the flow wrote something else into ` + "`meta`" + ` of the connector's type, or another kind
of frame, than for the ones before.

The queue is where events are held. One that is in memory acknowledges an event when it has taken it: a crash loses up to
` + "`queue.max_bytes`" + `. With ` + "`queue { persistent = \"…\" }`" + ` an event leaves the disk when the frame that it was in is confirmed, or its
request answered; a crash loses nothing, and what was not confirmed leaves again, maybe together with other events. An
http_client has only such a queue. How much waits is told as of any queue. What cannot be delivered goes to ` + "`err`" + ` event by event.`,
	Example: `connector "tcp_server" "in" {
  url   = "127.0.0.1:4241"
  codec = "json_lines"
}

connector "ws_client" "out" {
  url            = "ws://127.0.0.1:4242/"
  codec          = "json_lines"
  postprocessors = ["separate", { name = "collect", max_bytes = "256KiB", max_wait = "1s" }]
}

connect "out" {
  from = connector.in
  to   = connector.out
}
`,
	Config: func() flow.ProcessorConfig {
		return &collecting{MaxBytes: 64 << 10, MaxWait: setting.Duration(time.Second)}
	},
}

type collecting struct {
	MaxBytes setting.Size     `hcl:"max_bytes" min:"1B" doc:"most bytes of what leaves as one, unless one message is longer"`
	MaxWait  setting.Duration `hcl:"max_wait" min:"1ms" doc:"how long a message waits for others"`
}

func (c *collecting) New() (in, out func() flow.Processor, err error) {
	shared := *c
	return nil, func() flow.Processor { return &collector{cfg: &shared} }, nil
}

func (c *collecting) Frames() bool { return false }
func (c *collecting) Text() bool   { return true }

// collector is collect outwards. held and spare take turns: what is emitted must not
// change until the next call.
type collector struct {
	cfg   *collecting
	some  bool // there is a message in held, which may be empty
	held  []byte
	spare []byte
}

// Collects implements flow.Collector.
func (c *collector) Collects() (maxBytes int, maxWait time.Duration) {
	return int(c.cfg.MaxBytes), time.Duration(c.cfg.MaxWait)
}

func (c *collector) Process(p []byte, emit func([]byte) error) (err error) {
	if c.some && len(c.held)+len(p) > int(c.cfg.MaxBytes) {
		err = c.Finish(emit)
	}
	c.some, c.held = true, append(c.held, p...)
	return err
}

func (c *collector) Finish(emit func([]byte) error) error {
	if !c.some {
		return nil
	}
	all := c.held
	c.some, c.held, c.spare = false, c.spare, reusable(all)
	if all == nil {
		all = []byte{}
	}
	return emit(all)
}
