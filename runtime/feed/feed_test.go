package feed

import (
	"slices"
	"sync"
	"testing"
)

// heard is what waits for a subscriber.
func heard[T any](s *Subscription[T]) (all []T) {
	for {
		select {
		case v := <-s.C:
			all = append(all, v)
		default:
			return all
		}
	}
}

func TestSubscribersHearInOrder(t *testing.T) {
	var f Feed[int]
	f.Publish(0) // to nobody
	a, b := f.Subscribe(9), f.Only(9, func(v int) bool { return v%2 == 0 })
	for v := 1; v <= 5; v++ {
		f.Publish(v)
	}
	a.Close()
	a.Close()
	f.Publish(6)
	if got := heard(a); !slices.Equal(got, []int{1, 2, 3, 4, 5}) {
		t.Errorf("all that was published before the end: %v", got)
	}
	if got := heard(b); !slices.Equal(got, []int{2, 4, 6}) {
		t.Errorf("those that are wanted: %v", got)
	}
	if a.Lost()+b.Lost() > 0 {
		t.Error("what is not wanted, or not heard any more, is not lost")
	}
}

func TestListened(t *testing.T) {
	var f Feed[int]
	if f.Listened() {
		t.Error("by nobody yet")
	}
	a, b := f.Subscribe(1), f.Subscribe(1)
	a.Close()
	if !f.Listened() {
		t.Error("there is another one")
	}
	b.Close()
	if f.Listened() {
		t.Error("all have left")
	}
}

func TestWhoIsSlowLosesAndDelaysNobody(t *testing.T) {
	var f Feed[int]
	slow, quick := f.Subscribe(0), f.Subscribe(100)
	for v := range 100 {
		f.Publish(v) // would wait for ever
	}
	if got := heard(slow); !slices.Equal(got, []int{0}) || slow.Lost() != 99 {
		t.Errorf("the slow one has %v and lost %d", got, slow.Lost())
	}
	if got := heard(quick); len(got) != 100 || quick.Lost() != 0 {
		t.Errorf("the quick one has %d and lost %d", len(got), quick.Lost())
	}
}

// TestAllAtOnce is for the race detector, and shows that what is neither heard
// nor lost does not exist.
func TestAllAtOnce(t *testing.T) {
	const publishers, each = 4, 500
	var f Feed[int]
	steady := f.Subscribe(10)
	count := uint64(0)
	done, counted := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(counted)
		for {
			select {
			case <-steady.C:
				count++
			case <-done:
				count += uint64(len(heard(steady)))
				return
			}
		}
	}()
	var all sync.WaitGroup
	for range publishers {
		all.Go(func() {
			for v := range each {
				f.Publish(v)
			}
		})
		all.Go(func() {
			for range each {
				s := f.Subscribe(1)
				_ = f.Listened()
				s.Close()
			}
		})
	}
	all.Wait()
	close(done)
	<-counted
	if got := count + steady.Lost(); got != publishers*each {
		t.Errorf("%d of %d were heard or lost", got, publishers*each)
	}
	steady.Close()
	if f.Listened() {
		t.Error("somebody is left")
	}
}

func BenchmarkNobodyListens(b *testing.B) {
	var f Feed[int]
	for b.Loop() {
		if f.Listened() {
			f.Publish(1)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	var f Feed[int]
	for range 10 {
		f.Subscribe(1)
	}
	b.ReportAllocs()
	for b.Loop() {
		f.Publish(1)
	}
}
