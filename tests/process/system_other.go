//go:build !linux

package process

import (
	"errors"
	"fmt"
	"os/exec"
)

// MaxFiles leaves it to the Go runtime, which raises the limit itself.
func MaxFiles() error { return nil }

func dieWithParent(*exec.Cmd) {}

func pinned(_ int, start func() error) error { return start() }

func asleep(pid int) (bool, error) {
	return false, fmt.Errorf("read the states of the threads of process %d: %w", pid, errors.ErrUnsupported)
}
