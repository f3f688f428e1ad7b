package step_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

// TestMemoryIsBounded: a million keys take no more than the first ten thousand,
// of which a step with max_keys = 1000 has forgotten most, too.
func TestMemoryIsBounded(t *testing.T) {
	const keys, hour = 1000, setting.Duration(time.Hour)
	many := 1_000_000
	if flowtest.RaceDetector {
		many /= 10
	}
	key := steptest.Value(t, `event`)
	for _, test := range []struct {
		name string
		step flow.StepConfig
	}{
		{"dedupe", &step.Dedupe{Key: key, TTL: hour, MaxKeys: keys}},
		{"throttle", &step.Throttle{Key: key, Rate: 1, Per: hour, MaxKeys: keys, OnExcess: "drop"}},
		{"state", stateOf(t, "0", "state + 1", "state", func(c *step.State) { c.Key, c.TTL, c.MaxKeys = key, hour, keys })},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := steptest.Heap()
			i := alone(t, test.step, steptest.Problems("pipeline", "p"))
			out := &steptest.Discard{}
			i.Port("out").Connect(out)
			next := int64(0)
			batch := make([]flow.Event, 100)
			upTo := func(n int) uint64 {
				for next < int64(n) {
					for k := range batch {
						batch[k].Value = flow.IntOf(next)
						next++
					}
					if err := i.In().Send(t.Context(), batch); err != nil {
						t.Fatal(err)
					}
				}
				return steptest.Heap() - before
			}
			few, all := upTo(10*keys), upTo(many)
			if all > few*3/2 {
				t.Errorf("%d keys take %d bytes, %d took %d", many, all, 10*keys, few)
			}
			steptest.Check(t, "passed", out.N, many)
			runtime.KeepAlive(i)
			t.Logf("%d and %d bytes", few, all)
		})
	}
}
