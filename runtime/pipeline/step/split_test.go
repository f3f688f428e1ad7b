package step_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

func TestSplit(t *testing.T) {
	const payload = `{"l":[1.0,{"x":[2]},null],"one":["a"],"none":[],"n":null,"o":{"l":[]},"s":"abc"}`
	for _, test := range []struct {
		name, over, as string
		max            int
		payload        string // when not the one above
		want           string
		stats          pipeline.StepStats
		err            string
	}{
		{name: "elements", over: `event.l`, want: `1.0 {"x":[2]} null`, stats: pipeline.StepStats{In: 1, Out: 3}},
		{name: "one", over: `event.one`, want: `"a"`, stats: pipeline.StepStats{In: 1, Out: 1}},
		{name: "a payload that is a list", over: `event`, payload: `[1,"b"]`, want: `1 "b"`, stats: pipeline.StepStats{In: 1, Out: 2}},
		{name: "a constant", over: `["x", 2]`, want: `"x" 2`, stats: pipeline.StepStats{In: 1, Out: 2}},
		{name: "none", over: `event.none`, stats: pipeline.StepStats{In: 1, Dropped: 1}},
		{name: "null", over: `event.n`, stats: pipeline.StepStats{In: 1, Dropped: 1}},
		{name: "nothing there", over: `event.missing.x`, as: "x", stats: pipeline.StepStats{In: 1, Dropped: 1}},
		{name: "as", over: `event.a`, as: "x", payload: `{"b":1.0,"a":[1,2]}`, want: `{"b":1.0,"a":[1,2],"x":1} {"b":1.0,"a":[1,2],"x":2}`, stats: pipeline.StepStats{In: 1, Out: 2}},
		{name: "as the list itself", over: `event.a`, as: "a", payload: `{"a":[1,2],"b":1}`, want: `{"a":1,"b":1} {"a":2,"b":1}`, stats: pipeline.StepStats{In: 1, Out: 2}},
		{name: "as many as there may be", over: `event.l`, max: 3, want: `1.0 {"x":[2]} null`, stats: pipeline.StepStats{In: 1, Out: 3}},
		{name: "too many", over: `event.l`, max: 2, err: "over has 3 elements, more than max_items (2)"},
		{name: "an object", over: `event.o`, err: "over is an object, where a list is needed"},
		{name: "a string", over: `event.s`, err: "over is a string, where a list is needed"},
		{name: "as a field of no object", over: `event`, as: "x", payload: `[1]`, err: "event is a list, where an object is needed to set event.x"},
		{name: "over fails", over: `event.l < 1 ? [] : []`, err: "flow.hcl:1,1: event.l (a list) and a number have no order: compare two numbers or two strings"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.max == 0 {
				test.max = 10000
			}
			i := alone(t, &step.Split{Over: steptest.Value(t, test.over), As: test.as, MaxItems: test.max}, steptest.Problems("pipeline", "p"))
			out := &held{}
			i.Port("out").Connect(out)
			if test.payload == "" {
				test.payload = payload
			}
			e := arrived(t, test.payload)
			e.Origin, e.Meta.Wrote, e.Meta.Binary = &flow.Origin{}, flow.NewObject(0), true
			before := e
			err := i.In().Send(t.Context(), []flow.Event{e})
			if err == nil && test.err != "" || err != nil && err.Error() != test.err {
				t.Errorf("got error %v, want %q", err, test.err)
			}
			if test.err != "" {
				test.stats = pipeline.StepStats{In: 1, Failed: 1}
			}
			test.stats.Type, test.stats.Label = "step", "s"
			steptest.Check(t, "stats", i.Stats()[0], test.stats)
			for n := range e.Raw { // the memory is its owner's again
				e.Raw[n] = '!'
			}
			var got []string
			for _, part := range out.events {
				got = append(got, spell(t, part))
				if part.Origin != before.Origin || part.Time != 7 || part.Meta != before.Meta {
					t.Error("origin, time or meta has changed")
				}
			}
			steptest.Check(t, "parts", strings.Join(got, " "), test.want)
		})
	}
}

// TestSplitFates: an event fails when one of its parts does, once.
func TestSplitFates(t *testing.T) {
	for _, test := range []struct {
		name, in, refuse string
		calls            []string
		failed           string
		err              string
	}{
		{name: "all", in: "ab - c d", calls: []string{"a b c d"}},
		{name: "one part", in: "ab cd e", refuse: "d", calls: []string{"a b c d e"}, failed: "1", err: "refused"},
		{name: "several parts", in: "ab cd e", refuse: "c d", calls: []string{"a b c d e"}, failed: "1", err: "2 of the events made of it were not delivered, the first: refused"},
		{name: "no list", in: "ab 1 17 cd", refuse: "c", calls: []string{"a b", "c d"}, failed: "1 2 3", err: "over is a number, where a list is needed (and 2 more events)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := alone(t, &step.Split{Over: steptest.Value(t, `event`), MaxItems: 10}, steptest.Problems("pipeline", "p"))
			out := &steptest.Recorder{Refuse: test.refuse}
			i.Port("out").Connect(out)
			var batch []flow.Event
			for _, w := range strings.Fields(test.in) {
				var letters []flow.Value
				for _, l := range strings.TrimPrefix(w, "-") {
					letters = append(letters, flow.TextOf(string(l)))
				}
				v := flow.ListOf(letters)
				if w[0] == '1' {
					v = flow.IntOf(1)
				}
				batch = append(batch, flow.Event{Value: v})
			}
			err := i.In().Send(t.Context(), batch)
			steptest.Check(t, "calls", out.Calls, test.calls)
			steptest.Check(t, "failed", steptest.Failed(err, len(batch)), test.failed)
			if err != nil {
				steptest.Check(t, "error", err.Error(), test.err)
				if test.err != "over is a number, where a list is needed (and 2 more events)" && !errors.Is(err, steptest.ErrRefused) {
					t.Errorf("%v: the cause cannot be found", err)
				}
			}
		})
	}
}

// TestSplitLargeList: parts are sent in bounded batches, in order, and a part
// of a later one fails the event, too.
func TestSplitLargeList(t *testing.T) {
	i := alone(t, &step.Split{Over: steptest.Value(t, `event`), MaxItems: 10000}, steptest.Problems("pipeline", "p"))
	var sizes []int
	next := int64(0)
	i.Port("out").Connect(sinkFunc(func(batch []flow.Event) error {
		sizes = append(sizes, len(batch))
		var err error
		for n := range batch {
			if id := batch[n].Value.Int(); id != next {
				t.Fatalf("got element %d, want %d", id, next)
			} else if id == 100 || id == 500 || id == 601 {
				flow.Fail(&err, n, steptest.ErrRefused)
			}
			next++
		}
		return err
	}))
	list := func(from, to int64) flow.Event {
		var l []flow.Value
		for i := from; i < to; i++ {
			l = append(l, flow.IntOf(i))
		}
		return flow.Event{Value: flow.ListOf(l)}
	}
	err := i.In().Send(t.Context(), []flow.Event{list(0, 600), list(600, 610), list(610, 700)})
	steptest.Check(t, "sizes", sizes, []int{256, 256, 188})
	steptest.Check(t, "failed", steptest.Failed(err, 3), "0 1")
	steptest.Check(t, "first error", err.(*flow.BatchError).Failed[0].Err.Error(), "2 of the events made of it were not delivered, the first: refused")
}

func TestSplitProblems(t *testing.T) {
	for _, test := range []struct{ over, want string }{
		{"", "a split needs over: the list"},
		{`5`, "over is a number, where a list is needed"},
		{`{ a = event.a }`, "over is an object, where a list is needed"},
		{`null`, ""},
		{`event`, ""},
		{`event[*].a`, ""},
		{`[event]`, ""},
	} {
		_, err := (&step.Split{Over: steptest.Value(t, test.over), MaxItems: 1}).New(flow.StepEnv{})
		if got := spellError(err); got != test.want {
			t.Errorf("over = %s: got %q, want %q", test.over, got, test.want)
		}
	}
}
