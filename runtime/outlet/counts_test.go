package outlet

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest/cputime"
)

// quiet is a writer that keeps nothing.
type quiet struct{}

func (quiet) Write(context.Context, []flow.Frame, bool) error { return nil }
func (quiet) Flush(context.Context) error                     { return nil }

// copies is a codec that leaves as it came.
type copies struct{}

func (copies) Decode(*flow.Event, []byte) error { return nil }
func (copies) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	return append(dst, e.Raw...), nil
}

// BenchmarkCounting tells which part of what a reply costs here, from its codec to a
// writer that does nothing, is counting it: the whole, and what is done to count alone,
// in the same run. A real writer costs several times the whole.
func BenchmarkCounting(b *testing.B) {
	terms := &Terms{Terms: encode.NewTerms("test", flow.Shape{}, flow.CodecUse{Type: "copies", New: func() flow.Codec { return copies{} }}, nil), Log: zap.NewNop()}
	o := New(terms, OfConnection)
	o.Attach(quiet{}, &flow.Origin{})
	own := &Reader{Own: o, Turn: &Turn{}}
	run := []flow.Event{{Raw: make([]byte, 143), Time: time.Now().UnixNano()}}
	frames := []flow.Frame{{Data: run[0].Raw, Time: run[0].Time}}
	ctx := context.Background()
	b.ReportAllocs()
	var whole, counting time.Duration
	for b.Loop() {
		whole += cputime.Of(func() {
			for range 1000 {
				o.Send(ctx, own, run)
			}
		})
		counting += cputime.Of(func() {
			for range 1000 {
				o.count(frames, clock())
			}
		})
	}
	b.ReportMetric(float64(whole.Nanoseconds())/float64(b.N)/1000, "ns/reply")
	b.ReportMetric(float64(counting.Nanoseconds())/float64(b.N)/1000, "ns/counting")
	b.ReportMetric(100*float64(counting)/float64(whole), "%")
}
