package flowfile

import (
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Telemetry says where the process sends what it has counted.
type Telemetry struct {
	OTLP *OTLP `hcl:"otlp" doc:"a collector that takes OTLP over HTTP. Without it, the one that the variables OTEL_EXPORTER_OTLP_… of the environment name; without these, none"`
}

// OTLP is a collector, and how it is told.
type OTLP struct {
	Endpoint    string                 `hcl:"endpoint" required:"true" doc:"base URL of the collector, \"http://127.0.0.1:4318\": metrics are posted to /v1/metrics below it"`
	Headers     map[string]flow.Secret `hcl:"headers" doc:"header fields of each request: { authorization = \"Bearer …\" }"`
	Interval    flow.Duration          `hcl:"interval" min:"100ms" doc:"time from one report to the next; there is a last one when the process ends"`
	Timeout     flow.Duration          `hcl:"timeout" min:"1ms" doc:"how long the collector may take to answer. A report that fails is not sent again: the next one holds all of it"`
	Compression string                 `hcl:"compression" oneof:"none|gzip" doc:"of the body of requests"`
	TLS         *flow.TLSClient        `hcl:"tls" doc:"what to trust, and a client certificate; needs an https endpoint"`
}

// SetDefaults implements flow.Defaulter.
func (o *OTLP) SetDefaults() {
	o.Interval, o.Timeout, o.Compression = flow.Duration(time.Minute), flow.Duration(10*time.Second), "gzip"
}
