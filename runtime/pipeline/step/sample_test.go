package step_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

// passed counts the events, by word, that come out of a step.
func passed(t *testing.T, i *pipeline.Instance, batch []flow.Event) map[string]int {
	t.Helper()
	n := map[string]int{}
	i.Port("out").Connect(sinkFunc(func(batch []flow.Event) error {
		for i := range batch {
			n[steptest.Word(&batch[i])]++
		}
		return nil
	}))
	if err := i.In().Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSampleRate(t *testing.T) {
	const events = 20000
	batch := make([]flow.Event, events)
	for n := range batch {
		batch[n].Value = flow.TextOf("a")
	}
	for _, rate := range []float64{0, 0.1, 0.5, 0.9, 1} {
		i := alone(t, &step.Sample{Rate: rate}, steptest.Problems("pipeline", "p"))
		got := passed(t, i, batch)["a"]
		// Ten standard deviations, at most 707 of 20000.
		if want := int(rate * events); got < want-707 || got > want+707 || (rate == 0 || rate == 1) && got != want {
			t.Errorf("rate %v: %d of %d pass", rate, got, events)
		}
		s := i.Stats()[0]
		if s.In != events || s.Out != uint64(got) || s.Out+s.Dropped != s.In || s.Failed != 0 {
			t.Errorf("rate %v: %d pass, stats are %+v", rate, got, s)
		}
	}
}

func TestSampleByKey(t *testing.T) {
	var words []string
	for n := range 1000 {
		words = append(words, fmt.Sprint("w", n))
	}
	batch := steptest.Words(strings.Repeat(strings.Join(words, " ")+" ", 3))
	sample := func(label string) map[string]int {
		i, err := pipeline.New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{
			{Type: "sample", Label: label, Config: &step.Sample{Rate: 0.3, Key: steptest.Value(t, `event.word`)}},
		}}, steptest.Problems("pipeline", "p"))
		if err != nil {
			t.Fatal(err)
		}
		return passed(t, i, batch)
	}
	first, again, other := sample("s"), sample("s"), sample("other")
	if n := len(first); n < 200 || n > 400 {
		t.Errorf("%d of 1000 keys pass, want about 300", n)
	}
	for w, n := range first {
		if n != 3 {
			t.Errorf("%d of 3 events with key %s pass", n, w)
		}
	}
	steptest.Check(t, "the same step again", again, first)
	both := 0
	for w := range other {
		both += first[w] / 3
	}
	if both < 40 || both > 150 {
		t.Errorf("two steps have %d keys in common, want about 90", both)
	}
	// The same keys on every node, in every version.
	var kept []int
	for n := range 10 {
		if first[fmt.Sprint("w", n)] > 0 {
			kept = append(kept, n)
		}
	}
	steptest.Check(t, "of w0 to w9", kept, []int{2, 4, 5, 6, 7, 9})
}

func TestSampleWithoutKey(t *testing.T) {
	i := alone(t, &step.Sample{Rate: 0.5, Key: steptest.Value(t, `event.none`)}, steptest.Problems("pipeline", "p"))
	if n := passed(t, i, steptest.Words(strings.Repeat("a ", 2000)))["a"]; n < 700 || n > 1300 {
		t.Errorf("%d of 2000 events without a key pass, want about half", n)
	}
}

func TestSampleFails(t *testing.T) {
	i := alone(t, &step.Sample{Rate: 1, Key: steptest.Value(t, `lower(event.word)`)}, steptest.Problems("pipeline", "p"))
	out := &steptest.Recorder{}
	i.Port("out").Connect(out)
	err := i.In().Send(t.Context(), steptest.Words("a 17 b"))
	steptest.Check(t, "failed", steptest.Failed(err, 3), "1")
	steptest.Check(t, "calls", out.Calls, []string{"a", "b"})
}
