package process

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithRunner has the kernel end a child when the runner is killed, also before
// the warden knows of it.
func dieWithRunner(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL }

// reap waits for the end of the process, kills what is left of its group, and
// then gives its number back.
func (p *Process) reap() {
	for errors.Is(unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = signalGroup(p.cmd.Process.Pid, killSignal) // there may be nobody left
	p.warden.forget(p.cmd.Process.Pid)
	_ = p.cmd.Wait() // its state says how it ended
	p.reaped = true
}
