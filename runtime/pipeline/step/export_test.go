package step

import "github.com/flowrun/flowrun/runtime/flow"

// Remembered is how many keys a step remembers.
func Remembered(s flow.Sink) int {
	switch s := s.(type) {
	case *deduper:
		return s.seen.Len()
	case *throttler:
		return s.next.Len()
	}
	return 0
}
