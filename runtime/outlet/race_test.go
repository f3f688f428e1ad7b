//go:build race

package outlet

// The race detector makes sync.Pool forget at random, so that allocations
// cannot be counted.
const raceDetector = true
