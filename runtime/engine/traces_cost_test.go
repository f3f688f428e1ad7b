package engine

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// tracers are the ways in which the events of an echo may be followed.
var tracers = []string{
	"nobody", // ever
	"gone",   // all of them, and not any more
	"none",   // somebody asks, and follows none
	"sampled",
	"capped", // all, as far as the rate allows it
}

// traced runs an echo whose events are followed, and returns what sends messages
// through it, n at a time.
func traced(tb testing.TB, by string, n int) (send func()) {
	tb.Helper()
	e, l := echo(tb)
	send = sender(tb, l, n)
	if by == "nobody" {
		return send
	}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	tb.Cleanup(collector.Close)
	s := &flowfile.OTLP{Endpoint: collector.URL, Traces: new(flowfile.Traces)}
	s.SetDefaults()
	s.Traces.SetDefaults()
	s.Traces.Sample = map[string]float64{"gone": 1, "none": 0, "sampled": s.Traces.Sample, "capped": 1}[by]
	to, err := telemetry.Start(telemetry.Options{Settings: s, Metrics: prometheus.NewRegistry(), Counts: new(telemetry.Counts), Log: zap.NewNop()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(to.Stop)
	e.Trace(to.Tracer())
	if by == "gone" {
		send()
		e.Trace(nil)
	}
	return send
}

// TestWhatTracesCost shows that an echo costs what it did before when nobody is
// followed any more, and little more while some events are.
func TestWhatTracesCost(t *testing.T) {
	for _, n := range []int{1, 32} {
		costs(t, n, tracers, traced, map[string]float64{"gone": 1.25, "none": 1.25, "sampled": 2})
	}
}

func BenchmarkTraced(b *testing.B) {
	for _, by := range tracers {
		b.Run(by, func(b *testing.B) {
			send := traced(b, by, 32)
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}
