package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

func TestChain(t *testing.T) {
	p := steptest.Problems("pipeline", "p")
	i, err := New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{
		{Type: "filter", Label: "no_a", Config: &step.Filter{Where: steptest.Where(t, `event.word != "a"`)}},
		{Type: "route", Label: "r", Config: &step.Route{Mode: "first", Port: []step.RoutePort{{Name: "b", Where: steptest.Where(t, `event.word == "b"`)}}}},
		{Type: "filter", Label: "no_c", Config: &step.Filter{Where: steptest.Where(t, `event.word != "c"`)}},
	}}, p)
	if err != nil {
		t.Fatal(err)
	}
	b, out := &steptest.Recorder{Refuse: "b", Whole: true}, &steptest.Recorder{Refuse: "x"}
	i.Port("b").Connect(b)
	i.Port("out").Connect(out)
	err = i.In().Send(t.Context(), steptest.Words("a b x c y a x b b a z"))
	steptest.Check(t, "b", b.Calls, []string{"b", "b b"})
	steptest.Check(t, "out", out.Calls, []string{"x", "y", "x", "z"})
	steptest.Check(t, "failed", steptest.Failed(err, 11), "1 2 6 7 8")
	if i.Port("err") != &p.Port || i.Port("nowhere") != nil {
		t.Error("Port: want err as the port of the problems, and nil for a name that is not there")
	}
}

func TestNoSteps(t *testing.T) {
	i, err := New(&flowfile.PipelineBlock{Name: "p"}, steptest.Problems("pipeline", "p"))
	if err != nil {
		t.Fatal(err)
	}
	out := &steptest.Recorder{}
	i.Port("out").Connect(out)
	if err := i.In().Send(t.Context(), steptest.Words("a b")); err != nil {
		t.Fatal(err)
	}
	steptest.Check(t, "out", out.Calls, []string{"a b"})
}

func TestEdge(t *testing.T) {
	for _, test := range []struct {
		name, where, in string
		refuse          []string // one sink each
		whole           bool
		calls           [][]string
		failed          string
		toErrs          []string
	}{
		{name: "one sink", in: "a b", refuse: []string{""}, calls: [][]string{{"a b"}}},
		{name: "one sink refuses", in: "a b", refuse: []string{"b"}, calls: [][]string{{"a b"}}, failed: "1"},
		{name: "where", where: `event.word != "b"`, in: "a b c d b", refuse: []string{""}, calls: [][]string{{"a", "c d"}}},
		{name: "two sinks", in: "a b c", refuse: []string{"", ""}, calls: [][]string{{"a b c"}, {"a b c"}}},
		{
			name: "what the first refuses does not reach the second", in: "a b c d",
			refuse: []string{"a c", ""}, calls: [][]string{{"a b c d"}, {"b", "d"}}, failed: "0 2",
		},
		{
			name: "three sinks, each refuses", in: "a b c d e", refuse: []string{"a", "e", "c"},
			calls: [][]string{{"a b c d e"}, {"b c d e"}, {"b c d"}}, failed: "0 2 4",
		},
		{
			name: "runs that fail as a whole", in: "a b c d e", refuse: []string{"", "c", "b"}, whole: true,
			calls: [][]string{{"a b c d e"}, {"a b c d e"}, nil}, failed: "0 1 2 3 4",
		},
		{
			name: "where, and two sinks", where: `event.word < "x"`, in: "a x b c x d", refuse: []string{"b d", "a c"},
			calls: [][]string{{"a", "b c", "d"}, {"a", "c"}}, failed: "0 2 3 5",
		},
		{
			name: "where fails", where: `event.word > "a"`, in: "a 17 b", refuse: []string{""},
			calls: [][]string{{"b"}}, failed: "1",
		},
		{
			name: "where fails and the source's err takes it", where: `event.word > "a"`, in: "b 17 17 c", refuse: []string{""},
			calls:  [][]string{{"b", "c"}},
			toErrs: []string{"where flow.hcl:1,1-17  17", "where flow.hcl:1,1-17  17"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			edge := &Edge{Problems: steptest.Problems("connector", "source")}
			if test.where != "" {
				edge.Where = steptest.Where(t, test.where)
			}
			errs := &steptest.ErrEvents{}
			if test.toErrs != nil {
				edge.Problems.Port.Connect(errs)
			}
			var sinks []*steptest.Recorder
			for _, r := range test.refuse {
				sinks = append(sinks, &steptest.Recorder{Refuse: r, Whole: test.whole})
				edge.To = append(edge.To, sinks[len(sinks)-1])
			}
			batch := steptest.Words(test.in)
			err := edge.Send(t.Context(), batch)
			for i, s := range sinks {
				steptest.Check(t, fmt.Sprint("sink ", i), s.Calls, test.calls[i])
			}
			steptest.Check(t, "failed", steptest.Failed(err, len(batch)), test.failed)
			steptest.Check(t, "err events", errs.Got, test.toErrs)
		})
	}
}

func TestFanOut(t *testing.T) {
	if FanOut(nil) != nil {
		t.Error("none: want nil")
	}
	one := &steptest.Recorder{}
	if FanOut([]flow.Sink{one}) != flow.Sink(one) {
		t.Error("one: want the sink itself")
	}
	a, b := &steptest.Recorder{Refuse: "x z"}, &steptest.Recorder{Refuse: "z", Whole: true}
	err := FanOut([]flow.Sink{a, b}).Send(t.Context(), steptest.Words("x y"))
	steptest.Check(t, "failed", steptest.Failed(err, 2), "0")
	err = FanOut([]flow.Sink{a, b}).Send(t.Context(), steptest.Words("y z"))
	steptest.Check(t, "failed", steptest.Failed(err, 2), "0 1")
	steptest.Check(t, "a", a.Calls, []string{"x y", "y z"})
	steptest.Check(t, "b", b.Calls, []string{"x y", "y z"})
	if !errors.Is(err, steptest.ErrRefused) {
		t.Errorf("%v: want the cause to be found", err)
	}
}

// TestErrEventRefused: an err port that does not take the event leaves the
// failure with the sender.
func TestErrEventRefused(t *testing.T) {
	p := steptest.Problems("pipeline", "p")
	full := &errPort{}
	p.Port.Connect(full)
	i, err := New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{
		{Type: "filter", Label: "f", Config: &step.Filter{Where: steptest.Where(t, `event.word > "a"`)}},
	}}, p)
	if err != nil {
		t.Fatal(err)
	}
	err = i.In().Send(t.Context(), steptest.Words("b 17"))
	steptest.Check(t, "failed", steptest.Failed(err, 2), "1")
	steptest.Check(t, "count", p.Counts().Total(), uint64(1))
	if err == nil || !strings.HasPrefix(err.Error(), "flow.hcl:1,1: ") {
		t.Errorf("%v: want the place and the cause", err)
	}
}

type errPort struct{}

func (*errPort) Send(context.Context, []flow.Event) error { return flow.ErrFull }
