package histogram

import (
	"sync"
	"testing"
	"time"
)

func TestWhereDurationsAreCounted(t *testing.T) {
	var d Durations
	for took, n := range map[time.Duration]uint64{
		-time.Second: 1, 0: 1, 10 * time.Microsecond: 1, // at most the first limit
		10*time.Microsecond + 1: 4, 25 * time.Microsecond: 1,
		time.Second: 2,
		time.Minute: 3, // above all
	} {
		d.Add(took, n)
	}
	s := d.Snapshot()
	if s.Count() != 13 {
		t.Errorf("%d durations", s.Count())
	}
	if want := 10*time.Microsecond + 4*(10*time.Microsecond+1) + 25*time.Microsecond + 2*time.Second + 3*time.Minute; s.Sum != want {
		t.Errorf("they are %v, not %v", s.Sum, want)
	}
	upTo := s.UpTo()
	for limit, want := range map[float64]uint64{1e-5: 3, 2.5e-5: 8, 5e-5: 8, 0.5: 8, 1: 10, 10: 10} {
		if n, ok := upTo[limit]; !ok || n != want {
			t.Errorf("up to %v seconds there are %d, not %d", limit, n, want)
		}
	}
}

func TestNoneIsForgotten(t *testing.T) {
	var d Durations
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 1000 {
				d.Add(time.Duration(i)*time.Millisecond, 2)
			}
		})
	}
	all.Wait()
	if s := d.Snapshot(); s.Count() != 8000 || s.Sum != 12*time.Second {
		t.Errorf("%d, %v", s.Count(), s.Sum)
	}
}

func BenchmarkAdd(b *testing.B) {
	var d Durations
	b.ReportAllocs()
	for i := range b.N {
		d.Add(time.Duration(i&127)*time.Microsecond, 1)
	}
}
