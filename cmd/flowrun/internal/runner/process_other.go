//go:build unix && !linux

package runner

import "syscall"

// dieWithRunner is known on Linux only.
func dieWithRunner(*syscall.SysProcAttr) {}

// reap waits for the end of the process and kills what is left of its group.
func (p *process) reap() {
	_ = p.cmd.Wait() // its state says how it ended
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = signalGroup(p.cmd.Process.Pid, killSignal)
	p.reaped = true
}
