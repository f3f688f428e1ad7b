package step_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
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

// value compiles an expression as a flow would have it; "" is none.
func value(t testing.TB, src string) flow.Expr {
	t.Helper()
	if src == "" {
		return nil
	}
	e, diags := hclsyntax.ParseExpression([]byte(src), "flow.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x, diags := expr.Compile(e, expr.Scope{Roots: []string{"event", "meta", "peer"}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return x
}

// arrived is an event as a codec leaves it.
func arrived(t testing.TB, text string) flow.Event {
	t.Helper()
	e := flow.Event{Time: 7}
	if err := jsonCodec(t).Decode(&e, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return e
}

func jsonCodec(t testing.TB) flow.Codec {
	t.Helper()
	for _, spec := range codecs.All {
		if spec.Name == "json" {
			make, err := spec.Config().New()
			if err != nil {
				t.Fatal(err)
			}
			return make()
		}
	}
	t.Fatal("no codec json")
	return nil
}

// spell is an event's payload as JSON.
func spell(t testing.TB, e flow.Event) string {
	t.Helper()
	text, err := jsonCodec(t).Encode(nil, &e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func spellObject(t testing.TB, o *flow.Object) string {
	t.Helper()
	return spell(t, flow.Event{Value: flow.MapOf(o)})
}

// alone builds an instance of one step.
func alone(t testing.TB, config flow.StepConfig, p *flow.Problems) *pipeline.Instance {
	t.Helper()
	i, err := pipeline.New(&flow.PipelineBlock{Name: "p", Steps: []flow.StepBlock{{Type: "step", Label: "s", Config: config}}}, p)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// held keeps what it is sent, as a holding point does.
type held struct{ events []flow.Event }

func (h *held) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		h.events = append(h.events, batch[i].Held())
	}
	return nil
}

type sinkFunc func(batch []flow.Event) error

func (f sinkFunc) Send(_ context.Context, batch []flow.Event) error { return f(batch) }

type sendFunc func(ctx context.Context, batch []flow.Event) error

func (f sendFunc) Send(ctx context.Context, batch []flow.Event) error { return f(ctx, batch) }

type discard struct{ n int }

func (d *discard) Send(_ context.Context, batch []flow.Event) error { d.n += len(batch); return nil }
