package acceptance

import (
	"cmp"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/wire"
)

// attackers is how many there are at once in what follows; larger for longer
// runs.
var attackers = flag.Int("attackers", 40, "how many attackers there are at a time")

// fortified is an echo server with limits on; %s takes further arguments. That reading
// what is large, and checking credentials, takes a while is no fault of a client's.
const fortified = `
flow {
  drain {
    timeout = "2m"
  }
}

connector "ws_server" "edge" {
  url             = "127.0.0.1:0"
  codec           = "string"
  max_message     = "64KiB"
  connect_timeout = "2m"
  close_timeout   = "2s"
  limits {
    max_connections        = 64
    max_connections_per_ip = 16
    messages_per_second    = 400
    bytes_per_second       = "128KiB"
    burst                  = "1s"
  }
  queue {
    max_bytes     = "64KiB"
    write_timeout = "5s"
  }
  %s
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`

// What the process may grow by at most when all its connections cost what they
// may: a header of 64 KiB, a message and a queue of 64 KiB, in each of 64
// connections. Go's collector lets garbage grow to as much again, and code and
// stacks that were not used before come to some MiB.
const fortifiedMiB = 2*64*(64+64+64)>>10 + 24

// siege is an attack on the connector edge of a flow from 127.0.0.2 and other
// addresses. A client from 127.0.0.1 must be answered all the time, memory must
// stay within its bound, and when all have gone nothing of them must be left.
type siege struct {
	dir, flow string
	config    *tls.Config // of the client beside
	mib       int64       // bound of memory
	says      string      // the answer to the client beside, when that is not an echo
	fields    string      // of the client beside: "Name: value\r\n"
}

func (s siege) run(t *testing.T, attack func(f *flowrun, addr string)) {
	t.Helper()
	f := start(t, s.dir, s.flow)
	addr := f.address("edge")
	idle := f.sockets()
	end := s.beside(t, addr)
	before := f.rss()
	attack(f, addr)
	f.grewAtMost(before, s.mib)
	end()
	// One that was open before may be closed: to where keys are fetched.
	await(t, "all sockets are closed", func() bool { return f.sockets() <= idle })
	f.rests()
	f.leftNobody()
}

// besieged is a siege of an echo server.
func besieged(t *testing.T, flow string, attack func(f *flowrun, addr string)) {
	t.Helper()
	siege{flow: flow, mib: fortifiedMiB}.run(t, attack)
}

// beside is witness at a pace that limits allow.
func (s siege) beside(t *testing.T, addr string) (end func()) {
	t.Helper()
	enter := func() (c *wire.Conn, status int, body string) {
		raw, err := connect(addr)
		if err != nil {
			t.Fatal(err)
		}
		if s.config != nil {
			raw = tls.Client(raw, s.config)
		}
		if c, status, body, err = upgrade(raw, "/", s.fields); err != nil {
			t.Fatal(err)
		}
		return c, status, body
	}
	var c *wire.Conn
	await(t, "the client beside is let in", func() bool {
		var status int
		var body string
		if c, status, body = enter(); c == nil && status != http.StatusServiceUnavailable { // the keys of tokens are still being fetched
			t.Fatalf("the client beside is answered %d %s", status, body)
		}
		return c != nil
	})
	return beside(t, c, func(n int) error {
		<-time.After(5 * time.Millisecond)
		line := strconv.Itoa(n)
		if err := c.Send(wire.Fin|wire.Text, []byte(line)); err != nil {
			return err
		}
		return expect(c, cmp.Or(s.says, line))
	})
}

// sockets is how many the process has open.
func (f *flowrun) sockets() (n int) {
	f.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", f.PID())
	open, err := os.ReadDir(dir)
	if err != nil {
		f.t.Skipf("skipped: %v", err)
	}
	for _, fd := range open {
		if to, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// leftNobody ends the process with SIGQUIT, which makes Go print what all
// goroutines do: none may belong to a connection.
func (f *flowrun) leftNobody() {
	f.t.Helper()
	if err := f.Signal(syscall.SIGQUIT); err != nil {
		f.t.Fatal(err)
	}
	f.exits(2)
	_, dump, _ := strings.Cut(f.Stderr.String(), "SIGQUIT: quit")
	if !strings.Contains(dump, "\ngoroutine 1 ") {
		f.t.Fatal("the process has not printed its goroutines")
	}
	for goroutine := range strings.SplitSeq(dump, "\n\n") {
		for _, of := range []string{"net/http.(*conn)", "ws.(*server).serve", "socket.(*Conn)", "access."} {
			if strings.Contains(goroutine, of) {
				f.t.Errorf("a goroutine is left:\n%s", goroutine)
				break
			}
		}
	}
}

// dialFrom connects from one of the addresses of the loopback network.
func dialFrom(host, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(patience))
}

// upgrade asks for a WebSocket connection, with more header fields ("Name:
// value\r\n"), and returns the status and the body of the answer; the
// connection is nil unless it is 101.
func upgrade(c net.Conn, target, fields string) (w *wire.Conn, status int, body string, err error) {
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", target, fields); err != nil {
		return nil, 0, "", err
	}
	var head []byte
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); { // not a byte of what follows
		if _, err := c.Read(one); err != nil {
			return nil, 0, "", fmt.Errorf("read the answer of the handshake, after %q: %w", head, err)
		}
		head = append(head, one...)
	}
	if _, err := fmt.Sscanf(string(head), "HTTP/1.1 %d", &status); err != nil {
		return nil, 0, "", fmt.Errorf("the answer begins with %.100q", head)
	}
	if status == 101 {
		return &wire.Conn{Conn: c}, status, "", nil
	}
	rest := make([]byte, 4096)
	n, _ := c.Read(rest)
	return nil, status, string(rest[:n]), nil
}

// knock is upgrade on a connection of its own from host, which is closed unless
// the answer is 101.
func knock(host, addr, target, fields string) (w *wire.Conn, status int, body string, err error) {
	c, err := dialFrom(host, addr)
	if err != nil {
		return nil, 0, "", err
	}
	w, status, body, err = upgrade(c, target, fields)
	if w == nil {
		_ = c.Close()
	}
	return w, status, body, err
}

// parting reads to the end of a connection and returns the code of the close
// frame; 1006 when it was cut before that could be read.
func parting(c *wire.Conn) int {
	for {
		f, err := c.Next()
		if err != nil {
			return 1006
		}
		if f.Opcode == wire.Close {
			return f.Code()
		}
	}
}
