package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/flowfile"
)

// Counts say what has become of the spans of a process so far. They may be read from
// any goroutine.
type Counts struct{ sent, overRate, overQueue, failed atomic.Uint64 }

// Sent counts the spans that a collector has taken.
func (c *Counts) Sent() uint64 { return c.sent.Load() }

// OverRate counts those that were not made, being more than so many a second.
func (c *Counts) OverRate() uint64 { return c.overRate.Load() }

// OverQueue counts those that found no room to wait in.
func (c *Counts) OverQueue() uint64 { return c.overQueue.Load() }

// Failed counts those that no collector took.
func (c *Counts) Failed() uint64 { return c.failed.Load() }

// sendSpans begins to send what the tracer that it returns sees.
func sendSpans(ctx context.Context, s *flowfile.Traces, timeout time.Duration, to []otlptracehttp.Option, about *resource.Resource, counts *Counts, log *zap.Logger) (*Tracer, func(context.Context) error, error) {
	retry := otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: timeout}
	exporter, err := otlptracehttp.New(ctx, append(to, otlptracehttp.WithRetry(retry))...)
	if err != nil {
		return nil, nil, err
	}
	room := &room{}
	room.left.Store(int64(s.Queue))
	sender := &spanSender{SpanExporter: exporter, room: room, counts: counts, told: teller{log: log, what: "traces"}}
	provider := sdk.NewTracerProvider(
		sdk.WithResource(about),
		sdk.WithSampler(sdk.AlwaysSample()), // the Tracer has chosen
		sdk.WithSpanProcessor(&spanQueue{
			SpanProcessor: sdk.NewBatchSpanProcessor(sender,
				sdk.WithMaxQueueSize(s.Queue), sdk.WithMaxExportBatchSize(min(s.Batch, s.Queue)),
				sdk.WithBatchTimeout(time.Duration(s.MaxWait)), sdk.WithExportTimeout(timeout)),
			room: room, counts: counts,
		}),
	)
	return newTracer(provider.Tracer("github.com/flowrun/flowrun"), s, counts), provider.Shutdown, nil
}

// room is what there is for spans that have ended and are not sent.
type room struct{ left atomic.Int64 }

// take reports whether there was some.
func (r *room) take() bool {
	if r.left.Add(-1) >= 0 {
		return true
	}
	r.left.Add(1)
	return false
}

// spanQueue leaves out, and counts, the spans that there is no room for. The
// processor behind it would leave them out as well, and tell nobody.
type spanQueue struct {
	sdk.SpanProcessor
	*room
	counts *Counts
}

// OnEnd implements trace.SpanProcessor. It waits for nothing.
func (q *spanQueue) OnEnd(s sdk.ReadOnlySpan) {
	if !q.take() {
		q.counts.overQueue.Add(1)
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// spanSender makes room for what it has sent, and tells of what it could not send.
type spanSender struct {
	sdk.SpanExporter
	*room
	counts *Counts
	told   teller
}

// ExportSpans implements trace.SpanExporter. All that has gone wrong is told here.
func (s *spanSender) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := s.SpanExporter.ExportSpans(ctx, spans)
	s.left.Add(int64(len(spans)))
	to := &s.counts.sent
	if err != nil {
		to = &s.counts.failed
	}
	to.Add(uint64(len(spans)))
	s.told.of(ctx, err)
	return nil
}
