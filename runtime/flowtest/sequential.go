package flowtest

import "testing"

// Sequential skips, under the race detector, a test that computes for long in
// its own goroutine: nothing in it can race, and it runs without the detector,
// too.
func Sequential(t testing.TB) {
	t.Helper()
	if RaceDetector {
		t.Skip("computes for long in one goroutine: run without the race detector")
	}
}
