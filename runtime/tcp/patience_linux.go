package tcp

import (
	"fmt"
	"math"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
	"golang.org/x/sys/unix"
)

// SetPatience gives up the connections of the socket fd, and of those that it accepts,
// whose peer has not acknowledged what was sent for so long: no probes are sent as long
// as something else waits for an answer, and Linux goes on trying for a quarter of an
// hour (TCP_USER_TIMEOUT, tcp(7); RFC 5482).
func SetPatience(fd uintptr, o setting.SocketOptions) error {
	milliseconds := min(Patience(o)/time.Millisecond, math.MaxInt32)
	if milliseconds == 0 {
		return nil
	}
	if err := unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(milliseconds)); err != nil {
		return fmt.Errorf("socket_options.keepalive: %w", err)
	}
	return nil
}
