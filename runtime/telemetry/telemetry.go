// Package telemetry sends what a process has counted, and the ways of some events, to
// a collector, by OTLP over HTTP, without being asked.
//
// Where it is sent is said by the flow, or else by the variables of the environment
// that all programs with OpenTelemetry heed. That is done by goroutines of their own,
// so a collector that is slow, broken or not there delays nobody; it is told in the log
// once in a while.
//
// # Metrics
//
// Nothing is counted here: each report is what /metrics would say at that moment, with
// the same names and labels. Counters are cumulative: a report that is lost loses
// nothing that the next one does not say.
//
// # Traces
//
// A [Tracer] follows some of the events on their way. It stands in the way where events
// come out of a connector, and at each connect, and is not there where no traces are
// configured (runtime/wiring). What is followed is one event, not a batch: a batch is
// what happened to be read at once, its events may go different ways and fail for
// themselves, and one of them may be what a client wants to see. So of each event that
// comes into a flow it is decided once whether it is followed; those that are carry a
// [flow.Trace], and all others cost a look at a pointer at each connect.
//
// There is a span from when an event comes out of a connector until all that is
// connected there has taken it, and in it one for each connect that it passes, as these
// lie in each other: what one connect leads to ends before it does, as calls do. A
// window or a batch takes events; what it makes of them goes on with the way of the last
// of them, after that has ended.
//
// A client that names a trace in the headers traceparent and tracestate decides for its
// events, unless the flow has it otherwise; chance decides for all others. A connection
// names a trace once, for all its messages. What goes out by a protocol with headers
// names the trace of its event there, or of one that is not followed, what its client
// has named.
//
// Spans are named like places of a flow: connector.edge.out, connect.echo. Attributes
// are those of OpenTelemetry's conventions where there are any (client.address,
// server.address, error.type). Neither payloads nor headers nor texts of errors, which
// may tell of them, are in a span.
//
// All of it is bounded: spans in a second, spans that wait, and how long the collector
// may take. What is too much is dropped and counted ([Counts]).
package telemetry

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.uber.org/zap"
)

// lastTimeout is how long the last report may take, at the end.
const lastTimeout = 500 * time.Millisecond

// Options say what is sent, and where to.
type Options struct {
	// Settings are those of the flow; nil leaves it to the environment.
	Settings *flowfile.OTLP
	Version  string // of the binary
	Instance string // of the process: two are not taken for one
	Metrics  prometheus.Gatherer
	Counts   *Counts // are added to
	Log      *zap.Logger
}

// Sender sends what a process counts and what its tracer sees.
type Sender struct {
	tracer    *Tracer
	shutdowns []func(context.Context) error
}

// Tracer is who follows events; nil for nobody.
func (s *Sender) Tracer() *Tracer { return s.tracer }

// Stop sends the last report and the spans that wait. It returns within half a second
// or so.
func (s *Sender) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), lastTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, shutdown := range s.shutdowns {
		all.Go(func() { _ = shutdown(ctx) }) // what went wrong has been told
	}
	all.Wait()
}

// Start begins to send, where anything says so, until Stop is called. An error says
// what cannot be used; then nothing is sent.
func Start(o Options) (*Sender, error) {
	s := &Sender{}
	want, err := environment(os.Getenv, o.Settings)
	if err != nil {
		return nil, err
	}
	if want == (wanted{}) {
		return s, nil
	}
	ctx := context.Background()
	about, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", "flowrun"),
			attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", o.Instance),
		),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	var collector *collector
	if o.Settings != nil {
		if collector, err = collectorOf(o.Settings); err != nil {
			return nil, err
		}
	}
	if want.metrics {
		if err := s.metrics(ctx, o, collector, about); err != nil {
			return nil, err
		}
	}
	if want.traces != nil {
		if err := s.traces(ctx, o, want.traces, collector, about); err != nil {
			s.Stop()
			return nil, err
		}
	}
	return s, nil
}

// metrics begins to send metrics to a collector; nil for that of the environment.
func (s *Sender) metrics(ctx context.Context, o Options, c *collector, about *resource.Resource) error {
	sender := []otlpmetrichttp.Option{otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{})} // the next report is the retry
	reader := []metric.PeriodicReaderOption{metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(o.Metrics)))}
	if c != nil {
		sender = append(sender, c.metrics()...)
		reader = append(reader, metric.WithInterval(time.Duration(o.Settings.Interval)), metric.WithTimeout(c.timeout))
	}
	to, err := otlpmetrichttp.New(ctx, sender...)
	if err != nil {
		return fmt.Errorf("OTLP: %w", err)
	}
	told := &reporter{Exporter: to, told: teller{log: o.Log, what: "metrics"}}
	p := metric.NewMeterProvider(metric.WithResource(about), metric.WithReader(metric.NewPeriodicReader(told, reader...)))
	s.shutdowns = append(s.shutdowns, p.Shutdown)
	return nil
}

// traces does the same with traces.
func (s *Sender) traces(ctx context.Context, o Options, wanted *flowfile.Traces, c *collector, about *resource.Resource) error {
	timeout, sender := defaultTimeout, []otlptracehttp.Option(nil)
	if c != nil {
		timeout, sender = c.timeout, c.traces()
	}
	t, shutdown, err := sendSpans(ctx, wanted, timeout, sender, about, o.Counts, o.Log)
	if err != nil {
		return fmt.Errorf("OTLP: %w", err)
	}
	s.tracer, s.shutdowns = t, append(s.shutdowns, shutdown)
	return nil
}

// defaultTimeout is how long a collector of the environment may take.
const defaultTimeout = 10 * time.Second
