package acceptance

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // what the handshake asks for
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A client meets one broken server after the other at the same address. It
// shows nothing of what they say, tries again each time, and is there when a
// good one answers.
func TestBadServers(t *testing.T) {
	upgrade := func(w io.Writer, r *http.Request) {
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
		fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
	}
	after := func(bytes string) func(io.Writer, *http.Request) {
		return func(w io.Writer, r *http.Request) { upgrade(w, r); _, _ = io.WriteString(w, bytes) }
	}
	says := func(bytes string) func(io.Writer, *http.Request) {
		return func(w io.Writer, _ *http.Request) { _, _ = io.WriteString(w, bytes) }
	}
	servers := []struct {
		name   string
		answer func(w io.Writer, r *http.Request)
		hangs  bool // the client must hang up, the server does not
	}{
		{"closes at once", says(""), false},
		{"never answers", says(""), true},
		{"answers half", says("HTTP/1.1 101 Switching Pro"), true},
		{"answers without end", says("HTTP/1.1 101 Switching Protocols\r\nX: " + strings.Repeat("x", 4<<20)), true},
		{"speaks something else", says("220 mail.example ESMTP\r\n"), true},
		{"refuses", says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), true},
		{"has the wrong key", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"), true},
		{"cuts a frame", after("\x81\x05\"no"), false},
		{"sets reserved bits", after("\xf1\x04\"no\""), true},
		{"sends an unknown opcode", after("\x83\x04\"no\""), true},
		{"sends text that is not UTF-8", after("\x81\x04\"\xff\xff\""), true},
		{"sends more than max_message", after("\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x00" + strings.Repeat("x", 1<<20)), true},
		{"masks its frames", after("\x81\x84\x00\x00\x00\x00\"no\""), true},
		{"says goodbye", after("\x88\x02\x03\xe9"), true},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f := start(t, "", fmt.Sprintf(`
connector "ws_client" "feed" {
  url             = "ws://%s"
  codec           = "json"
  max_message     = "64KiB"
  connect_timeout = "300ms"
  reconnect {
    interval     = "5ms"
    max_interval = "20ms"
  }
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connect "show" {
  from = connector.feed
  to   = connector.console
}
`, l.Addr()))
	accept := func() (net.Conn, *http.Request) {
		t.Helper()
		_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		c, err := l.Accept()
		if err != nil {
			t.Fatalf("the client does not come back: %v", err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			t.Fatalf("the client asks for nothing: %v", err)
		}
		return c, r
	}
	for _, s := range servers {
		c, r := accept()
		s.answer(c, r)
		if s.hangs {
			if err := hangsUp(c); err != nil {
				t.Errorf("a server that %s: the client stays: %v", s.name, err)
			}
		}
		_ = c.Close()
	}
	c, r := accept()
	defer c.Close()
	after("\x81\x06\"good\"")(c, r)
	if err := f.Stdout.Wait(withPatience(t), func(text string) bool { return strings.Contains(text, "good") }); err != nil {
		t.Errorf("wait for what the good server said: %v", err)
	}
	if got := f.Stdout.String(); got != "\"good\"\n" {
		t.Errorf("the client showed %q", got)
	}
}
