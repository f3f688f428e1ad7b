package client

import (
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// What a server repeats of a request, and what is in its URL, is told nobody.
func TestSecretsStaySecret(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var buf [4096]byte
			n, _ := c.Read(buf[:])
			line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 hush-header Basic dTpodXNoLXBhc3N3b3Jk %s\nhush-header\r\n\r\n", line)
			_ = c.Close()
		}
	}()
	a := startClient(t, "http://u:hush-password@"+l.Addr().String()+"/?token=hush-query", func(c *Config) {
		c.Headers = map[string]setting.Secret{"x-key": setting.SecretOf("hush-header")}
		c.Method = "GET"
		c.Retry.MaxRetries = 2
	})
	e := says(text("x"), flow.Field{Key: "query", Value: object(flow.Field{Key: "k", Value: flow.TextOf("hush-event")})})
	if err := a.send(e); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(a.problems(), "\n")
	for _, entry := range a.host.Logs.All() {
		all += fmt.Sprint("\n", entry.Message, entry.ContextMap())
	}
	if !strings.Contains(all, "malformed") {
		t.Errorf("the problem is %q", all)
	}
	for _, secret := range []string{"hush", "dTpodXNoLXBhc3N3b3Jk"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is told: %s", secret, all)
		}
	}
}

func TestAHostileServer(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":          "",
		"no HTTP":          "\x00\x01\x02 hello\r\n\r\n",
		"an endless head":  "HTTP/1.1 200 OK\r\n" + strings.Repeat("x-a: "+strings.Repeat("b", 1000)+"\r\n", 200),
		"half a body":      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"no such chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"no gzip":          "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
		"a length below 0": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			var tries atomic.Int32
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					tries.Add(1)
					var buf [4096]byte
					_, _ = c.Read(buf[:])
					_, _ = io.WriteString(c, answer)
					_ = c.Close()
				}
			}()
			a := startClient(t, "http://"+l.Addr().String(), func(c *Config) { c.Retry.MaxRetries = 2 })
			if err := a.send(text("x")); err != nil {
				t.Fatal(err)
			}
			if got := a.problems(); len(got) != 1 || !strings.Contains(got[0], "after 2 attempts") || len(got[0]) > 500 {
				t.Errorf("problems: %q", got)
			}
			if len(a.host.Out.Events()) > 0 || tries.Load() < 2 {
				t.Errorf("%d events, %d attempts", len(a.host.Out.Events()), tries.Load())
			}
		})
	}
}
