package acceptance

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// manager is the side of systemd at the socket of a service. It reads all the time, as
// systemd does: the socket holds a few messages only.
type manager struct {
	t        *testing.T
	messages chan []byte
}

// manage has what is started by the test tell a manager at this address.
func manage(t *testing.T, address string) *manager {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{t, make(chan []byte, 10_000)}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		for {
			buf := make([]byte, 4096)
			n, err := c.Read(buf)
			if err != nil {
				return // the test is over
			}
			m.messages <- buf[:n]
		}
	}()
	t.Setenv("NOTIFY_SOCKET", address)
	t.Setenv("WATCHDOG_USEC", "200000")
	return m
}

// told waits for a message with this line, and returns its lines. Those before it
// say how the process is, and nothing else.
func (m *manager) told(line string) map[string]string {
	m.t.Helper()
	for ctx := withPatience(m.t); ; {
		var message []byte
		select {
		case message = <-m.messages:
		case <-ctx.Done():
			m.t.Fatalf("wait for %s: %v", line, ctx.Err())
		}
		lines := map[string]string{}
		for one := range bytes.Lines(message) {
			name, value, _ := strings.Cut(strings.TrimSuffix(string(one), "\n"), "=")
			lines[name] = value
		}
		name, value, _ := strings.Cut(line, "=")
		if got, ok := lines[name]; ok && got == value {
			return lines
		}
		for name := range lines {
			if name != "STATUS" && name != "WATCHDOG" {
				m.t.Fatalf("wait for %s, told %q", line, message)
			}
		}
	}
}

func TestSystemdIsTold(t *testing.T) {
	const server = `
connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`
	const client = `
connector "ws_client" "up" {
  url   = "ws://127.0.0.1:1"
  codec = "json"
  reconnect {
    interval = "1h"
  }
}

connector "null" "nobody" {}

connect "up" {
  from = connector.up
  to   = connector.nobody
}
`
	for name, address := range map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": fmt.Sprintf("@flowrun-%d-%d", os.Getpid(), time.Now().UnixNano()),
	} {
		t.Run(name, func(t *testing.T) {
			m := manage(t, address)
			f := start(t, "", server)
			write := func(text string) {
				if err := os.WriteFile(filepath.Join(f.dir, "flow.hcl"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			reload := func() {
				var asked unix.Timespec
				if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &asked); err != nil {
					t.Fatal(err)
				}
				if err := f.Signal(syscall.SIGHUP); err != nil {
					t.Fatal(err)
				}
				since := m.told("RELOADING=1")["MONOTONIC_USEC"]
				if at, err := strconv.ParseInt(since, 10, 64); err != nil || at < asked.Nano()/1000 {
					t.Errorf("reloading since %q, asked for at %d", since, asked.Nano()/1000)
				}
				m.told("READY=1")
			}

			m.told("READY=1")
			addr := f.address("edge")
			m.told("STATUS=running and ready, connectors: 1")
			m.told("WATCHDOG=1")
			if err := echoes(mustDial(t, addr), `{"it":"listens"}`); err != nil {
				t.Error(err)
			}

			write(server + client)
			reload()
			m.told("STATUS=running, not ready: connector.up is backing off")
			m.told("WATCHDOG=1")

			write(server + "connector {")
			reload()
			m.told("STATUS=running, not ready: connector.up is backing off; the last reload failed")

			write("flow {\n  drain {\n    delay   = \"1s\"\n    timeout = \"7s\"\n  }\n}\n" + server)
			reload()
			m.told("STATUS=running and ready, connectors: 1")

			if err := f.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if got := m.told("STOPPING=1")["EXTEND_TIMEOUT_USEC"]; got != "12000000" {
				t.Errorf("the end may take %q µs", got)
			}
			m.told("WATCHDOG=1") // to the end
			f.exits(0)
		})
	}
}
