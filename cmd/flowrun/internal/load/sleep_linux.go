package load

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// sharpen binds the goroutine for the rest of its life to a thread whose
// sleeps are exact to some microseconds, where the timers of Go may be a
// millisecond late.
func sharpen() {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // without it, sleeps are 50 us late
}

// sleep may return early.
func sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil) // a signal ends it
}
