//go:build unix

package systemd

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// now is the time of a reload, by which systemd knows whether it began before or
// after it was asked for.
func now() string {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return ""
	}
	return fmt.Sprintf("MONOTONIC_USEC=%d", t.Nano()/1000)
}
