package sweep_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/sweep"
)

type member struct {
	sweep.Seat
	looks, last int64
}

// TestSweep: who is there is looked at, at the pace of the moment, and nobody else.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pace atomic.Int64
		pace.Store(int64(time.Second))
		g := sweep.New(func() time.Duration { return time.Duration(pace.Load()) }, func(m *member, now, pace int64) {
			if m.last != 0 && now-m.last < pace {
				t.Errorf("looked at again after %v", time.Duration(now-m.last))
			}
			m.looks++
			m.last = now
		})
		a, b := &member{}, &member{}
		<-g.Gone() // nobody is there yet
		g.Add(a)
		gone := g.Gone()
		time.Sleep(2500 * time.Millisecond)
		g.Add(b)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if a.looks != 4 || b.looks != 2 {
			t.Errorf("looked at %d and %d times", a.looks, b.looks)
		}
		if g.Remove(a); len(g.All(nil)) != 1 {
			t.Errorf("%d are left", len(g.All(nil)))
		}
		pace.Store(int64(time.Minute))
		g.Repace()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if a.looks != 4 || b.looks != 2 {
			t.Errorf("at the new pace, looked at %d and %d times", a.looks, b.looks)
		}
		select {
		case <-gone:
			t.Error("all have gone, though one is there")
		default:
		}
		if g.Remove(b); len(g.All(nil)) != 0 {
			t.Errorf("%d are left", len(g.All(nil)))
		}
		<-gone
		<-g.Gone()
	}) // which sees that no goroutine is left
}

// TestSeats: members that come and go in any order are each held once.
func TestSeats(t *testing.T) {
	g := sweep.New(func() time.Duration { return time.Millisecond }, func(*member, int64, int64) {})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 1000 {
				a, b := &member{}, &member{}
				g.Add(a)
				g.Add(b)
				g.Remove(a)
				g.Remove(b)
			}
		})
	}
	wait.Wait()
	if all := g.All(nil); len(all) != 0 {
		t.Errorf("%d are left", len(all))
	}
}
