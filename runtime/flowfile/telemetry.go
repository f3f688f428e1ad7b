package flowfile

import (
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
)

// Telemetry says where the process sends what it has counted and seen.
type Telemetry struct {
	OTLP *OTLP `hcl:"otlp" doc:"a collector that takes OTLP over HTTP. Without it, the one that the variables OTEL_EXPORTER_OTLP_… of the environment name; without these, none"`
}

// OTLP is a collector, and how it is told.
type OTLP struct {
	Endpoint    string                    `hcl:"endpoint" required:"true" doc:"base URL of the collector, \"http://127.0.0.1:4318\": metrics are posted to /v1/metrics below it, traces to /v1/traces"`
	Headers     map[string]setting.Secret `hcl:"headers" doc:"header fields of each request: { authorization = \"Bearer …\" }"`
	Interval    setting.Duration          `hcl:"interval" min:"100ms" doc:"time from one report to the next; there is a last one when the process ends"`
	Timeout     setting.Duration          `hcl:"timeout" min:"1ms" doc:"how long the collector may take to answer. A report of metrics that fails is not sent again: the next one holds all of it. Spans are, for so long"`
	Compression string                    `hcl:"compression" oneof:"none|gzip" doc:"of the body of requests"`
	TLS         *setting.TLSClient        `hcl:"tls" doc:"what to trust, and a client certificate; needs an https endpoint"`
	Traces      *Traces                   `hcl:"traces" doc:"sends the ways of some events through the flows, as spans; none without it"`
}

// Traces says which events are followed, and what that may cost.
type Traces struct {
	Sample  float64          `hcl:"sample" min:"0" max:"1" doc:"the share of events that are followed, of those of which their clients say nothing"`
	Follow  bool             `hcl:"follow" doc:"goes on with the traces that clients name in the headers traceparent and tracestate, and leaves it to them whether their events are followed. false where clients are strangers"`
	Rate    int              `hcl:"rate" min:"1" max:"1000000" doc:"spans a second at most"`
	Queue   int              `hcl:"queue" min:"1" max:"1000000" doc:"spans that may wait until they are sent; others are dropped"`
	Batch   int              `hcl:"batch" min:"1" max:"10000" doc:"spans that are sent at a time, at most"`
	MaxWait setting.Duration `hcl:"max_wait" min:"10ms" doc:"how long the first of them waits for others"`
}

// SetDefaults implements flow.Defaulter.
func (t *Traces) SetDefaults() {
	*t = Traces{Sample: 0.01, Follow: true, Rate: 1000, Queue: 2048, Batch: 512, MaxWait: setting.Duration(5 * time.Second)}
}

// SetDefaults implements flow.Defaulter.
func (o *OTLP) SetDefaults() {
	o.Interval, o.Timeout, o.Compression = setting.Duration(time.Minute), setting.Duration(10*time.Second), "gzip"
}
