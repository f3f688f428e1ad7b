//go:build !race

package flowtest

// RaceDetector is whether it is on.
const RaceDetector = false
