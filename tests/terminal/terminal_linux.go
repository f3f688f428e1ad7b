package terminal

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo terminal (pty(7)) with a program in it.
type Terminal struct {
	*Screen
	master, slave *os.File
	cmd           *exec.Cmd
	before        unix.Termios
}

// Start runs a program in a terminal of its own. Close must be called.
func Start(columns, rows int, cmd *exec.Cmd) (t *Terminal, err error) {
	t = &Terminal{Screen: NewScreen(columns, rows), cmd: cmd}
	if t.master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	n, err := unix.IoctlGetInt(int(t.master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	if err := unix.IoctlSetPointerInt(int(t.master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	if t.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, err
	}
	if err := t.Resize(columns, rows); err != nil {
		return nil, err
	}
	before, err := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	t.before = *before
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.slave, t.slave, t.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(t.Screen, t.master) }() // until Close
	return t, nil
}

// Resize gives the terminal another size, and tells the program so.
func (t *Terminal) Resize(columns, rows int) error {
	t.Screen.Resize(columns, rows)
	return unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(columns)})
}

// Type presses keys.
func (t *Terminal) Type(keys string) error {
	_, err := t.master.WriteString(keys)
	return err
}

// Signal tells the program to end.
func (t *Terminal) Signal() error { return t.cmd.Process.Signal(syscall.SIGTERM) }

// Wait waits for the end of the program. It reports whether the terminal's modes are
// what they were before.
func (t *Terminal) Wait() (asBefore bool, err error) {
	err = t.cmd.Wait()
	now, failed := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	return failed == nil && *now == t.before, err
}

// Close ends the program and the terminal.
func (t *Terminal) Close() {
	if t.cmd.Process != nil && t.cmd.ProcessState == nil {
		_ = t.cmd.Process.Kill()
		_ = t.cmd.Wait()
	}
	for _, f := range []*os.File{t.slave, t.master} {
		if f != nil {
			_ = f.Close()
		}
	}
}
