package step_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

// stateOf is a state's configuration: its expressions, and changes.
func stateOf(t *testing.T, init, update, emit string, change ...func(*step.State)) *step.State {
	i := slices.IndexFunc(step.All, func(s flow.Spec[flow.StepConfig]) bool { return s.Name == "state" })
	c := step.All[i].Config().(*step.State)
	c.Key = steptest.Value(t, "event.k")
	c.Update = steptest.Value(t, update, "state")
	if init != "" {
		c.Init = steptest.Value(t, init)
	}
	if emit != "" {
		c.Emit = steptest.Value(t, emit, "state")
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func TestState(t *testing.T) {
	ttl := func(c *step.State) { c.TTL = setting.Duration(10 * time.Second) }
	for _, test := range []struct {
		name   string
		state  func(t *testing.T) *step.State
		script []string
		want   []string
		errs   []string
	}{
		{
			"a sum per key",
			func(t *testing.T) *step.State { return stateOf(t, "0", "state + event.n", "[event.k, state]") },
			[]string{"k a n 1 from 1, k b n 2, k a n 3 from 2", "k a n 4, n 5, n 6"},
			[]string{"[a 1] ->1", "[b 2]", "[a 4] ->2", "[a 8]", "[null 5]", "[null 11]"}, nil,
		},
		{
			"the event goes on as it is",
			func(t *testing.T) *step.State { return stateOf(t, "", "event.n", "") },
			[]string{"k a n 1 from 1"}, []string{"k=a n=1 ->1"}, nil,
		},
		{
			"null at first, and init from the event",
			func(t *testing.T) *step.State {
				return stateOf(t, `{ first = event.n, last = null }`, "{ first = state.first, last = event.n }", "state")
			},
			[]string{"k a n 1, k a n 2, k b n 3"}, []string{"first=1 last=1", "first=1 last=2", "first=3 last=3"}, nil,
		},
		{
			"what fails changes nothing",
			func(t *testing.T) *step.State { return stateOf(t, "0", "state + event.n", "10 / state") },
			[]string{"k a n 2, k a n x, k a n 3, k a n -5, k a n 1"},
			[]string{"5", "2", "10"},
			[]string{"k=a n=x", "k=a n=-5"},
		},
		{
			"init fails",
			func(t *testing.T) *step.State { return stateOf(t, "1 / event.n", "state + event.n", "state") },
			[]string{"k a n 0, k a n 1"}, []string{"2"}, []string{"k=a n=0"},
		},
		{
			"ttl counts from the last change",
			func(t *testing.T) *step.State { return stateOf(t, "0", "state + event.n", "state", ttl) },
			[]string{"k a n 1", "+9s", "k a n 1", "+9999ms", "k a n 1", "+10s", "k a n 1"}, []string{"1", "2", "3", "1"}, nil,
		},
		{
			"the one not changed for longest is forgotten",
			func(t *testing.T) *step.State {
				return stateOf(t, "0", "state + event.n", "state", func(c *step.State) { c.MaxKeys = 2 })
			},
			[]string{"k a n 1, k b n 1, k a n 1, k c n 1, k a n 1, k b n 1"}, []string{"1", "1", "2", "1", "3", "1"}, nil,
		},
		{
			"no room for a key",
			func(t *testing.T) *step.State {
				return stateOf(t, "0", "state + event.n", "state", func(c *step.State) { c.MaxKeys, c.OnOverflow = 2, "err" }, ttl)
			},
			[]string{"k a n 1, k b n 1, k c n 1, k a n 1", "+11s", "k c n 1"}, []string{"1", "1", "2", "1"}, []string{"k=c n=1"},
		},
		{
			"a state that grows",
			func(t *testing.T) *step.State {
				return stateOf(t, `""`, `"${state}${event.n}"`, "state", func(c *step.State) { c.MaxSize = 27 })
			},
			[]string{"k a n x, k a n y, k a n z, k a n x, k b n x"}, []string{"x", "xy", "xyz", "x"}, []string{"k=a n=x"},
		},
		{
			"a state that nests",
			func(t *testing.T) *step.State {
				return stateOf(t, "", "{ p = state }", "state", func(c *step.State) { c.MaxSize = 100 })
			},
			[]string{"k a n 1, k a n 2, k a n 3, k a n 4"},
			[]string{"p=null", "p=p=null", "p=p=p=null"}, []string{"k=a n=4"},
		},
		{
			"without a key",
			func(t *testing.T) *step.State {
				return stateOf(t, "0", "state + event.n", "state", func(c *step.State) { c.Key = nil })
			},
			[]string{"k a n 1, k b n 2"}, []string{"1", "3"}, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := steptest.Problems("pipeline", "p")
				i := alone(t, test.state(t), p)
				out, failed := steptest.NewTaker(), steptest.NewTaker()
				i.Port("out").Connect(out)
				p.Port.Connect(failed)
				steptest.Play(t, i.In(), i.Finish, test.script...)
				steptest.Check(t, "out", out.Payloads(), test.want)
				var errs []string
				for _, e := range failed.Payloads() {
					_, event, _ := strings.Cut(e, " event=")
					event, _, _ = strings.Cut(event, " raw=")
					errs = append(errs, event)
				}
				steptest.Check(t, "errs", errs, test.errs)
			})
		})
	}
}

// The meta of an event stays, and so does its place in the batch for those who
// are told of a failure.
func TestStateKeepsWhatIsBesideThePayload(t *testing.T) {
	s := alone(t, stateOf(t, "0", "state + event.n", "state"), steptest.Problems("pipeline", "p"))
	wrote := flow.ObjectOf(flow.Field{Key: "x", Value: flow.IntOf(1)})
	s.Port("out").Connect(steptest.Each(func(e *flow.Event) error {
		if e.Meta.Wrote != wrote || e.Time != 5 || !e.Meta.Binary {
			t.Errorf("got %+v", e)
		}
		return steptest.ErrRefused
	}))
	e := steptest.Event("k a n 1")
	e.Meta, e.Time = flow.Meta{Wrote: wrote, Binary: true}, 5
	err := s.In().Send(t.Context(), []flow.Event{steptest.Event("k a n x"), e})
	steptest.Check(t, "failed", steptest.Failed(err, 2), "0 1")
}

// Many connections that change one state lose no change.
func TestStateIsAtomic(t *testing.T) {
	const senders, each = 16, 500
	s := alone(t, stateOf(t, "0", "state + 1", "state"), steptest.Problems("pipeline", "p"))
	var mu sync.Mutex
	seen := map[int64]bool{}
	s.Port("out").Connect(steptest.Each(func(e *flow.Event) error {
		mu.Lock()
		defer mu.Unlock()
		seen[e.Value.Int()] = true
		return nil
	}))
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range each {
				if err := s.In().Send(t.Context(), steptest.Batch("k a")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	steptest.Check(t, "states", len(seen), senders*each)
}

// A state shares nothing with the bytes of the event that it was made from.
func TestStateIsKept(t *testing.T) {
	c := stateOf(t, "", "state == null ? event.text : state", "state", func(c *step.State) { c.Key = nil })
	s := alone(t, c, steptest.Problems("pipeline", "p"))
	var got []string
	s.Port("out").Connect(steptest.Each(func(e *flow.Event) error { got = append(got, steptest.Shown(e.Value)); return nil }))
	for _, text := range []string{`{"text": ["abc"]}`, `{"text": "other"}`} {
		raw := []byte(text)
		if err := s.In().Send(t.Context(), []flow.Event{{Raw: raw, Form: jsontext.Form{}}}); err != nil {
			t.Fatal(err)
		}
		clear(raw)
	}
	steptest.Check(t, "states", got, []string{"[abc]", "[abc]"})
}

func TestStateProblems(t *testing.T) {
	_, err := (&step.State{}).New(flow.StepEnv{})
	var field *setting.Error
	if !errors.As(err, &field) || field.Field != "update" {
		t.Errorf("got %v", err)
	}
}
