package step_test

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

func TestFilter(t *testing.T) {
	for _, test := range []struct {
		name, in       string
		refuse         string
		whole          bool
		errConnected   bool
		calls          []string
		failed, toErrs string
	}{
		{name: "nothing", in: ""},
		{name: "all pass", in: "b b c", calls: []string{"b b c"}},
		{name: "none passes", in: "a a a"},
		{name: "runs", in: "a b c a a d a", calls: []string{"b c", "d"}},
		{name: "failure first", in: "b c a d", refuse: "b", calls: []string{"b c", "d"}, failed: "0"},
		{name: "failure in the middle", in: "a b c a d e", refuse: "c d", calls: []string{"b c", "d e"}, failed: "2 4"},
		{name: "failure last", in: "a b a c", refuse: "c", calls: []string{"b", "c"}, failed: "3"},
		{name: "a whole run fails", in: "b c a d e", refuse: "e", whole: true, calls: []string{"b c", "d e"}, failed: "3 4"},
		{name: "where fails", in: "b 17 c", calls: []string{"b", "c"}, failed: "1"},
		{name: "where fails at both ends", in: "17 b c 17", calls: []string{"b c"}, failed: "0 3"},
		{name: "where fails and err takes it", in: "b 17 c", errConnected: true, calls: []string{"b", "c"}, toErrs: "step flow.hcl:1,1-17 big 17"},
		{name: "where fails beside a failure", in: "b c 17 17 d", refuse: "c d", calls: []string{"b c", "d"}, failed: "1 2 3 4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := steptest.Problems("pipeline", "p")
			errs := &steptest.ErrEvents{}
			if test.errConnected {
				p.Port.Connect(errs)
			}
			i, err := pipeline.New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{
				{Type: "filter", Label: "big", Config: &step.Filter{Where: steptest.Where(t, `event.word > "a"`)}},
			}}, p)
			if err != nil {
				t.Fatal(err)
			}
			out := &steptest.Recorder{Refuse: test.refuse, Whole: test.whole}
			i.Port("out").Connect(out)
			batch := steptest.Words(test.in)
			err = i.In().Send(t.Context(), batch)
			steptest.Check(t, "calls", out.Calls, test.calls)
			steptest.Check(t, "failed", steptest.Failed(err, len(batch)), test.failed)
			steptest.Check(t, "err events", strings.Join(errs.Got, "\n"), test.toErrs)
			steptest.Check(t, "batch", batch, steptest.Words(test.in))
		})
	}
}
