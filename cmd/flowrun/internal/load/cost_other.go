//go:build !linux

package load

import (
	"errors"
	"fmt"
	"time"
)

// cpuTime is known on Linux only.
func cpuTime(pid int) (time.Duration, error) {
	return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, errors.ErrUnsupported)
}

// memory is known on Linux only.
func memory(pid int) (int64, error) {
	return 0, fmt.Errorf("read the memory of process %d: %w", pid, errors.ErrUnsupported)
}

func sharpen() {}

func sleep(d time.Duration) { time.Sleep(d) }
