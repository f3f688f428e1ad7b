package step_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

// dedupe builds an instance of the step, and what it sends to.
func dedupe(t testing.TB, key string, ttl time.Duration, most int) (*pipeline.Instance, *steptest.Recorder) {
	t.Helper()
	i := alone(t, &step.Dedupe{Key: steptest.Value(t, key), TTL: setting.Duration(ttl), MaxKeys: most}, steptest.Problems("pipeline", "p"))
	out := &steptest.Recorder{}
	i.Port("out").Connect(out)
	return i, out
}

func TestDedupe(t *testing.T) {
	for _, test := range []struct {
		name, key string
		most      int
		in        []string // batches
		refuse    string
		calls     []string
		failed    string // of the last batch
		stats     pipeline.StepStats
	}{
		{name: "none twice", in: []string{"a b", "c"}, calls: []string{"a b", "c"}, stats: pipeline.StepStats{In: 3, Out: 3}},
		{name: "in one batch", in: []string{"a b a c b d"}, calls: []string{"a b", "c", "d"}, stats: pipeline.StepStats{In: 6, Out: 4, Dropped: 2}},
		{name: "in the next", in: []string{"a b", "b a c"}, calls: []string{"a b", "c"}, stats: pipeline.StepStats{In: 5, Out: 3, Dropped: 2}},
		{name: "the oldest is forgotten", most: 2, in: []string{"a b c", "b c a", "c b"}, calls: []string{"a b c", "a", "b"}, stats: pipeline.StepStats{In: 8, Out: 5, Dropped: 3}},
		{name: "no key", key: "event.none", in: []string{"a a", "a"}, calls: []string{"a a", "a"}, stats: pipeline.StepStats{In: 3, Out: 3}},
		{name: "a key that is an object", key: "event", in: []string{"a b a", "a"}, calls: []string{"a b a"}, stats: pipeline.StepStats{In: 4, Out: 3, Dropped: 1}},
		{name: "what failed passes again", in: []string{"a b c", "c b a", "b b d"}, refuse: "b", calls: []string{"a b c", "b", "b", "d"}, failed: "0", stats: pipeline.StepStats{In: 9, Out: 6, Dropped: 3}},
		{name: "key fails", key: "lower(event.word)", in: []string{"a 17 a b"}, calls: []string{"a", "b"}, failed: "1", stats: pipeline.StepStats{In: 4, Out: 2, Dropped: 1, Failed: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.key == "" {
				test.key = "event.word"
			}
			if test.most == 0 {
				test.most = 100
			}
			i, out := dedupe(t, test.key, time.Minute, test.most)
			out.Refuse = test.refuse
			var err error
			var n int
			for _, in := range test.in {
				batch := steptest.Words(in)
				n = len(batch)
				err = i.In().Send(t.Context(), batch)
			}
			steptest.Check(t, "calls", out.Calls, test.calls)
			steptest.Check(t, "failed", steptest.Failed(err, n), test.failed)
			test.stats.Type, test.stats.Label = "step", "s"
			steptest.Check(t, "stats", i.Stats()[0], test.stats)
		})
	}
}

func TestDedupeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, out := dedupe(t, "event.word", 10*time.Second, 100)
		for _, step := range []struct {
			wait time.Duration
			in   string
		}{
			{0, "a"},
			{9 * time.Second, "a b"}, // a duplicate does not prolong the time
			{time.Second, "a b"},     // a passes again
			{8 * time.Second, "a b"},
			{time.Second, "a b"}, // b passes again
			{time.Hour, "b a"},
		} {
			time.Sleep(step.wait)
			if err := i.In().Send(t.Context(), steptest.Words(step.in)); err != nil {
				t.Fatal(err)
			}
		}
		steptest.Check(t, "calls", out.Calls, []string{"a", "b", "a", "b", "b a"})
	})
}

// TestDedupeForgetsInTime: keys that are past go away as others come.
func TestDedupeForgetsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := (&step.Dedupe{Key: steptest.Value(t, "event"), TTL: setting.Duration(time.Second), MaxKeys: 100000}).New(flow.StepEnv{Next: &flow.Port{}})
		if err != nil {
			t.Fatal(err)
		}
		send := func(words string) {
			if err := s.Send(t.Context(), steptest.Words(words)); err != nil {
				t.Fatal(err)
			}
		}
		send(strings.Repeat("a ", 1000))
		steptest.Check(t, "keys", step.Remembered(s), 1000)
		time.Sleep(time.Second)
		send(strings.Repeat("b ", 1000))
		steptest.Check(t, "keys", step.Remembered(s), 1000)
	})
}

// TestDedupeUnderWay: while an event is under way its duplicates are dropped,
// and when it is not delivered after all, it passes when it is sent again.
func TestDedupeUnderWay(t *testing.T) {
	i, _ := dedupe(t, "event.word", time.Minute, 100)
	ctx, cancel := context.WithCancel(t.Context())
	arrived := make(chan struct{})
	i.Port("out").Connect(sendFunc(func(ctx context.Context, _ []flow.Event) error {
		close(arrived)
		<-ctx.Done()
		return ctx.Err()
	}))
	first := make(chan error)
	go func() { first <- i.In().Send(ctx, steptest.Words("a")) }()
	<-arrived
	if err := i.In().Send(t.Context(), steptest.Words("a")); err != nil {
		t.Errorf("the duplicate: %v", err)
	}
	cancel()
	if err := <-first; err == nil {
		t.Error("the first: want an error")
	}
	out := &steptest.Recorder{}
	i.Port("out").Connect(out)
	if err := i.In().Send(t.Context(), steptest.Words("a a")); err != nil {
		t.Fatal(err)
	}
	steptest.Check(t, "calls", out.Calls, []string{"a"})
}

// TestDedupePanic: an event that a panic stopped passes when it comes again.
func TestDedupePanic(t *testing.T) {
	i, out := dedupe(t, "event.word", time.Minute, 100)
	i.Port("out").Connect(sinkFunc(func([]flow.Event) error { panic("oh") }))
	func() {
		defer func() { _ = recover() }()
		_ = i.In().Send(t.Context(), steptest.Words("a b"))
	}()
	i.Port("out").Connect(out)
	if err := i.In().Send(t.Context(), steptest.Words("b a")); err != nil {
		t.Fatal(err)
	}
	steptest.Check(t, "calls", out.Calls, []string{"b a"})
}

// TestDedupeManySenders: of the same events from many goroutines each is
// delivered once, also when some fail and are sent again.
func TestDedupeManySenders(t *testing.T) {
	const senders, keys = 8, 500
	i, _ := dedupe(t, "event.word", time.Minute, 10000)
	var mu sync.Mutex
	delivered, failures := map[string]int{}, map[string]bool{}
	i.Port("out").Connect(sinkFunc(func(batch []flow.Event) error {
		mu.Lock()
		defer mu.Unlock()
		var err error
		for n := range batch {
			w := steptest.Word(&batch[n])
			if len(w)%2 == 0 && !failures[w] { // each of these once
				failures[w] = true
				flow.Fail(&err, n, steptest.ErrRefused)
				continue
			}
			delivered[w]++
		}
		return err
	}))
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for n := range keys {
				batch := steptest.Words(fmt.Sprint("w", (n*7+s*13)%keys, " w", n, " w", (n+1)%keys))
				for err := i.In().Send(t.Context(), batch); err != nil; {
					var again []flow.Event
					flow.Failures(err, len(batch), func(index int, _ error) { again = append(again, batch[index]) })
					batch = again
					err = i.In().Send(t.Context(), batch)
				}
			}
		})
	}
	wg.Wait()
	for n := range keys {
		if w := fmt.Sprint("w", n); delivered[w] != 1 {
			t.Errorf("%s is delivered %d times", w, delivered[w])
		}
	}
}
