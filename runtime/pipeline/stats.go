package pipeline

import "github.com/flowrun/flowrun/runtime/pipeline/step"

// StepStats says what one step has done since the start. For a step that
// sends on what it takes, In is the sum of Out, Dropped and Failed.
type StepStats struct {
	Type, Label string

	In      uint64 // events that came
	Out     uint64 // events sent on, whether or not they were then delivered; one that leaves by several ports counts once
	Dropped uint64 // events that the step keeps from going on, as the flow wants it
	Failed  uint64 // events that the step could not deal with: they went to err
	Held    int64  // events that it holds now, acknowledged
	Groups  int    // of a window, that are open now
}

// Add adds what another use of the same step has done.
func (s *StepStats) Add(other StepStats) {
	s.In += other.In
	s.Out += other.Out
	s.Dropped += other.Dropped
	s.Failed += other.Failed
	s.Held += other.Held
	s.Groups += other.Groups
}

// open counts the groups that have not closed.
func (w *window) open() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.groups.Len()
}

// Stats returns what the steps have done so far, in the order of the flow. It
// may be called from any goroutine.
func (i *Instance) Stats() []StepStats {
	all := make([]StepStats, len(i.steps))
	for n, s := range i.steps {
		all[n] = StepStats{Type: s.block.Type, Label: s.block.Label}
		if c, ok := s.sink.(interface{ Counts() *step.Counters }); ok {
			c := c.Counts()
			all[n].In, all[n].Out = c.In.Load(), c.Out.Load()
			all[n].Dropped, all[n].Failed = c.Dropped.Load(), c.Failed.Load()
			all[n].Held = c.Held.Load()
		}
		if w, ok := s.sink.(*window); ok {
			all[n].Groups = w.open()
		}
	}
	return all
}
