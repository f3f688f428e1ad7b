package step_test

import (
	"context"
	"errors"
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

func throttle(t testing.TB, c step.Throttle) (*pipeline.Instance, *steptest.Recorder) {
	t.Helper()
	if c.Per == 0 {
		c.Per = setting.Duration(time.Second)
	}
	if c.MaxKeys == 0 {
		c.MaxKeys = 100
	}
	if c.OnExcess == "" {
		c.OnExcess = "drop"
	}
	i := alone(t, &c, steptest.Problems("pipeline", "p"))
	out := &steptest.Recorder{}
	i.Port("out").Connect(out)
	return i, out
}

func TestThrottle(t *testing.T) {
	word := steptest.Value(t, `event.word`)
	for _, test := range []struct {
		name   string
		config step.Throttle
		in     string // "2s:a b" is the batch a b, two seconds after the one before
		calls  string
		stats  pipeline.StepStats
	}{
		{name: "rate is the burst", config: step.Throttle{Rate: 3}, in: "0s:a b c d e", calls: "a b c", stats: pipeline.StepStats{In: 5, Out: 3, Dropped: 2}},
		{name: "then one each gap", config: step.Throttle{Rate: 2}, in: "0s:a b c|499ms:d|1ms:e f|500ms:g|10s:h i j", calls: "a b|e|g|h i", stats: pipeline.StepStats{In: 10, Out: 6, Dropped: 4}},
		{name: "a burst of one", config: step.Throttle{Rate: 2, Burst: 1}, in: "0s:a b|500ms:c|1h:d e", calls: "a|c|d", stats: pipeline.StepStats{In: 5, Out: 3, Dropped: 2}},
		{name: "a larger burst", config: step.Throttle{Rate: 1, Burst: 3}, in: "0s:a b c d|1s:e f|2s:g h i", calls: "a b c|e|g h", stats: pipeline.StepStats{In: 9, Out: 6, Dropped: 3}},
		{name: "less than one", config: step.Throttle{Rate: 0.5}, in: "0s:a b|1s:c|1s:d|1999ms:e", calls: "a|d", stats: pipeline.StepStats{In: 5, Out: 2, Dropped: 3}},
		{name: "per", config: step.Throttle{Rate: 2, Per: setting.Duration(time.Minute)}, in: "0s:a b c|29s:d|1s:e f", calls: "a b|e", stats: pipeline.StepStats{In: 6, Out: 3, Dropped: 3}},
		{name: "by key", config: step.Throttle{Rate: 1, Key: word}, in: "0s:a b a b c|1s:c b b", calls: "a b|c|c b", stats: pipeline.StepStats{In: 8, Out: 5, Dropped: 3}},
		{name: "no key", config: step.Throttle{Rate: 1, Key: steptest.Value(t, `event.none`)}, in: "0s:a b", calls: "a", stats: pipeline.StepStats{In: 2, Out: 1, Dropped: 1}},
		{name: "the key not used for longest is forgotten", config: step.Throttle{Rate: 1, Key: word, MaxKeys: 2}, in: "0s:a b a|0s:c|0s:a b", calls: "a b|c|b", stats: pipeline.StepStats{In: 6, Out: 4, Dropped: 2}},
		{name: "key fails", config: step.Throttle{Rate: 9, Key: steptest.Value(t, `lower(event.word)`)}, in: "0s:a 17 b", calls: "a|b", stats: pipeline.StepStats{In: 3, Out: 2, Failed: 1}},
		{name: "err", config: step.Throttle{Rate: 1, OnExcess: "err"}, in: "0s:a b c|1s:d", calls: "a|d", stats: pipeline.StepStats{In: 4, Out: 2, Failed: 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i, out := throttle(t, test.config)
				for _, step := range strings.Split(test.in, "|") {
					after, words, _ := strings.Cut(step, ":")
					wait, err := time.ParseDuration(after)
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(wait)
					_ = i.In().Send(t.Context(), steptest.Words(words))
				}
				steptest.Check(t, "calls", strings.Join(out.Calls, "|"), test.calls)
				test.stats.Type, test.stats.Label = "step", "s"
				steptest.Check(t, "stats", i.Stats()[0], test.stats)
			})
		})
	}
}

func TestThrottleToErr(t *testing.T) {
	for _, key := range []string{"", "event.word"} {
		p := steptest.Problems("pipeline", "p")
		errs := &steptest.ErrEvents{}
		i := alone(t, &step.Throttle{Rate: 2.5, Burst: 1, Per: setting.Duration(time.Hour), Key: steptest.Value(t, key), MaxKeys: 10, OnExcess: "err"}, p)
		err := i.In().Send(t.Context(), steptest.Words("a a"))
		steptest.Check(t, "failed", steptest.Failed(err, 2), "1")
		if err == nil || err.Error() != "too many events: more than 2.5 in 1h" {
			t.Errorf("got %v", err)
		}
		p.Port.Connect(errs)
		if err := i.In().Send(t.Context(), steptest.Words("a")); err != nil {
			t.Error(err)
		}
		want := "step  s a"
		if key != "" {
			want = "step flow.hcl:1,1-11 s a"
		}
		steptest.Check(t, "err events", errs.Got, []string{want})
	}
}

func TestThrottleWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, out := throttle(t, step.Throttle{Rate: 1, Burst: 2, Key: steptest.Value(t, "event.word"), OnExcess: "wait"})
		start := time.Now()
		if err := i.In().Send(t.Context(), steptest.Words("a a b a c a")); err != nil {
			t.Fatal(err)
		}
		// Nothing overtakes, and what need not wait is sent before a wait.
		steptest.Check(t, "calls", out.Calls, []string{"a a b", "a", "c", "a"})
		steptest.Check(t, "time", time.Since(start), 2*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		err := i.In().Send(ctx, steptest.Words("b b a b"))
		steptest.Check(t, "failed", steptest.Failed(err, 4), "2 3")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		steptest.Check(t, "calls", out.Calls[4:], []string{"b b"})
	})
}

// TestThrottleManyWait: senders that wait take turns, and together keep to the
// rate.
func TestThrottleManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, _ := throttle(t, step.Throttle{Rate: 10, Burst: 1, OnExcess: "wait"})
		var mu sync.Mutex
		var at []time.Duration
		start := time.Now()
		i.Port("out").Connect(sinkFunc(func(batch []flow.Event) error {
			mu.Lock()
			defer mu.Unlock()
			for range batch {
				at = append(at, time.Since(start))
			}
			return nil
		}))
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				for range 4 {
					if err := i.In().Send(t.Context(), steptest.Words("a")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for n, got := range at {
			if want := time.Duration(n) * 100 * time.Millisecond; got != want {
				t.Errorf("event %d passes after %v, want %v", n, got, want)
			}
		}
		steptest.Check(t, "events", len(at), 20)
	})
}

// TestThrottleManyKeys: memory is bounded by max_keys, and given up as keys
// fall idle.
func TestThrottleManyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := (&step.Throttle{Rate: 1, Per: setting.Duration(time.Second), Key: steptest.Value(t, "event.id"), MaxKeys: 50}).New(flow.StepEnv{Next: &flow.Port{}})
		if err != nil {
			t.Fatal(err)
		}
		batch := steptest.Words(strings.Repeat("a ", 1000))
		if err := s.Send(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		steptest.Check(t, "keys", step.Remembered(s), 50)
		time.Sleep(time.Hour)
		if err := s.Send(t.Context(), batch[:40]); err != nil {
			t.Fatal(err)
		}
		steptest.Check(t, "keys", step.Remembered(s), 40)
	})
}

func TestThrottleManySenders(t *testing.T) {
	i, _ := throttle(t, step.Throttle{Rate: 100, Per: setting.Duration(time.Hour), Key: steptest.Value(t, "event.word")})
	var mu sync.Mutex
	got := map[string]int{}
	i.Port("out").Connect(sinkFunc(func(batch []flow.Event) error {
		mu.Lock()
		defer mu.Unlock()
		for n := range batch {
			got[steptest.Word(&batch[n])]++
		}
		return nil
	}))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				_ = i.In().Send(t.Context(), steptest.Words("a b a c"))
			}
		})
	}
	wg.Wait()
	steptest.Check(t, "passed", fmt.Sprint(got), "map[a:100 b:100 c:100]")
}

func TestThrottleProblems(t *testing.T) {
	for _, test := range []struct {
		rate float64
		per  time.Duration
		want string
	}{
		{0, time.Second, "rate must be more than 0: a filter lets nothing pass"},
		{-1, time.Second, "rate must be more than 0: a filter lets nothing pass"},
		{1e10, time.Second, "rate is more than one event per nanosecond"},
		{0.001, 240 * time.Hour, "rate is less than one event per year"},
		{1e9, time.Second, ""},
		{1, 365 * 24 * time.Hour, ""},
	} {
		_, err := (&step.Throttle{Rate: test.rate, Per: setting.Duration(test.per), MaxKeys: 1, Burst: 1 << 40}).New(flow.StepEnv{})
		got := ""
		if err != nil {
			var field *setting.Error
			if !errors.As(err, &field) || field.Field != "rate" {
				t.Errorf("%v: not about the field rate", err)
			}
			got = err.Error()
		}
		steptest.Check(t, "problem", got, test.want)
	}
}
