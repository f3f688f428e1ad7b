package step_test

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

func TestMap(t *testing.T) {
	const payload = `{"a":1.0,"b":"x","o":{"k":[1,2]},"m":{"ws_server":{"binary":true}},"e":{},"n":null}`
	for _, test := range []struct {
		name, event, meta string
		wrote             string // before
		want, wantWrote   string
		err               string
	}{
		{name: "a part", event: `event.o`, want: `{"k":[1,2]}`},
		{name: "a part of a part", event: `event.o.k`, want: `[1,2]`},
		{name: "a number keeps its spelling", event: `event.a`, want: `1.0`},
		{name: "the whole", event: `event`, want: payload},
		{name: "a constant", event: `{ x = [1, "two"] }`, want: `{"x":[1,"two"]}`},
		{name: "a new object", event: `{ a = event.a, b = "${event.b}!", c = [event.o, event.n], (event.b) = length(event.o.k) + 1 }`, want: `{"a":1.0,"b":"x!","c":[{"k":[1,2]},null],"x":3}`},
		{name: "one field of many", event: `merge(event, { b = "y" })`, want: strings.Replace(payload, `"x"`, `"y"`, 1)},
		{name: "both see the old event", event: `{ b = event.n }`, meta: `{ old = event.b, host = meta.said }`, want: `{"b":null}`, wantWrote: `{"old":"x","host":1}`},
		{name: "null", event: `null`, want: `null`},
		{name: "nothing there", event: `event.missing`, want: `null`},
		{name: "only meta", meta: `{ x = 1 }`, want: payload, wantWrote: `{"x":1}`},
		{name: "meta from the event", event: `event.b`, meta: `event.m`, want: `"x"`, wantWrote: `{"ws_server":{"binary":true}}`},
		{
			name: "meta is merged deeply", meta: `event.m`, want: payload,
			wrote: `{"ws_server":{"peer":"p"},"y":1}`, wantWrote: `{"ws_server":{"peer":"p","binary":true},"y":1}`,
		},
		{
			name: "null takes away", meta: `{ ws_server = { peer = null, none = null, deep = { x = null } }, y = null }`, want: payload,
			wrote: `{"ws_server":{"peer":"p","binary":true},"y":1}`, wantWrote: `{"ws_server":{"binary":true,"deep":{}}}`,
		},
		{name: "what replaces an object", meta: `{ a = 1 }`, wrote: `{"a":{"b":1}}`, want: payload, wantWrote: `{"a":1}`},
		{name: "what is replaced by an object", meta: `{ a = { b = null, c = 2 } }`, wrote: `{"a":1}`, want: payload, wantWrote: `{"a":{"c":2}}`},
		{name: "null meta", meta: `event.n`, wrote: `{"a":1}`, want: payload, wantWrote: `{"a":1}`},
		{name: "empty meta", meta: `event.e`, wrote: `{"a":1}`, want: payload, wantWrote: `{"a":1}`},
		{name: "meta is a string", meta: `event.b`, err: "meta is a string, where an object is needed"},
		{name: "event fails", event: `event.b < event.a`, meta: `{ x = 1 }`, err: "flow.hcl:1,1: event.b (a string) and event.a (a number) have no order: compare two numbers or two strings"},
		{name: "meta fails", event: `1`, meta: `event.a < event.b ? {} : {}`, err: "flow.hcl:1,1: event.a (a number) and event.b (a string) have no order: compare two numbers or two strings"},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := alone(t, &step.Map{Event: steptest.Value(t, test.event), Meta: steptest.Value(t, test.meta)}, steptest.Problems("pipeline", "p"))
			out := &held{}
			i.Port("out").Connect(out)
			e := arrived(t, payload)
			e.Origin = &flow.Origin{}
			e.Meta.Said, e.Meta.Binary = flow.ObjectOf(flow.Field{Key: "said", Value: flow.IntOf(1)}), true
			if test.wrote != "" {
				w := arrived(t, test.wrote)
				v, _ := w.Payload()
				e.Meta.Wrote = v.Object()
			}
			raw := string(e.Raw)
			err := i.In().Send(t.Context(), []flow.Event{e})
			if string(e.Raw) != raw || spellObject(t, e.Meta.Wrote) != spellWritten(t, test.wrote) {
				t.Errorf("the incoming event has changed")
			}
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("got error %v, want %s", err, test.err)
				}
				steptest.Check(t, "stats", i.Stats()[0], pipeline.StepStats{Type: "step", Label: "s", In: 1, Failed: 1})
				steptest.Check(t, "events", len(out.events), 0)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := out.events[0]
			steptest.Check(t, "event", spell(t, got), test.want)
			steptest.Check(t, "written", spellObject(t, got.Meta.Wrote), spellWritten(t, test.wantWrote))
			if got.Origin != e.Origin || got.Time != 7 || got.Meta.Said != e.Meta.Said || !got.Meta.Binary {
				t.Error("origin, time or what the transport said has changed")
			}
		})
	}
}

func spellWritten(t testing.TB, text string) string {
	if text == "" {
		return "null"
	}
	return text
}

// TestMapKeepsNothing: what a map makes of an event and somebody holds is
// independent of the memory that the event was in.
func TestMapKeepsNothing(t *testing.T) {
	i := alone(t, &step.Map{Event: steptest.Value(t, `event.o`), Meta: steptest.Value(t, `event.m`)}, steptest.Problems("pipeline", "p"))
	out := &held{}
	i.Port("out").Connect(out)
	e := arrived(t, `{"o":{"text":"abc","list":[1.50,"x"]},"m":{"key":{"peer":"abc"}}}`)
	if err := i.In().Send(t.Context(), []flow.Event{e}); err != nil {
		t.Fatal(err)
	}
	for n := range e.Raw {
		e.Raw[n] = '!'
	}
	steptest.Check(t, "event", spell(t, out.events[0]), `{"text":"abc","list":[1.50,"x"]}`)
	steptest.Check(t, "written", spellObject(t, out.events[0].Meta.Wrote), `{"key":{"peer":"abc"}}`)
}

func TestMapFates(t *testing.T) {
	for _, test := range []struct {
		name, in       string
		refuse         string
		whole          bool
		errConnected   bool
		calls          []string
		failed, toErrs string
	}{
		{name: "nothing", in: ""},
		{name: "all", in: "a b", calls: []string{"a b"}},
		{name: "some are refused", in: "a b c d", refuse: "b d", calls: []string{"a b c d"}, failed: "1 3"},
		{name: "all are refused", in: "a b", refuse: "b", whole: true, calls: []string{"a b"}, failed: "0 1"},
		{name: "an expression fails", in: "a 17 b", calls: []string{"a", "b"}, failed: "1"},
		{name: "and err takes it", in: "17 a 17 17 b", errConnected: true, calls: []string{"a", "b"}, toErrs: "step flow.hcl:1,7-17 s 17\nstep flow.hcl:1,7-17 s 17\nstep flow.hcl:1,7-17 s 17"},
		{name: "beside a failure", in: "a b 17 c d", refuse: "b c", calls: []string{"a b", "c d"}, failed: "1 2 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := steptest.Problems("pipeline", "p")
			errs := &steptest.ErrEvents{}
			if test.errConnected {
				p.Port.Connect(errs)
			}
			i := alone(t, &step.Map{Event: steptest.Value(t, `lower(event.word)`)}, p)
			out := &steptest.Recorder{Refuse: test.refuse, Whole: test.whole}
			i.Port("out").Connect(out)
			batch := steptest.Words(test.in)
			err := i.In().Send(t.Context(), batch)
			steptest.Check(t, "calls", out.Calls, test.calls)
			steptest.Check(t, "failed", steptest.Failed(err, len(batch)), test.failed)
			steptest.Check(t, "err events", strings.Join(errs.Got, "\n"), test.toErrs)
			steptest.Check(t, "batch", batch, steptest.Words(test.in))
		})
	}
}

func TestMapProblems(t *testing.T) {
	for _, test := range []struct{ event, meta, want string }{
		{"", "", "a map needs event or meta: what is new"},
		{"", `"text"`, "meta is a string, where an object is needed"},
		{"", `upper(event.a)`, "meta is a string, where an object is needed"},
		{"", `[event.a]`, "meta is a list, where an object is needed"},
		{"", `null`, ""},
		{"", `event.a`, ""},
		{"", `event.a ? null : { b = 1 }`, ""},
		{`"text"`, `{}`, ""},
	} {
		_, err := (&step.Map{Event: steptest.Value(t, test.event), Meta: steptest.Value(t, test.meta)}).New(flow.StepEnv{})
		if got := spellError(err); got != test.want {
			t.Errorf("event = %s, meta = %s: got %q, want %q", test.event, test.meta, got, test.want)
		}
	}
}

func spellError(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestMapLargeBatch: what is made beside a batch has a bound, and keeps its
// order.
func TestMapLargeBatch(t *testing.T) {
	i := alone(t, &step.Map{Event: steptest.Value(t, `event.id`)}, steptest.Problems("pipeline", "p"))
	var sizes, ids []int
	i.Port("out").Connect(sinkFunc(func(batch []flow.Event) error {
		sizes = append(sizes, len(batch))
		var err error
		for n := range batch {
			ids = append(ids, int(batch[n].Value.Int()))
			if ids[len(ids)-1]%300 == 299 {
				flow.Fail(&err, n, steptest.ErrRefused)
			}
		}
		return err
	}))
	batch := steptest.Words(strings.Repeat("a ", 600))
	err := i.In().Send(t.Context(), batch)
	steptest.Check(t, "sizes", sizes, []int{256, 256, 88})
	steptest.Check(t, "failed", steptest.Failed(err, len(batch)), "299 599")
	for n, id := range ids {
		if n != id {
			t.Fatalf("event %d is at place %d", id, n)
		}
	}
}
