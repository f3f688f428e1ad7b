package cputime

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Of is the processor time that f takes in the goroutine that calls it, for
// tests that compare costs: unlike a clock, it does not count what else a busy
// machine does meanwhile.
func Of(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime()
	f()
	return threadTime() - before
}

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err) // Linux has it
	}
	return time.Duration(t.Nano())
}
