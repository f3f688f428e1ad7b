package systemd

import (
	"net"
	"os"
	"strconv"
	"time"

	"go.uber.org/zap"
)

// sendTimeout is how long who should hear may let the process wait.
const sendTimeout = time.Second

// send sends a message to who has set NOTIFY_SOCKET: a path, or with an "@" in
// front a name of Linux' abstract namespace. That it does not arrive is logged
// once. The caller holds mu.
func (n *Notifier) send(message string) {
	err := send(n.socket, message)
	if err != nil && !n.trouble {
		n.trouble = true
		n.log.Warn("systemd cannot be told how the process is", zap.Error(err))
	}
}

func send(socket, message string) error {
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // what was written is gone
	if err := c.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err = c.Write([]byte(message))
	return err
}

// watchdog is within which time systemd wants a sign of life of this process; 0
// for never (sd_watchdog_enabled(3)).
func watchdog() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 || usec > int64(24*time.Hour/time.Microsecond) {
		return 0
	}
	return time.Duration(usec) * time.Microsecond
}
