package stream

import (
	"net"

	"github.com/flowrun/flowrun/runtime/flow"
	"golang.org/x/sys/unix"
)

// credentials is what the system says of the process at the other end (SO_PEERCRED,
// unix(7)); nil where it does not.
func credentials(nc net.Conn) *flow.Object {
	socket, ok := nc.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	var who *unix.Ucred
	if raw.Control(func(fd uintptr) { who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }) != nil || err != nil {
		return nil
	}
	return flow.ObjectOf(
		flow.Field{Key: "pid", Value: flow.IntOf(int64(who.Pid))},
		flow.Field{Key: "uid", Value: flow.IntOf(int64(who.Uid))},
		flow.Field{Key: "gid", Value: flow.IntOf(int64(who.Gid))},
	)
}
