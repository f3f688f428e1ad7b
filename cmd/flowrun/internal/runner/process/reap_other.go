//go:build unix && !linux

package process

import "os/exec"

// dieWithRunner is known on Linux only.
func dieWithRunner(*exec.Cmd) {}

// reap waits for the end of the process and kills what is left of its group.
func (p *Process) reap() {
	_ = p.cmd.Wait() // its state says how it ended
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = signalGroup(p.cmd.Process.Pid, killSignal)
	p.warden.forget(p.cmd.Process.Pid)
	p.reaped = true
}
