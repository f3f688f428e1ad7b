package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.uber.org/zap"
)

// where compiles a condition as a flow would have it.
func where(t testing.TB, src string) flow.Expr {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(src), "flow.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x, diags := expr.Compile(e, expr.Scope{Roots: []string{"event", "meta", "peer"}, Condition: true})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return x
}

// events makes a batch of one event per word: {word = "…", id = its place}.
func events(words string) []flow.Event {
	var batch []flow.Event
	for i, w := range strings.Fields(words) {
		word := flow.TextOf(w)
		if w == "17" { // a word of the wrong type
			word = flow.IntOf(17)
		}
		batch = append(batch, flow.Event{Value: flow.MapOf(flow.ObjectOf(
			flow.Field{Key: "word", Value: word},
			flow.Field{Key: "id", Value: flow.IntOf(int64(i))},
		))})
	}
	return batch
}

// word is the word of an event, or its payload where that is the word.
func word(e *flow.Event) string {
	v, _ := e.Value.Object().Get("word")
	if e.Value.Kind() != flow.Map {
		v = e.Value
	}
	if v.IsNumber() {
		return fmt.Sprint(v.Int())
	}
	return v.Text()
}

// recorder notes what it is sent, a call per line, and refuses some words.
type recorder struct {
	calls  []string
	refuse string // words
	whole  bool   // refuses the whole call instead of single events
}

var errRefused = errors.New("refused")

func (r *recorder) Send(_ context.Context, batch []flow.Event) error {
	var words []string
	var err error
	for i := range batch {
		w := word(&batch[i])
		words = append(words, w)
		if strings.Contains(" "+r.refuse+" ", " "+w+" ") {
			flow.Fail(&err, i, errRefused)
		}
	}
	r.calls = append(r.calls, strings.Join(words, " "))
	if r.whole && err != nil {
		return errRefused
	}
	return err
}

// errEvents notes the err events it is sent: kind, place, step and word.
type errEvents struct{ got []string }

func (r *errEvents) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		what, _ := batch[i].Value.Object().Get("error")
		var parts []string
		for _, k := range []string{"kind", "at", "step"} {
			v, _ := what.Object().Get(k)
			parts = append(parts, v.Text())
		}
		event, _ := batch[i].Value.Object().Get("event")
		parts = append(parts, word(&flow.Event{Value: event}))
		r.got = append(r.got, strings.Join(parts, " "))
	}
	return nil
}

func problems(kind, name string) *flow.Problems {
	return &flow.Problems{Component: &flow.Component{Kind: kind, Name: name}, Log: zap.NewNop()}
}

// failed spells which events failed: "2 5".
func failed(err error, n int) string {
	var s []string
	flow.Failures(err, n, func(i int, cause error) { s = append(s, fmt.Sprint(i)) })
	return strings.Join(s, " ")
}

func check(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestChain(t *testing.T) {
	p := problems("pipeline", "p")
	i, err := New(&flow.PipelineBlock{Name: "p", Steps: []flow.StepBlock{
		{Type: "filter", Label: "no_a", Config: &step.Filter{Where: where(t, `event.word != "a"`)}},
		{Type: "route", Label: "r", Config: &step.Route{Mode: "first", Port: []step.RoutePort{{Name: "b", Where: where(t, `event.word == "b"`)}}}},
		{Type: "filter", Label: "no_c", Config: &step.Filter{Where: where(t, `event.word != "c"`)}},
	}}, p)
	if err != nil {
		t.Fatal(err)
	}
	b, out := &recorder{refuse: "b", whole: true}, &recorder{refuse: "x"}
	i.Port("b").Connect(b)
	i.Port("out").Connect(out)
	err = i.In().Send(t.Context(), events("a b x c y a x b b a z"))
	check(t, "b", b.calls, []string{"b", "b b"})
	check(t, "out", out.calls, []string{"x", "y", "x", "z"})
	check(t, "failed", failed(err, 11), "1 2 6 7 8")
	if i.Port("err") != &p.Port || i.Port("nowhere") != nil {
		t.Error("Port: want err as the port of the problems, and nil for a name that is not there")
	}
}

func TestNoSteps(t *testing.T) {
	i, err := New(&flow.PipelineBlock{Name: "p"}, problems("pipeline", "p"))
	if err != nil {
		t.Fatal(err)
	}
	out := &recorder{}
	i.Port("out").Connect(out)
	if err := i.In().Send(t.Context(), events("a b")); err != nil {
		t.Fatal(err)
	}
	check(t, "out", out.calls, []string{"a b"})
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
			edge := &Edge{Problems: problems("connector", "source")}
			if test.where != "" {
				edge.Where = where(t, test.where)
			}
			errs := &errEvents{}
			if test.toErrs != nil {
				edge.Problems.Port.Connect(errs)
			}
			var sinks []*recorder
			for _, r := range test.refuse {
				sinks = append(sinks, &recorder{refuse: r, whole: test.whole})
				edge.To = append(edge.To, sinks[len(sinks)-1])
			}
			batch := events(test.in)
			err := edge.Send(t.Context(), batch)
			for i, s := range sinks {
				check(t, fmt.Sprint("sink ", i), s.calls, test.calls[i])
			}
			check(t, "failed", failed(err, len(batch)), test.failed)
			check(t, "err events", errs.got, test.toErrs)
		})
	}
}

func TestFanOut(t *testing.T) {
	if FanOut(nil) != nil {
		t.Error("none: want nil")
	}
	one := &recorder{}
	if FanOut([]flow.Sink{one}) != flow.Sink(one) {
		t.Error("one: want the sink itself")
	}
	a, b := &recorder{refuse: "x z"}, &recorder{refuse: "z", whole: true}
	err := FanOut([]flow.Sink{a, b}).Send(t.Context(), events("x y"))
	check(t, "failed", failed(err, 2), "0")
	err = FanOut([]flow.Sink{a, b}).Send(t.Context(), events("y z"))
	check(t, "failed", failed(err, 2), "0 1")
	check(t, "a", a.calls, []string{"x y", "y z"})
	check(t, "b", b.calls, []string{"x y", "y z"})
	if !errors.Is(err, errRefused) {
		t.Errorf("%v: want the cause to be found", err)
	}
}

// TestErrEventRefused: an err port that does not take the event leaves the
// failure with the sender.
func TestErrEventRefused(t *testing.T) {
	p := problems("pipeline", "p")
	full := &errPort{}
	p.Port.Connect(full)
	i, err := New(&flow.PipelineBlock{Name: "p", Steps: []flow.StepBlock{
		{Type: "filter", Label: "f", Config: &step.Filter{Where: where(t, `event.word > "a"`)}},
	}}, p)
	if err != nil {
		t.Fatal(err)
	}
	err = i.In().Send(t.Context(), events("b 17"))
	check(t, "failed", failed(err, 2), "1")
	check(t, "count", p.Count(), uint64(1))
	if err == nil || !strings.HasPrefix(err.Error(), "flow.hcl:1,1: ") {
		t.Errorf("%v: want the place and the cause", err)
	}
}

type errPort struct{}

func (*errPort) Send(context.Context, []flow.Event) error { return flow.ErrFull }
