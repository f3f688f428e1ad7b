package pipeline

import (
	"context"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

type discard struct{ n int }

func (d *discard) Send(_ context.Context, batch []flow.Event) error { d.n += len(batch); return nil }

// sinks returns the parts that events pass most often, and a batch that is cut
// into several runs.
func sinks(t testing.TB) (map[string]flow.Sink, []flow.Event) {
	is := func(w string) flow.Expr { return where(t, `event.word == "`+w+`"`) }
	steps := map[string]flow.StepConfig{
		"filter":      &Filter{Where: where(t, `event.word != "c"`)},
		"route first": &Route{Mode: "first", Port: []RoutePort{{"a", is("a")}, {"b", is("b")}}},
		"route all":   &Route{Mode: "all", Port: []RoutePort{{"a", is("a")}, {"all", nil}}},
	}
	parts := map[string]flow.Sink{
		"edge":    &Edge{Where: where(t, `event.word != "c"`), To: []flow.Sink{&discard{}, &discard{}}},
		"fan-out": FanOut([]flow.Sink{&discard{}, &discard{}}),
	}
	for name, config := range steps {
		i, err := New(&flow.PipelineBlock{Name: "p", Steps: []flow.StepBlock{{Type: name, Label: "s", Config: config}}}, problems("pipeline", "p"))
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range i.ports {
			port.Connect(&discard{})
		}
		parts[name] = i.In()
	}
	return parts, events("a a b c c a b a")
}

func TestNoAllocations(t *testing.T) {
	parts, batch := sinks(t)
	for name, s := range parts {
		if n := testing.AllocsPerRun(100, func() {
			if err := s.Send(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for %d events, want none", name, n, len(batch))
		}
	}
}

func BenchmarkSteps(b *testing.B) {
	parts, batch := sinks(b)
	for name, s := range parts {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Send(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/event")
		})
	}
}
