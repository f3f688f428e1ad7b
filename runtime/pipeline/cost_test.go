package pipeline

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

// sinks returns the parts that events pass most often, and a batch that is cut
// into several runs.
func sinks(t testing.TB) (map[string]flow.Sink, []flow.Event) {
	is := func(w string) flow.Expr { return steptest.Where(t, `event.word == "`+w+`"`) }
	steps := map[string]flow.StepConfig{
		"filter":      &step.Filter{Where: steptest.Where(t, `event.word != "c"`)},
		"route first": &step.Route{Mode: "first", Port: []step.RoutePort{{Name: "a", Where: is("a")}, {Name: "b", Where: is("b")}}},
		"route all":   &step.Route{Mode: "all", Port: []step.RoutePort{{Name: "a", Where: is("a")}, {Name: "all", Where: nil}}},
	}
	parts := map[string]flow.Sink{
		"edge":    &Edge{Where: steptest.Where(t, `event.word != "c"`), To: []flow.Sink{&steptest.Discard{}, &steptest.Discard{}}},
		"fan-out": FanOut([]flow.Sink{&steptest.Discard{}, &steptest.Discard{}}),
	}
	for name, config := range steps {
		i, err := New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{{Type: name, Label: "s", Config: config}}}, steptest.Problems("pipeline", "p"))
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range i.ports {
			port.Connect(&steptest.Discard{})
		}
		parts[name] = i.In()
	}
	return parts, steptest.Words("a a b c c a b a")
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
