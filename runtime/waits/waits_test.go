package waits

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
)

func TestWaitsAtRandom(t *testing.T) {
	r := Terms{Interval: setting.Duration(500 * time.Millisecond), GrowthRate: 2, Randomized: true}
	r.MaxInterval = setting.Duration(10 * time.Second)
	several := map[time.Duration]bool{}
	for range 200 {
		w := New(r)
		several[w.Next()] = true
		for range 20 {
			if d := w.Next(); d > 10*time.Second || d < 250*time.Millisecond {
				t.Fatalf("waits %v", d)
			}
		}
	}
	if len(several) < 100 {
		t.Errorf("200 first waits have only %d values", len(several))
	}
}

// Whatever reconnect says, no wait is longer than max_interval.
func FuzzWaits(f *testing.F) {
	f.Add(int64(500), 2.0, int64(30000), true)
	f.Add(int64(60000), 1.0, int64(1), false)
	f.Add(int64(1), 1e300, int64(1<<40), true)
	f.Fuzz(func(t *testing.T, interval int64, growth float64, longest int64, randomized bool) {
		const year = 365 * 24 * 3600 * 1000
		if interval < 1 || longest < 1 || interval > year || longest > year || !(growth >= 1) {
			t.Skip("package flows refuses it")
		}
		ms := func(n int64) setting.Duration { return setting.Duration(time.Duration(n) * time.Millisecond) }
		w := New(Terms{Interval: ms(interval), GrowthRate: growth, MaxInterval: ms(longest), Randomized: randomized})
		for range 50 + rand.IntN(50) {
			if d := w.Next(); d < 0 || d > time.Duration(ms(longest)) {
				t.Fatalf("waits %v", d)
			}
		}
	})
}
