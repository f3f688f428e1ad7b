// Package telemetry sends what a process has counted to a collector, by OTLP over
// HTTP, without being asked.
//
// It counts nothing: each report is what /metrics would say at that moment, with the
// same names and labels. Where reports go is said by the flow, or else by the
// variables of the environment that all programs with OpenTelemetry heed. Reports are
// made by a goroutine of their own, so a collector that is slow, broken or not there
// delays nobody; it is told in the log once in a while. Counters are cumulative: a
// report that is lost loses nothing that the next one does not say.
package telemetry

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.uber.org/zap"
)

// lastTimeout is how long the last report may take, at the end of the process.
const lastTimeout = 500 * time.Millisecond

// Options say what is sent, and where to.
type Options struct {
	// Settings are those of the flow; nil leaves it to the environment.
	Settings *flowfile.OTLP
	Version  string // of the binary
	Metrics  prometheus.Gatherer
	Log      *zap.Logger
}

// Start begins to send, where anything says so, until stop is called, which sends
// the last report and returns within half a second or so. An error says what cannot
// be used; then nothing is sent, and stop is nil.
func Start(o Options) (stop func(), err error) {
	wanted, err := environment(os.Getenv, o.Settings != nil)
	if err != nil {
		return nil, err
	}
	if !wanted {
		return func() {}, nil
	}
	ctx := context.Background()
	about, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", "flowrun"),
			attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", rand.Text()), // two processes are not taken for one
		),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	sender := []otlpmetrichttp.Option{otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{})} // the next report is the retry
	reader := []metric.PeriodicReaderOption{metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(o.Metrics)))}
	if s := o.Settings; s != nil {
		more, err := senderOptions(s)
		if err != nil {
			return nil, err
		}
		sender = append(sender, more...)
		reader = append(reader, metric.WithInterval(time.Duration(s.Interval)), metric.WithTimeout(time.Duration(s.Timeout)))
	}
	to, err := otlpmetrichttp.New(ctx, sender...)
	if err != nil {
		return nil, fmt.Errorf("OTLP: %w", err)
	}
	p := metric.NewMeterProvider(
		metric.WithResource(about),
		metric.WithReader(metric.NewPeriodicReader(&reporter{Exporter: to, log: o.Log}, reader...)),
	)
	return func() {
		ctx, cancel := context.WithTimeout(ctx, lastTimeout)
		defer cancel()
		_ = p.Shutdown(ctx) // the reporter has told
	}, nil
}
