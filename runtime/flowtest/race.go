//go:build race

package flowtest

// RaceDetector is whether it is on. It makes sync.Pool forget at random, so
// that allocations cannot be counted.
const RaceDetector = true
