//go:build !linux

package exec

import "syscall"

// attributes makes the program the leader of a group.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
