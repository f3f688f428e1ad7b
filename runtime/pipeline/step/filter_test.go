package step_test

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
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
			p := problems("pipeline", "p")
			errs := &errEvents{}
			if test.errConnected {
				p.Port.Connect(errs)
			}
			i, err := pipeline.New(&flow.PipelineBlock{Name: "p", Steps: []flow.StepBlock{
				{Type: "filter", Label: "big", Config: &step.Filter{Where: where(t, `event.word > "a"`)}},
			}}, p)
			if err != nil {
				t.Fatal(err)
			}
			out := &recorder{refuse: test.refuse, whole: test.whole}
			i.Port("out").Connect(out)
			batch := events(test.in)
			err = i.In().Send(t.Context(), batch)
			check(t, "calls", out.calls, test.calls)
			check(t, "failed", failed(err, len(batch)), test.failed)
			check(t, "err events", strings.Join(errs.got, "\n"), test.toErrs)
			check(t, "batch", batch, events(test.in))
		})
	}
}
