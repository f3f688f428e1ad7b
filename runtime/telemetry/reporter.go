package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
)

const (
	// silence is the least time between two complaints.
	silence = 10 * time.Minute
	// maxComplaint bounds what a collector answers that is logged, in bytes.
	maxComplaint = 300
)

// reporter tells in the log, now and then, that reports do not arrive, and when they
// do again. It is used by one goroutine at a time.
type reporter struct {
	metric.Exporter
	log    *zap.Logger
	told   time.Time // of the last complaint
	failed int       // reports since then; 0 when all is well
}

// Export implements metric.Exporter. All that has gone wrong is told here.
func (r *reporter) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	err := r.Exporter.Export(ctx, m)
	switch {
	case err == nil && r.failed > 0:
		r.log.Info("metrics reach the collector again", zap.Int("reports_lost", r.failed))
		r.failed = 0
	case err == nil || errors.Is(ctx.Err(), context.Canceled): // the last report is still to come
	case r.failed > 0 && time.Since(r.told) < silence:
		r.failed++
	default:
		if r.failed == 0 && !r.told.IsZero() && time.Since(r.told) < silence {
			return nil // it comes and goes
		}
		r.failed++
		r.told = time.Now()
		text := err.Error()
		r.log.Warn("metrics do not reach the collector", zap.String("error", text[:min(len(text), maxComplaint)]))
	}
	return nil
}
