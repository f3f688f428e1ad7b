package runner

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithRunner has the kernel end a child when the runner is killed.
func dieWithRunner(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// reap waits for the end of a command and kills what is left of its group. The
// group is killed before the command's number can be somebody else's.
func reap(cmd *exec.Cmd) {
	for errors.Is(unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	_ = signalGroup(cmd.Process.Pid, killSignal) // there may be nobody left
	_ = cmd.Wait()                               // its state says how it ended
}
