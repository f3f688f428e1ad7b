//go:build !race

package outlet

const raceDetector = false
