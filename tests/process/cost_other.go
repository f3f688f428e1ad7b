//go:build !linux

package process

import (
	"errors"
	"fmt"
	"os/exec"
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

// MaxFiles leaves it to the Go runtime, which raises the limit itself.
func MaxFiles() error { return nil }

func dieWithParent(*exec.Cmd) {}

func pinned(_ int, start func() error) error { return start() }
