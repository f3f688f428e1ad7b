package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
)

// reporter tells of the reports that do not arrive.
type reporter struct {
	metric.Exporter
	told teller
}

// Export implements metric.Exporter. All that has gone wrong is told here.
func (r *reporter) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	r.told.of(ctx, r.Exporter.Export(ctx, m))
	return nil
}

const (
	// silence is the least time between two complaints.
	silence = 10 * time.Minute
	// maxComplaint bounds what a collector answers that is logged, in bytes.
	maxComplaint = 300
)

// teller tells in the log, now and then, that something does not arrive, and when it
// does again. It is used by one goroutine at a time.
type teller struct {
	log    *zap.Logger
	what   string    // does not arrive
	told   time.Time // of the last complaint
	failed int       // reports since then; 0 when all is well
}

// of tells of a report, as far as there is something to say.
func (t *teller) of(ctx context.Context, err error) {
	switch {
	case err == nil && t.failed > 0:
		t.log.Info(t.what+" reach the collector again", zap.Int("reports_lost", t.failed))
		t.failed = 0
	case err == nil || errors.Is(ctx.Err(), context.Canceled): // the last report is still to come
	case t.failed > 0 && time.Since(t.told) < silence:
		t.failed++
	default:
		if t.failed == 0 && !t.told.IsZero() && time.Since(t.told) < silence {
			return // it comes and goes
		}
		t.failed++
		t.told = time.Now()
		text := err.Error()
		t.log.Warn(t.what+" do not reach the collector", zap.String("error", text[:min(len(text), maxComplaint)]))
	}
}
