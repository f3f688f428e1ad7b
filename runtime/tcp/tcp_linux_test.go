package tcp

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
	"golang.org/x/sys/unix"
)

// patienceOf asks the system, in milliseconds.
func patienceOf(t *testing.T, c net.Conn) (milliseconds int) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		milliseconds, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return milliseconds
}

// Both sides of a connection give up a peer that is silent for ten periods.
func TestPatience(t *testing.T) {
	for keepalive, want := range map[time.Duration]int{
		15 * time.Second: 150_000, 0: 0, time.Millisecond: 10_000, 1_000_000 * time.Hour: 1<<31 - 1,
	} {
		o := setting.DefaultSocketOptions()
		o.Keepalive = setting.Duration(keepalive)
		config := net.ListenConfig{KeepAlive: Keepalive(o), Control: control(o)}
		config.SetMultipathTCP(false)
		l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		near, err := Dial(t.Context(), l.Addr().String(), o)
		if err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if n, f := patienceOf(t, near), patienceOf(t, far); n != want || f != want {
			t.Errorf("keepalive %v: who dialled waits for %d ms, who accepted for %d, want %d", keepalive, n, f, want)
		}
		_, _, _ = near.Close(), far.Close(), l.Close()
	}
}
