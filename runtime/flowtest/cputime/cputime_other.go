//go:build !linux

package cputime

import "time"

// Of is how long f takes, for tests that compare costs. Elsewhere it is the
// processor time, which does not count what else a busy machine does meanwhile.
func Of(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}
