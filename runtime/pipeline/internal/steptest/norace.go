//go:build !race

package steptest

// RaceDetector is whether it is on.
const RaceDetector = false
