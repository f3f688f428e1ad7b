package pipeline

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
)

func batchOf(events int, wait time.Duration, bytes flow.Size) *Batch {
	b := batchSpec.Config().(*Batch)
	b.MaxEvents, b.MaxWait = events, flow.Duration(wait)
	if bytes > 0 {
		b.MaxBytes = bytes
	}
	return b
}

func TestBatch(t *testing.T) {
	for _, test := range []struct {
		name   string
		batch  *Batch
		script []string
		want   []string
	}{
		{
			"by number", batchOf(3, time.Hour, 0),
			[]string{"id 1, id 2", "id 3, id 4, id 5, id 6, id 7", "+1m", "finish", "id 8, id 9"},
			[]string{"0s: [id=1 id=2 id=3]", "0s: [id=4 id=5 id=6]", "1m0s: [id=7]", "1m0s: [id=8 id=9]"},
		},
		{
			"by time, from the first event", batchOf(100, time.Second, 0),
			[]string{"+5s", "id 1", "+900ms", "id 2", "+1s", "id 3", "+10s"},
			[]string{"6s: [id=1 id=2]", "7.9s: [id=3]"},
		},
		{
			"by size", batchOf(100, time.Second, 200),
			[]string{"id 1, id 2, id 3, id 4, id 5", "id " + strings.Repeat("x", 300) + ", id 6"},
			[]string{"0s: [id=1 id=2 id=3 id=4]", "0s: [id=5]", "0s: [id=" + strings.Repeat("x", 300) + "]", "0s: [id=6]"},
		},
		{
			"each connection once", batchOf(4, time.Second, 0),
			[]string{"id 1 from 1, id 2 from 2, id 3, id 4 from 1", "id 5 from 3", "+1s", "id 6", "+1s"},
			[]string{"0s: [id=1 id=2 id=3 id=4] ->1,2", "1s: [id=5] ->3", "2s: [id=6]"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := set(t, false, test.batch)
				s.run()
				s.play(test.script...)
				steptest.Check(t, "out", s.out.All(), test.want)
				steptest.Check(t, "held", s.Stats()[0].Held, int64(0))
			})
		})
	}
}

// What came encoded is kept as it was, and not decoded; the connection's bytes
// are its own again.
func TestBatchKeepsSpelling(t *testing.T) {
	s := set(t, false, batchOf(3, time.Hour, 0))
	var got string
	s.Port("out").Connect(steptest.Each(func(e *flow.Event) error {
		text, err := jsontext.Append(nil, e.Value, false)
		got = string(text)
		return err
	}))
	raw := []byte(`{"b": 1.50, "a": [1,  2]}`)
	scalar := []byte(`"text"`)
	batch := []flow.Event{{Raw: raw, Form: jsontext.Form{}}, {Raw: scalar, Form: jsontext.Form{}}, steptest.Event("id 1")}
	if err := s.In().Send(t.Context(), batch[:2]); err != nil {
		t.Fatal(err)
	}
	copy(raw, strings.Repeat("x", len(raw)))
	copy(scalar, strings.Repeat("x", len(scalar)))
	if err := s.In().Send(t.Context(), batch[2:]); err != nil {
		t.Fatal(err)
	}
	steptest.Check(t, "list", got, `[{"b": 1.50, "a": [1,  2]},"text",{"id":1}]`)
}

func TestBatchManySenders(t *testing.T) {
	const senders, each = 8, 2000
	s := set(t, false, batchOf(7, time.Millisecond, 0))
	s.run()
	n := 0
	s.Port("out").Connect(steptest.Each(func(e *flow.Event) error { n += len(e.Value.List()); return nil }))
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range each {
				if err := s.send("id 1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	s.Finish()
	steptest.Check(t, "events", n, senders*each)
}

// stateOf is a state's configuration: its expressions, and changes.
func stateOf(t *testing.T, init, update, emit string, change ...func(*State)) *State {
	c := stateSpec.Config().(*State)
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
	ttl := func(c *State) { c.TTL = seconds(10) }
	for _, test := range []struct {
		name   string
		state  func(t *testing.T) *State
		script []string
		want   []string
		errs   []string
	}{
		{
			"a sum per key",
			func(t *testing.T) *State { return stateOf(t, "0", "state + event.n", "[event.k, state]") },
			[]string{"k a n 1 from 1, k b n 2, k a n 3 from 2", "k a n 4, n 5, n 6"},
			[]string{"[a 1] ->1", "[b 2]", "[a 4] ->2", "[a 8]", "[null 5]", "[null 11]"}, nil,
		},
		{
			"the event goes on as it is",
			func(t *testing.T) *State { return stateOf(t, "", "event.n", "") },
			[]string{"k a n 1 from 1"}, []string{"k=a n=1 ->1"}, nil,
		},
		{
			"null at first, and init from the event",
			func(t *testing.T) *State {
				return stateOf(t, `{ first = event.n, last = null }`, "{ first = state.first, last = event.n }", "state")
			},
			[]string{"k a n 1, k a n 2, k b n 3"}, []string{"first=1 last=1", "first=1 last=2", "first=3 last=3"}, nil,
		},
		{
			"what fails changes nothing",
			func(t *testing.T) *State { return stateOf(t, "0", "state + event.n", "10 / state") },
			[]string{"k a n 2, k a n x, k a n 3, k a n -5, k a n 1"},
			[]string{"5", "2", "10"},
			[]string{"k=a n=x", "k=a n=-5"},
		},
		{
			"init fails",
			func(t *testing.T) *State { return stateOf(t, "1 / event.n", "state + event.n", "state") },
			[]string{"k a n 0, k a n 1"}, []string{"2"}, []string{"k=a n=0"},
		},
		{
			"ttl counts from the last change",
			func(t *testing.T) *State { return stateOf(t, "0", "state + event.n", "state", ttl) },
			[]string{"k a n 1", "+9s", "k a n 1", "+9999ms", "k a n 1", "+10s", "k a n 1"}, []string{"1", "2", "3", "1"}, nil,
		},
		{
			"the one not changed for longest is forgotten",
			func(t *testing.T) *State {
				return stateOf(t, "0", "state + event.n", "state", func(c *State) { c.MaxKeys = 2 })
			},
			[]string{"k a n 1, k b n 1, k a n 1, k c n 1, k a n 1, k b n 1"}, []string{"1", "1", "2", "1", "3", "1"}, nil,
		},
		{
			"no room for a key",
			func(t *testing.T) *State {
				return stateOf(t, "0", "state + event.n", "state", func(c *State) { c.MaxKeys, c.OnOverflow = 2, "err" }, ttl)
			},
			[]string{"k a n 1, k b n 1, k c n 1, k a n 1", "+11s", "k c n 1"}, []string{"1", "1", "2", "1"}, []string{"k=c n=1"},
		},
		{
			"a state that grows",
			func(t *testing.T) *State {
				return stateOf(t, `""`, `"${state}${event.n}"`, "state", func(c *State) { c.MaxSize = 27 })
			},
			[]string{"k a n x, k a n y, k a n z, k a n x, k b n x"}, []string{"x", "xy", "xyz", "x"}, []string{"k=a n=x"},
		},
		{
			"without a key",
			func(t *testing.T) *State {
				return stateOf(t, "0", "state + event.n", "state", func(c *State) { c.Key = nil })
			},
			[]string{"k a n 1, k b n 2"}, []string{"1", "3"}, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := set(t, true, test.state(t))
				s.play(test.script...)
				steptest.Check(t, "out", s.out.Payloads(), test.want)
				var errs []string
				for _, e := range s.errs.Payloads() {
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
	s := set(t, false, stateOf(t, "0", "state + event.n", "state"))
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

// Two connections that change one state lose no change.
func TestStateIsAtomic(t *testing.T) {
	const senders, each = 8, 1000
	s := set(t, false, stateOf(t, "0", "state + 1", "state"))
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
				if err := s.send("k a"); err != nil {
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
	s := set(t, false, stateOf(t, "", "event.text", "state", func(c *State) {
		c.Update = steptest.Value(t, "state == null ? event.text : state", "state")
		c.Key = nil
	}))
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
	_, err := (&State{}).New(flow.StepEnv{})
	var field *flow.FieldError
	if !errors.As(err, &field) || field.Field != "update" {
		t.Errorf("got %v", err)
	}
}

// A list does not wait for a clock that has been set back.
func TestBatchWhenTheClockIsSetBack(t *testing.T) {
	s := set(t, false, &Batch{MaxEvents: 10, MaxWait: seconds(60), MaxBytes: 1 << 20})
	_ = s.send("id 1")
	b := s.In().(*batcher)
	now := time.Now().UnixNano()
	steptest.Check(t, "next", b.tick(t.Context(), now-int64(time.Second)), b.list.due)
	steptest.Check(t, "out", len(s.out.All()), 0)
	steptest.Check(t, "next", b.tick(t.Context(), now-int64(time.Hour)), int64(never))
	steptest.Check(t, "out", s.out.Payloads(), []string{"[id=1]"})
}
