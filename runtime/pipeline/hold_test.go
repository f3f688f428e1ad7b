package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// stand is an instance of one or more steps under test.
type stand struct {
	*Instance
	t    testing.TB
	out  *steptest.Taker
	errs *steptest.Taker
	logs *observer.ObservedLogs
}

// set builds a pipeline of steps; what goes to err is noted when errs is true.
func set(t testing.TB, errs bool, steps ...flow.StepConfig) *stand {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	p := steptest.Problems("pipeline", "p")
	p.Log = zap.New(core)
	block := &flowfile.PipelineBlock{Name: "p"}
	for i, c := range steps {
		block.Steps = append(block.Steps, flowfile.StepBlock{Type: "step", Label: fmt.Sprint("s", i), Config: c})
	}
	i, err := New(block, p)
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{Instance: i, t: t, out: steptest.NewTaker(), logs: logs}
	i.Port("out").Connect(s.out)
	if errs {
		s.errs = steptest.NewTaker()
		p.Port.Connect(s.errs)
	}
	return s
}

// send sends events, each in its own fields, as one batch.
func (s *stand) send(events ...string) error {
	s.t.Helper()
	return s.In().Send(s.t.Context(), steptest.Batch(events...))
}

// run starts the instance, and ends it with the test.
func (s *stand) run() {
	s.Start(s.t.Context())
	s.t.Cleanup(func() { s.Finish() })
}

// ids is an aggregate: {g = group, ids = those of all events}. An event without
// an id is an error, and so is a result with the id bad.
type ids struct{}

func (ids) New() flow.Accumulator { return &idsOf{} }
func (ids) At() string            { return "flow.hcl:7,3-9" }

type idsOf struct{ seen []flow.Value }

func (a *idsOf) Add(e *flow.Event) error {
	v, ok := e.Value.Object().Get("id")
	if !ok {
		return errors.New("no id")
	}
	a.seen = append(a.seen, v)
	return nil
}

func (a *idsOf) Merge(other flow.Accumulator) { a.seen = append(a.seen, other.(*idsOf).seen...) }
func (a *idsOf) Items() int                   { return len(a.seen) }
func (a *idsOf) Value(vars ...flow.Value) (flow.Value, error) {
	for _, v := range a.seen {
		if v.Text() == "bad" {
			return flow.NullValue, errors.New("bad number")
		}
	}
	return flow.MapOf(flow.ObjectOf(flow.Field{Key: "g", Value: vars[0]}, flow.Field{Key: "ids", Value: flow.ListOf(append([]flow.Value(nil), a.seen...))})), nil
}

// bounds is an aggregate: the borders of the window, and how many events.
type bounds struct{}

func (bounds) New() flow.Accumulator { return new(boundsOf) }
func (bounds) At() string            { return "flow.hcl:7,3-9" }

type boundsOf struct{ n int64 }

func (a *boundsOf) Add(*flow.Event) error        { a.n++; return nil }
func (a *boundsOf) Merge(other flow.Accumulator) { a.n += other.(*boundsOf).n }
func (a *boundsOf) Items() int                   { return 0 }
func (a *boundsOf) Value(vars ...flow.Value) (flow.Value, error) {
	start, _ := vars[1].Object().Get("start")
	end, _ := vars[1].Object().Get("end")
	return flow.ListOf([]flow.Value{start, end, flow.IntOf(a.n)}), nil
}

// windowOf is a window's configuration with its defaults.
func windowOf(change func(*Window)) *Window {
	w := windowSpec.Config().(*Window)
	w.Emit = ids{}
	change(w)
	return w
}

func seconds(n int) setting.Duration { return setting.Duration(n) * setting.Duration(time.Second) }

// An instance whose steps hold nothing has no goroutine, and Finish is nothing.
func TestNothingToHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, &step.Filter{Where: steptest.Where(t, `event.word != "a"`)})
		s.Start(t.Context())
		s.Finish()
		s.Finish()
		if err := s.send("word b"); err != nil || len(s.out.All()) != 1 || s.Lost() != 0 {
			t.Errorf("%v %v", err, s.out.All())
		}
	})
}

// A window feeds a window: the first one is emptied first.
func TestFinishInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := windowOf(func(w *Window) { w.Kind, w.Interval, w.GroupBy = "tumbling", seconds(60), steptest.Where(t, "event.g") })
		batch := batchSpec.Config().(*Batch)
		batch.MaxWait = seconds(3600)
		s := set(t, false, counted, batch)
		s.run()
		if err := s.send("g a id 1", "g b id 2", "g a id 3"); err != nil {
			t.Fatal(err)
		}
		steptest.Check(t, "held", []int64{s.Stats()[0].Held, s.Stats()[1].Held}, []int64{3, 0})
		s.Finish()
		steptest.Check(t, "out", s.out.Payloads(), []string{"[g=a ids=[1 3] g=b ids=[2]]"})
		if err := s.send("g a id 4", "g b id 5"); err != nil {
			t.Fatal(err)
		}
		steptest.Check(t, "out", s.out.Payloads()[1:], []string{"[g=a ids=[4] g=b ids=[5]]"})
		steptest.Check(t, "held", []int64{s.Stats()[0].Held, s.Stats()[1].Held}, []int64{0, 0})
	})
}

// Results that nothing takes go to err, and are lost when it does not take
// them either.
func TestLostResults(t *testing.T) {
	for _, errs := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := set(t, errs, windowOf(func(w *Window) { w.Kind, w.Interval, w.GroupBy = "tumbling", seconds(1), steptest.Where(t, "event.g") }))
			s.out.Fail = func(i int) error {
				if i == 1 {
					return steptest.ErrRefused
				}
				return nil
			}
			s.run()
			if err := s.send("g a id 1", "g b id 2", "g c id bad"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			steptest.Check(t, "out", s.out.Payloads(), []string{"g=a ids=[1]", "g=b ids=[2]"})
			if errs {
				steptest.Check(t, "err", s.errs.Payloads(), []string{
					"error=kind=step message=bad number at=flow.hcl:7,3-9 step=s0 component=pipeline.p event=null raw=null peer=null",
					"error=kind=step message=refused at=null step=s0 component=pipeline.p event=g=b ids=[2] raw=null peer=null",
				})
				steptest.Check(t, "lost", s.Lost(), uint64(0))
				return
			}
			steptest.Check(t, "lost", s.Lost(), uint64(2))
			steptest.Check(t, "logged", s.logs.FilterMessageSnippet("lost").Len(), 2)
		})
	}
}

// A slow target holds back those who bring events, and their wait ends with
// their ctx. Nothing is lost by that.
func TestASlowTargetHoldsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Size = "tumbling", 1 }))
		s.out.Block = make(chan struct{})
		s.run()
		var senders sync.WaitGroup
		senders.Go(func() { _ = s.send("id 0") })
		synctest.Wait()
		done := make(chan error)
		go func() { done <- s.send("id 1") }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		ctx, cancel := context.WithCancel(t.Context())
		senders.Go(func() { _ = s.In().Send(ctx, []flow.Event{steptest.Event("id 2")}) })
		cancel()
		synctest.Wait()
		close(s.out.Block)
		if err := <-done; err != nil {
			t.Error(err)
		}
		senders.Wait()
		steptest.Check(t, "out", s.out.Payloads(), []string{"g=null ids=[0]", "g=null ids=[1]", "g=null ids=[2]"})
	})
}

// What the target refuses comes back by an err port into the same window: it
// does not wait for itself.
func TestErrEventsComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Size, w.Emit = "tumbling", 1, bounds{} }))
		var seen []string
		s.Port("out").Connect(steptest.Each(func(e *flow.Event) error {
			seen = append(seen, fmt.Sprint(len(e.Value.List())))
			return steptest.ErrRefused
		}))
		s.Port("err").Connect(s.In())
		s.run()
		if err := s.send("id 1"); err != nil {
			t.Fatal(err)
		}
		steptest.Check(t, "sent", seen, []string{"3", "3"})
		steptest.Check(t, "lost", s.Lost(), uint64(1))
	})
}

// A step that panics does not take the timer with it.
func TestPanicWhileTicking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Interval = "tumbling", seconds(1) }))
		first := true
		s.Port("out").Connect(steptest.Each(func(e *flow.Event) error {
			if first {
				first = false
				panic("ouch")
			}
			return s.out.Send(t.Context(), []flow.Event{*e})
		}))
		s.run()
		_ = s.send("id 1")
		time.Sleep(5 * time.Second)
		_ = s.send("id 2")
		time.Sleep(5 * time.Second)
		steptest.Check(t, "out", s.out.Payloads(), []string{"g=null ids=[2]"})
		steptest.Check(t, "logged", s.logs.FilterMessageSnippet("panicked").Len(), 1)
	})
}

// What is called for a result is not called by one of those whose events are in
// it: a connection that is slow to take its part would hold back the others, and
// a panic would end it.
func TestResultsAreSentForAll(t *testing.T) {
	s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Size = "tumbling", 1 }))
	s.Port("out").Connect(hearer(func(ctx context.Context) {
		if ctx.Value(key{}) != nil {
			t.Error("a result is sent with the ctx of an event")
		}
		panic("ouch")
	}))
	s.run()
	if err := s.In().Send(context.WithValue(t.Context(), key{}, "x"), []flow.Event{steptest.Event("id 1")}); err != nil {
		t.Error(err)
	}
	steptest.Check(t, "lost", s.Lost(), uint64(1))
	steptest.Check(t, "logged", s.logs.FilterMessageSnippet("panicked").Len(), 1)
}

type key struct{}

type hearer func(context.Context)

func (f hearer) Send(ctx context.Context, _ []flow.Event) error { f(ctx); return nil }

// A result is about the events of many: it has nothing to do with the call that
// finished it, which may go away meanwhile. It is given up with the instance.
func TestResultsOutliveTheirSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Size = "tumbling", 2 }))
		s.out.Block = make(chan struct{})
		instance, abandon := context.WithCancel(t.Context())
		s.Start(instance)
		sender, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := s.In().Send(sender, []flow.Event{steptest.Event("id 1"), steptest.Event("id 2")}); err != nil {
				t.Error(err)
			}
			steptest.Check(t, "out while it waited", len(s.out.All()), 0)
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		s.out.Block <- struct{}{}
		synctest.Wait()
		steptest.Check(t, "out", s.out.Payloads(), []string{"g=null ids=[1 2]"})
		all.Go(func() { _ = s.send("id 3", "id 4") })
		synctest.Wait()
		abandon()
		all.Wait()
		steptest.Check(t, "lost", s.Lost(), uint64(1))
		s.Finish()
	})
}

// Those who do not wait for their results cannot fill the memory.
func TestOutboxIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Size = "tumbling", 1 }))
		s.out.Block = make(chan struct{})
		s.run()
		many := make([]flow.Event, 1000)
		for i := range many {
			many[i] = steptest.Event("id 1")
		}
		go func() { _ = s.In().Send(t.Context(), many[:1]) }()
		synctest.Wait()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		taken := 0
		for _, ctx := range []context.Context{ended, flow.ErrPath(t.Context())} {
			for range 20 {
				if err := s.In().Send(ctx, many); err == nil {
					taken++
				} else if !errors.Is(err, context.Canceled) && !errors.Is(err, flow.ErrFull) {
					t.Error(err)
				}
			}
		}
		most := maxWaiting + 10000 // which is max_groups
		steptest.Check(t, "batches taken", taken, most/len(many))
		close(s.out.Block)
		synctest.Wait()
		steptest.Check(t, "out", len(s.out.All()), most+1)
	})
}

// Who finishes nothing does not wait for those who are slow to take what others
// have finished; but whole windows do not pile up.
func TestOthersDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Interval = "tumbling", seconds(1) }))
		s.out.Block = make(chan struct{})
		s.run()
		_ = s.send("id 1")
		time.Sleep(1500 * time.Millisecond) // the timer goroutine sends, and waits
		begin := time.Now()
		_ = s.send("id 2")
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(5 * time.Second)
		go func() { time.Sleep(time.Minute); close(s.out.Block) }()
		begin = time.Now()
		_ = s.send("id 3")
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		steptest.Check(t, "out", s.out.Payloads()[:2], []string{"g=null ids=[1]", "g=null ids=[2]"})
	})
}
