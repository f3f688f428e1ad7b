//go:build race

package step_test

// The race detector makes sync.Pool forget at random, so that allocations
// cannot be counted.
const raceDetector = true
