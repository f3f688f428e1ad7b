//go:build unix

package flowtest

import (
	"errors"
	"syscall"
)

// unshared makes a socket that is bound only where the system remembers no connection.
func unshared(_, _ string, socket syscall.RawConn) (err error) {
	failed := socket.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0)
	})
	return errors.Join(failed, err)
}
