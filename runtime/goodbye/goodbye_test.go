package goodbye_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/goodbye"
	"github.com/google/go-cmp/cmp"
)

func TestTurnsAreSpread(t *testing.T) {
	for _, test := range []struct {
		spread time.Duration
		want   []time.Duration // after the beginning, in the order of the clients
	}{
		{0, []time.Duration{0, 0, 0, 0}},
		{time.Second, []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond}},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			told := make([]time.Duration, 4)
			round := goodbye.New(test.spread, []int{0, 1, 2, 3}, func(i int) { told[i] = time.Since(begin) })
			for wait := round.Say(time.Now()); wait > 0; wait = round.Say(time.Now()) {
				<-time.After(wait)
			}
			if diff := cmp.Diff(test.want, told); diff != "" {
				t.Errorf("over %v (-want +got):\n%s", test.spread, diff)
			}
		})
	}
	if wait := goodbye.New(time.Second, nil, func(int) {}).Say(time.Now()); wait != 0 {
		t.Errorf("nobody is waited for, for %v", wait)
	}
}
