package queue

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// addAt adds an event for each time of arrival.
func (s *scene) addAt(times ...int64) {
	s.t.Helper()
	frames, ends := make([]flow.Frame, len(times)), make([]int, len(times))
	for i, at := range times {
		frames[i], ends[i] = flow.Frame{Data: []byte("x"), Time: at}, i+1
	}
	n, ticket := s.Add(frames, 0, ends)
	if err := s.Wait(s.t.Context(), ticket); err != nil || n < len(times) {
		s.t.Fatalf("%d of %d were added: %v", n, len(times), err)
	}
}

func (s *scene) wantOldest(want int64) {
	s.t.Helper()
	for range 2 { // the second time it is known
		if got := s.Oldest(); got != want {
			s.t.Errorf("the oldest is of %d, want %d", got, want)
		}
	}
}

func TestOldest(t *testing.T) {
	both(t, func(t *testing.T, s *scene) {
		s.wantOldest(0)
		s.addAt(7, 5, 9)
		s.wantOldest(7)
		var b Batch
		if err := s.Next(&b, 1, math.MaxInt); err != nil {
			t.Fatal(err)
		}
		s.wantOldest(7) // it is not confirmed
		s.Confirm(b.Upto(1))
		s.wantOldest(5)
		s.Drop()
		s.wantOldest(9)
		s.addAt(11)
		_, end := s.rest()
		s.Confirm(end)
		s.wantOldest(0)
		s.addAt(0) // an event of which nobody has said when it came
		s.wantOldest(0)
		s.Drop()
		s.addAt(13)
		s.wantOldest(13)
	})
}

// TestOldestOutlivesItsProcess, and so does what was confirmed, and that a segment ends.
func TestOldestOutlivesItsProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	s := newScene(t, dir, large)
	s.addAt(7, 5)
	s.Drop()
	s.leave()
	s = newScene(t, dir, large)
	s.wantOldest(5)
	s.leave()
	s.wantOldest(0) // it is closed
	s = newScene(t, dir, Limits{Events: 10, Bytes: 1})
	s.wantOldest(5)
}
