//go:build unix

package process

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

var (
	termSignal os.Signal = syscall.SIGTERM
	killSignal os.Signal = syscall.SIGKILL
)

// ownGroup makes a command the leader of a process group.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// signalGroup signals the group whose leader is pid, a process that has not been
// waited for: so its number is nobody else's.
func signalGroup(pid int, s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("%v is no signal", s)
	}
	return syscall.Kill(-pid, number)
}

// SignalNamed finds a signal: "SIGHUP".
func SignalNamed(name string) (os.Signal, bool) {
	s := unix.SignalNum(name)
	return s, s != 0
}

// codeOf tells how a process ended: its exit code, or the name of a signal.
func codeOf(state *os.ProcessState) (code int, signal string) {
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		if signal = unix.SignalName(w.Signal()); signal == "" {
			signal = w.Signal().String()
		}
		return -1, signal
	}
	return state.ExitCode(), ""
}
