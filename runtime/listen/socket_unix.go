//go:build unix

package listen

import (
	"fmt"
	"net"

	"github.com/flowrun/flowrun/runtime/flow"
	"golang.org/x/sys/unix"
)

// setOptions is called before the socket is bound. The net package has set
// SO_REUSEADDR by then.
func setOptions(fd uintptr, o flow.SocketOptions) error {
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

// setBacklog listens again, which changes the length of the queue.
func setBacklog(socket net.Listener, backlog int) error {
	tcp, ok := socket.(*net.TCPListener)
	if !ok || backlog <= 0 {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	if err := raw.Control(func(fd uintptr) { refused = unix.Listen(int(fd), backlog) }); err != nil {
		return err
	}
	return refused
}
