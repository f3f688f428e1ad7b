//go:build race

package steptest

// RaceDetector is whether it is on. It makes sync.Pool forget at random, so
// that allocations cannot be counted.
const RaceDetector = true
