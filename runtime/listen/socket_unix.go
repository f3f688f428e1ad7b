//go:build unix

package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/flowrun/flowrun/runtime/setting"
	"golang.org/x/sys/unix"
)

// setOptions is called before the socket is bound. The net package has set
// SO_REUSEADDR by then.
func setOptions(fd uintptr, o setting.SocketOptions) error {
	if !o.ReuseAddr {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 0); err != nil {
			return fmt.Errorf("socket_options.reuse_addr = false: %w", err)
		}
	}
	if o.ReusePort {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return fmt.Errorf("socket_options.reuse_port = true: %w", err)
		}
	}
	return nil
}

// setMode is called before a socket in the file system is bound: its mode is that
// of the file at most.
func setMode(fd uintptr, mode fs.FileMode) error {
	return unix.Fchmod(int(fd), uint32(mode.Perm()))
}

// lockFolder waits until nobody else has it locked.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// setBacklog listens again, which changes the length of the queue.
func setBacklog(socket net.Listener, backlog int) error {
	listening, ok := socket.(syscall.Conn)
	if !ok || backlog <= 0 {
		return nil
	}
	raw, err := listening.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	if err := raw.Control(func(fd uintptr) { refused = unix.Listen(int(fd), backlog) }); err != nil {
		return err
	}
	return refused
}
