package ws

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/setting"
)

// What a server repeats of the handshake, or of what is sent to it first, is told nobody.
func TestSecretsStaySecret(t *testing.T) {
	const password = "Basic dTpodXNoLXBhc3N3b3Jk"
	repeats := func(answer func(line string) string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				var buf [4096]byte
				n, _ := c.Read(buf[:])
				line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
				_, _ = c.Write([]byte(answer(line)))
				_ = c.Close()
			}
		}()
		return l.Addr().String()
	}
	closes := upstream(t, func(c *websocket.Conn, r *http.Request) {
		_, text, err := c.Read(context.Background())
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.Close(websocket.StatusPolicyViolation, fmt.Sprintf("no %s %s %s %s", text, r.URL.RawQuery, r.Header.Get("X-Key"), r.Header.Get("Authorization")))
	})
	for name, tt := range map[string]struct{ at, want string }{
		"a status": {repeats(func(line string) string {
			return "HTTP/1.1 403 hush-header " + password + " " + line + "\r\nContent-Length: 0\r\n\r\n"
		}), "the server answered 403 (secret)"},
		"a line that is no answer": {repeats(func(line string) string { return line + "\r\n\r\n" }), "malformed HTTP"},
		"a close frame":            {strings.TrimPrefix(closes.URL, "http://"), `closed the connection: 1008 "no (secret)`},
	} {
		t.Run(name, func(t *testing.T) {
			c, host := clientOf(t, "ws://u:hush-password@"+tt.at+"/?token=hush-query", func(c *ClientConfig) {
				c.ConnectTimeout = setting.Duration(patience)
				c.Headers = map[string]setting.Secret{"x-key": setting.SecretOf("hush-header")}
				c.OnOpen = []setting.Secret{setting.SecretOf("hush-message")}
			})
			err := c.Run(t.Context(), host)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it fails with %v, want %q", err, tt.want)
			}
			all := fmt.Sprint(err)
			for _, entry := range host.Logs.All() {
				all += fmt.Sprint("\n", entry.Message, entry.ContextMap())
			}
			for _, secret := range []string{"hush", "dTpodXNoLXBhc3N3b3Jk"} {
				if strings.Contains(all, secret) {
					t.Errorf("%q is told: %s", secret, all)
				}
			}
		})
	}
}
