//go:build !linux

package usage

import (
	"errors"
	"fmt"
	"time"
)

// CPU is known on Linux only.
func CPU(pid int) (time.Duration, error) {
	return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, errors.ErrUnsupported)
}

// RSS is known on Linux only.
func RSS(pid int) (int64, error) {
	return 0, fmt.Errorf("read the memory of process %d: %w", pid, errors.ErrUnsupported)
}
