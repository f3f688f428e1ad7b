package step_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

// message has 143 bytes, as in the benchmarks of the whole process.
const message = `{"type":"message","data":{"seq":1234567,"price":101.25,"symbol":"ABCDEF","tags":["a","b"]},"source":"feed-1","time":"2024-01-01T00:00:00.000Z"}`

// onMessages are steps as flows use them, and how many times a step may
// allocate for an event of message: what its expressions make, and nothing
// else.
func onMessages(t testing.TB) []struct {
	name   string
	step   flow.StepConfig
	allocs float64
} {
	const hour = setting.Duration(time.Hour)
	return []struct {
		name   string
		step   flow.StepConfig
		allocs float64
	}{
		{"filter that passes", &step.Filter{Where: steptest.Where(t, `event.type == "message" && event.data.price > 100`)}, 0},
		{"filter that drops", &step.Filter{Where: steptest.Where(t, `event.type == "message" && event.data.price > 102`)}, 0},
		{"map to a constant", &step.Map{Event: steptest.Value(t, `"x"`)}, 0},
		{"map to a field", &step.Map{Event: steptest.Value(t, `event.source`)}, 0},
		{"map to an object", &step.Map{Event: steptest.Value(t, `event.data`)}, 1},
		{"map to five fields", &step.Map{Event: steptest.Value(t, `{
			ts = event.time, seq = event.data.seq, price = event.data.price * 2, symbol = event.data.symbol, tags = event.data.tags
		}`)}, 3},
		{"map that addresses", &step.Map{Meta: steptest.Value(t, `{ ws_server = { peer = event.source } }`)}, 12},
		{"split of a constant", &step.Split{Over: steptest.Value(t, `["x", "y"]`), MaxItems: 10}, 0},
		{"split of a field", &step.Split{Over: steptest.Value(t, `event.data.tags`), As: "tag", MaxItems: 10}, 20},
		{"sample", &step.Sample{Rate: 0.5}, 0},
		{"sample by key", &step.Sample{Rate: 0.5, Key: steptest.Value(t, `event.data.symbol`)}, 0},
		{"dedupe that drops", &step.Dedupe{Key: steptest.Value(t, `event.data.seq`), TTL: hour, MaxKeys: 10}, 0},
		{"throttle that drops", &step.Throttle{Rate: 1, Per: hour, Key: steptest.Value(t, `event.data.symbol`), MaxKeys: 10, OnExcess: "drop"}, 0},
		{"throttle that passes", &step.Throttle{Rate: 1e12, Per: hour, Key: steptest.Value(t, `event.data.symbol`), MaxKeys: 10, OnExcess: "drop"}, 0},
	}
}

func TestAllocationsOnMessages(t *testing.T) {
	batch := []flow.Event{arrived(t, message), arrived(t, message), arrived(t, message), arrived(t, message)}
	for _, test := range onMessages(t) {
		i := alone(t, test.step, steptest.Problems("pipeline", "p"))
		i.Port("out").Connect(&steptest.Discard{})
		send := func() {
			if err := i.In().Send(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		send() // what comes first is remembered
		if n := testing.AllocsPerRun(200, send) / float64(len(batch)); n > test.allocs && !flowtest.RaceDetector {
			t.Errorf("%s: %v allocations an event, want at most %v", test.name, n, test.allocs)
		}
	}
	if len(message) != 143 {
		t.Errorf("the message has %d bytes", len(message))
	}
}

// BenchmarkMessages tells what steps cost for events of message, also as a
// ratio to what it costs to check that the message is JSON: every message
// costs that, whatever the flow does.
func BenchmarkMessages(b *testing.B) {
	const size = 16
	batch := make([]flow.Event, size)
	for n := range batch {
		batch[n] = arrived(b, message)
	}
	bench := func(name string, s flow.Sink) {
		b.Run(name, func(b *testing.B) {
			check := costOfCheck(b)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Send(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			perEvent := float64(b.Elapsed().Nanoseconds()) / float64(b.N*size)
			b.ReportMetric(perEvent, "ns/event")
			b.ReportMetric(perEvent/check, "checks/event")
		})
	}
	bench("none", &steptest.Discard{})
	empty, err := pipeline.New(&flowfile.PipelineBlock{Name: "p"}, steptest.Problems("pipeline", "p"))
	if err != nil {
		b.Fatal(err)
	}
	empty.Port("out").Connect(&steptest.Discard{})
	bench("empty pipeline", empty.In())
	for _, test := range onMessages(b) {
		i := alone(b, test.step, steptest.Problems("pipeline", "p"))
		i.Port("out").Connect(&steptest.Discard{})
		bench(test.name, i.In())
	}
	for _, keys := range []int{1000, 100000} {
		i := alone(b, &step.Dedupe{Key: steptest.Value(b, `event`), TTL: setting.Duration(time.Hour), MaxKeys: keys}, steptest.Problems("pipeline", "p"))
		i.Port("out").Connect(&steptest.Discard{})
		next := int64(0)
		bench(fmt.Sprint("dedupe of new keys, the oldest of ", keys, " forgotten"), sendFunc(func(ctx context.Context, batch []flow.Event) error {
			fresh := [size]flow.Event{}
			for n := range fresh {
				fresh[n].Value = flow.IntOf(next)
				next++
			}
			return i.In().Send(ctx, fresh[:])
		}))
	}
}

// costOfCheck is the time, in nanoseconds, that it takes to check message.
func costOfCheck(b *testing.B) float64 {
	const times = 20000
	raw := []byte(message)
	start := time.Now()
	for range times {
		if _, err := jsontext.Check(raw, jsontext.DefaultDepth); err != nil {
			b.Fatal(err)
		}
	}
	return float64(time.Since(start).Nanoseconds()) / times
}
