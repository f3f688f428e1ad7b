//go:build !unix

package runner

import (
	"os"
	"os/exec"
)

// Where there are no process groups, a process is ended without what it has
// started, and ports are not locked between runners.

var termSignal, killSignal os.Signal = os.Kill, os.Kill

func ownGroup(*exec.Cmd) {}

func signalGroup(pid int, s os.Signal) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Signal(s)
}

func signalNamed(string) (os.Signal, bool) { return os.Kill, true }

func codeOf(state *os.ProcessState) (code int, signal string) { return state.ExitCode(), "" }

func (p *process) reap() {
	_ = p.cmd.Wait() // its state says how it ended
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaped = true
}

func tryLock(*os.File) bool { return true }
