package pipeline

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

func TestStats(t *testing.T) {
	i, err := New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{
		{Type: "filter", Label: "f", Config: &step.Filter{Where: steptest.Where(t, `event.word > "a"`)}},
		{Type: "route", Label: "r", Config: &step.Route{Mode: "all", Port: []step.RoutePort{
			{Name: "b", Where: steptest.Where(t, `startswith(event.word, "b")`)},
			{Name: "bc", Where: steptest.Where(t, `event.word == "bc"`)},
		}}},
	}}, steptest.Problems("pipeline", "p"))
	if err != nil {
		t.Fatal(err)
	}
	i.Port("out").Connect(&steptest.Recorder{Refuse: "e"}) // what happens further on is not the step's failure
	_ = i.In().Send(t.Context(), steptest.Words("17 a a b bc 17 17 bc d e a 17"))
	_ = i.In().Send(t.Context(), steptest.Words("d"))
	steptest.Check(t, "stats", i.Stats(), []StepStats{
		{Type: "filter", Label: "f", In: 13, Out: 6, Dropped: 3, Failed: 4},
		{Type: "route", Label: "r", In: 6, Out: 6},
	})
}
