package systemd

import (
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// held is an engine that does not answer while it is locked.
type held struct{ sync.Mutex }

func (h *held) Health() status.Health {
	h.Lock()
	defer h.Unlock()
	return status.Health{Phase: status.Running, Ready: true}
}

func (*held) DrainTimeout() time.Duration { return time.Second }

func listen(t *testing.T) *net.UnixConn {
	t.Helper()
	address := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", address)
	return c
}

// next returns the next message that is there or comes within the given time.
func next(t *testing.T, c *net.UnixConn, within time.Duration) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(within)) // of a socket that is open
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil && !strings.Contains(err.Error(), "timeout") {
		t.Fatal(err)
	}
	return string(buf[:n])
}

// The watchdog hears of an engine that answers, and of no other.
func TestAnEngineThatIsStuckIsNotAlive(t *testing.T) {
	c := listen(t)
	t.Setenv("WATCHDOG_USEC", "2000")
	var e held
	n := New(&e, zap.NewNop())
	n.Ready()
	defer n.Watch(t.Context())()
	alive := func() {
		t.Helper()
		for !strings.Contains(next(t, c, 10*time.Second), "WATCHDOG=1") {
		}
	}
	alive()
	e.Lock()
	told := 0
	for next(t, c, 100*time.Millisecond) != "" { // for a hundred beats; what was said before comes first
		if told++; told == 10_000 {
			t.Fatal("systemd is told of an engine that is stuck that it is alive")
		}
	}
	e.Unlock()
	alive()
}

func TestOnlyWhereItIsAskedFor(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := New(nil, zap.NewNop())
	n.Ready()
	n.Reloading()
	n.Reloaded(nil)
	n.Watch(t.Context())()
	if n != nil {
		t.Error("there is a notifier")
	}

	c := listen(t)
	t.Setenv("WATCHDOG_USEC", "2000")
	t.Setenv("WATCHDOG_PID", "1") // it is for another process
	n = New(&held{}, zap.NewNop())
	n.Reloading() // before it is ready
	n.Reloaded(nil)
	n.Ready()
	n.Ready()
	n.stop()
	n.stop()
	n.Reloading()
	for _, want := range []string{"READY=1", "STOPPING=1\nEXTEND_TIMEOUT_USEC=6000000"} {
		if got := next(t, c, 10*time.Second); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	if n.alive("well"); next(t, c, 10*time.Second) != "STATUS=well" {
		t.Error("the watchdog of another process is served")
	}
}
