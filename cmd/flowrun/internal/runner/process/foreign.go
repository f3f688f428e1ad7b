//go:build !unix

package process

import (
	"os"
	"os/exec"
)

// Where there are no process groups, a process is ended without what it has
// started.

var termSignal, killSignal os.Signal = os.Kill, os.Kill

func ownGroup(*exec.Cmd)      {}
func dieWithRunner(*exec.Cmd) {}

func signalGroup(pid int, s os.Signal) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Signal(s)
}

// SignalNamed finds the one signal there is.
func SignalNamed(string) (os.Signal, bool) { return os.Kill, true }

func codeOf(state *os.ProcessState) (code int, signal string) { return state.ExitCode(), "" }

func (p *Process) reap() {
	_ = p.cmd.Wait() // its state says how it ended
	p.warden.forget(p.cmd.Process.Pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaped = true
}
