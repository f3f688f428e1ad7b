package step_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestRoute(t *testing.T) {
	for _, test := range []struct {
		name, mode, in string
		refuse         map[string]string // by port
		calls          map[string][]string
		failed         string
		toErrs         []string
	}{
		{
			name: "first", mode: "first", in: "a b b c ab a",
			calls: map[string][]string{"a": {"a", "ab a"}, "b": {"b b"}, "out": {"c"}},
		},
		{
			name: "all", mode: "all", in: "a ab ab b c",
			calls: map[string][]string{"a": {"a", "ab ab"}, "b": {"ab ab", "b"}, "out": {"c"}},
		},
		{
			name: "all, one port refuses", mode: "all", in: "ab ab2 a",
			refuse: map[string]string{"a": "ab"},
			calls:  map[string][]string{"a": {"ab ab2", "a"}, "b": {"ab ab2"}},
			failed: "0",
		},
		{
			name: "all, both ports refuse", mode: "all", in: "c ab ab2 ab3",
			refuse: map[string]string{"a": "ab3", "b": "ab ab3"},
			calls:  map[string][]string{"a": {"ab ab2 ab3"}, "b": {"ab ab2 ab3"}, "out": {"c"}},
			failed: "1 3",
		},
		{
			name: "where fails", mode: "first", in: "a 17 b",
			calls:  map[string][]string{"a": {"a"}, "b": {"b"}},
			toErrs: []string{"step flow.hcl:1,12-22 r 17"},
		},
		{
			name: "where fails in mode all", mode: "all", in: "a 17 b",
			calls:  map[string][]string{"a": {"a"}, "b": {"b"}},
			toErrs: []string{"step flow.hcl:1,12-22 r 17"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := steptest.Problems("pipeline", "p")
			errs := &steptest.ErrEvents{}
			if test.toErrs != nil {
				p.Port.Connect(errs)
			}
			i, err := pipeline.New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{
				{Type: "route", Label: "r", Config: &step.Route{Mode: test.mode, Port: []step.RoutePort{
					{Name: "a", Where: steptest.Where(t, `startswith(event.word, "a")`)},
					{Name: "b", Where: steptest.Where(t, `contains(event.word, "b")`)},
				}}},
			}}, p)
			if err != nil {
				t.Fatal(err)
			}
			sinks := map[string]*steptest.Recorder{}
			for _, name := range []string{"a", "b", "out"} {
				sinks[name] = &steptest.Recorder{Refuse: test.refuse[name]}
				i.Port(name).Connect(sinks[name])
			}
			batch := steptest.Words(test.in)
			err = i.In().Send(t.Context(), batch)
			for name, s := range sinks {
				steptest.Check(t, name, s.Calls, test.calls[name])
			}
			steptest.Check(t, "failed", steptest.Failed(err, len(batch)), test.failed)
			steptest.Check(t, "err events", errs.Got, test.toErrs)
		})
	}
}

func TestRouteTakesAllWithoutWhere(t *testing.T) {
	i, err := pipeline.New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{
		{Type: "route", Label: "r", Config: &step.Route{Mode: "first", Port: []step.RoutePort{
			{Name: "a", Where: steptest.Where(t, `event.word == "a"`)},
			{Name: "rest"},
		}}},
	}}, steptest.Problems("pipeline", "p"))
	if err != nil {
		t.Fatal(err)
	}
	rest := &steptest.Recorder{}
	i.Port("rest").Connect(rest)
	if err := i.In().Send(t.Context(), steptest.Words("a 17 b")); err != nil {
		t.Fatal(err)
	}
	steptest.Check(t, "rest", rest.Calls, []string{"17 b"})
	steptest.Check(t, "a is not connected", i.Port("a").Dropped(), uint64(1))
	steptest.Check(t, "out", i.Port("out").Dropped(), uint64(0))
}

func TestRouteProblems(t *testing.T) {
	is := steptest.Where(t, `event.word == "a"`)
	many := make([]step.RoutePort, 64)
	for i := range many {
		many[i] = step.RoutePort{Name: fmt.Sprint("p", i), Where: is}
	}
	for _, test := range []struct {
		route step.Route
		want  string
	}{
		{step.Route{}, "a route needs at least one port"},
		{step.Route{Mode: "first", Port: []step.RoutePort{{Name: "a", Where: nil}, {Name: "b", Where: is}}}, `no event comes to port "b": port "a" before it has no where and takes them all`},
		{step.Route{Mode: "all", Port: []step.RoutePort{{Name: "a", Where: nil}, {Name: "b", Where: is}}}, ""},
		{step.Route{Port: many}, "a route has at most 63 ports, not 64: let the rest go on to a second route"},
		{step.Route{Port: many[:63]}, ""},
	} {
		_, err := pipeline.New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{
			{Type: "route", Label: "r", At: flow.Place{File: "f.hcl", Line: 3}, Config: &test.route},
		}}, steptest.Problems("pipeline", "p"))
		got := ""
		if err != nil {
			var field *setting.Error
			if !errors.As(err, &field) || !strings.HasPrefix(field.Field, "port") {
				t.Errorf("%v: not about the field port", err)
			}
			got = strings.TrimPrefix(err.Error(), `build route "r" of pipeline.p (f.hcl:3): `)
		}
		steptest.Check(t, "problem", got, test.want)
	}
}
