//go:build unix && !linux

package runner

import (
	"os/exec"
	"syscall"
)

// dieWithRunner is known on Linux only.
func dieWithRunner(*syscall.SysProcAttr) {}

// reap waits for the end of a command and kills what is left of its group.
func reap(cmd *exec.Cmd) {
	_ = cmd.Wait() // its state says how it ended
	_ = signalGroup(cmd.Process.Pid, killSignal)
}
