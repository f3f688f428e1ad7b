package acceptance

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/wire"
)

// hasty is fortified against handshakes that do not end.
var hasty = strings.Replace(fmt.Sprintf(fortified, ""), `connect_timeout = "2m"`, `connect_timeout = "5s"`, 1)

// Handshakes that come a byte at a time, and never end, are cut after
// connect_timeout however busy they look; so are requests whose body does not
// come.
func TestSlowHandshakes(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %t", secure), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			flow := hasty
			var config *tls.Config
			if secure {
				config = certificate(t, dir)
				flow = strings.Replace(flow, "url             = ", withTLS[1:]+"\n  url = ", 1)
			}
			siege{dir: dir, flow: flow, config: config, mib: fortifiedMiB}.run(t, func(_ *flowrun, addr string) {
				each(t, *attackers, *attackers, func(i int) error {
					raw, err := dialFrom("127.0.0.2", addr)
					if err != nil {
						return err
					}
					defer raw.Close()
					c, text := raw, "GET / HTTP/1.1\r\nHost: x\r\nX-Endless: "+strings.Repeat("x", 10_000)
					switch {
					case i%4 == 1:
						text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 10_000)
					case i%4 == 2:
						text = "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 10_000)
					case secure && i%4 == 3:
						text = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 500)
					}
					if secure && i%4 != 3 {
						c = tls.Client(raw, config)
					}
					go func() {
						pace := time.NewTicker(20 * time.Millisecond)
						defer pace.Stop()
						for _, b := range []byte(text) {
							<-pace.C
							if _, err := c.Write([]byte{b}); err != nil {
								return
							}
						}
					}()
					return hangsUp(raw)
				})
			})
		})
	}
}

const letMeIn = "Authorization: let-me-in\r\n"

// Headers as large as they may be, and larger ones: what is refused costs
// nothing, what is accepted costs its size.
func TestHeaderBombs(t *testing.T) {
	lines := func(count int, line string) string {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, line, i)
		}
		return b.String()
	}
	for name, bomb := range map[string]struct {
		target, fields string
		statuses       string
	}{
		"one field of 64 KiB":   {"/", "X: " + strings.Repeat("x", 64<<10) + "\r\n", "101 431"},
		"one field of 1 MiB":    {"/", "X: " + strings.Repeat("x", 1<<20) + "\r\n", "431"},
		"10,000 fields":         {"/", lines(10_000, "X-%d: y\r\n"), "431"},
		"4,000 fields":          {"/", lines(4_000, "X-%d: y\r\n"), "101"},
		"one field 6,000 times": {"/", strings.Repeat("X: y\r\n", 6_000), "101"},
		"a cookie of 60 KiB":    {"/", "Cookie: a=" + strings.Repeat("x", 60<<10) + "\r\n", "101"},
		"3,000 cookies":         {"/", "Cookie: " + lines(3_000, "c%d=y; ") + "\r\n", "101"},
		"a query of 60 KiB":     {"/?" + strings.Repeat("a=b&", 15<<10), "", "101"},
		"a path of 60 KiB":      {"/" + strings.Repeat("x", 60<<10), "", "404"},
		"a path of slashes":     {strings.Repeat("/", 60<<10), "", "404 301 307 308"},
		"sub-protocols":         {"/", "Sec-WebSocket-Protocol: " + strings.Repeat("a, ", 15<<10) + "b\r\n", "101"},
		"extensions":            {"/", "Sec-WebSocket-Extensions: " + strings.Repeat("permessage-deflate; x, ", 2500) + "b\r\n", "101"},
		"continued lines":       {"/", "X: y\r\n" + strings.Repeat(" y\r\n", 10_000), "101 400"},
		"control characters":    {"/", "X: \x00\x01\r\n", "400"},
		"no name":               {"/", ": y\r\n", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow := strings.Replace(fmt.Sprintf(fortified, `auth "token" {
    from   = ["header", "query:token", "cookie:token", "subprotocol"]
    tokens = ["let-me-in"]
  }
  compression = "no_context_takeover"`), "max_connections_per_ip = 16", "max_connections_per_ip = 40", 1)
			siege{flow: flow, mib: fortifiedMiB, fields: letMeIn}.run(t, func(_ *flowrun, addr string) {
				in := make(chan *wire.Conn, *attackers)
				each(t, *attackers, 16, func(i int) error {
					c, status, body, err := knock("127.0.0.2", addr, bomb.target, bomb.fields+letMeIn)
					switch {
					case err != nil && len(bomb.target)+len(bomb.fields) > 64<<10:
						return nil // the answer was lost because there was still something to read
					case err != nil:
						return err
					case !strings.Contains(bomb.statuses, fmt.Sprint(status)):
						return fmt.Errorf("the answer is %d %.200s", status, body)
					case c != nil:
						in <- c
					}
					return nil
				})
				for len(in) > 0 {
					c := <-in
					if err := echoes(c, "still here"); err != nil {
						t.Error(err)
					}
					_ = c.Close()
				}
			})
		})
	}
}

// The header that never ends is refused when it is too long, not kept.
func TestEndlessHeader(t *testing.T) {
	besieged(t, hasty, func(_ *flowrun, addr string) {
		each(t, *attackers, *attackers, func(i int) error {
			c, err := dialFrom("127.0.0.2", addr)
			if err != nil {
				return err
			}
			defer c.Close()
			line := []string{"X: " + strings.Repeat("y", 1000) + "\r\n", strings.Repeat("y", 1000), "X: y\r\n", "\r\n"}[i%4]
			_, err = io.WriteString(c, []string{"GET / HTTP/1.1\r\n", "GET /", "GET / HTTP/1.1\r\n", ""}[i%4])
			for range 10_000 {
				if err == nil {
					_, err = io.WriteString(c, line)
				}
			}
			return hangsUp(c)
		})
	})
}

// However many handshakes somebody makes last, with headers as long as may be,
// they hold no more than max_handshakes allow, and new clients get in.
func TestTooManyHandshakes(t *testing.T) {
	flow := strings.Replace(fmt.Sprintf(fortified, ""), "max_connections        = 64", "max_connections = 64\n max_handshakes = 800", 1)
	const mib = fortifiedMiB + 2*800*(64+16)>>10
	siege{flow: flow, mib: mib}.run(t, func(f *flowrun, addr string) {
		text := "GET / HTTP/1.1\r\n" + strings.Repeat("X: "+strings.Repeat("y", 90)+"\r\n", 600)
		const wave = 100
		slow := make([]net.Conn, 40*(*attackers)/wave*wave)
		for past := 0; past < len(slow); past += wave {
			each(t, wave, 16, func(i int) (err error) {
				if slow[past+i], err = dialFrom("127.0.0.2", addr); err != nil {
					return err
				}
				_, _ = io.WriteString(slow[past+i], text) // who is cut meanwhile notices
				return nil
			})
			// There are never so many behind this one that it would be the first to be cut.
			c, status, body, err := knock("127.0.0.3", addr, "/", "")
			if c == nil {
				t.Errorf("a new client is answered %d %s %v", status, body, err)
			} else if err := leaves(c); err != nil {
				t.Error(err)
			}
		}
		if n := f.sockets(); n > 800+64 {
			t.Errorf("the process has %d sockets", n)
		}
		for _, c := range slow {
			if c != nil {
				_ = c.Close()
			}
		}
		f.logged("what is cut", func(text string) bool { return strings.Contains(text, "too many handshakes are under way") })
	})
}

const behindProxies = `
connector "ws_server" "edge" {
  url             = "127.0.0.1:0"
  codec           = "json"
  connect_timeout = "5s"
  trusted_proxies = ["127.0.0.8/30", "10.0.0.0/8", "fe80::/10"]
  limits {
    max_connections_per_ip = 16
  }
  %s
}

pipeline "who" {
  map "who" {
    event = peer.host
  }
}

connect "who" {
  from = connector.edge
  via  = [pipeline.who]
  to   = connector.edge
}
`

// Who a client says it is counts from nobody but trusted proxies, and from them
// only what they themselves have added.
func TestForgedForwarding(t *testing.T) {
	many := strings.Repeat("10.1.2.3, ", 5000)
	for name, forged := range map[string]struct{ from, fields, host string }{
		"a stranger":                   {"127.0.0.2", "X-Forwarded-For: 192.0.2.1\r\n", "127.0.0.2"},
		"a stranger as a proxy":        {"127.0.0.2", "X-Forwarded-For: 192.0.2.1, 127.0.0.9\r\n", "127.0.0.2"},
		"a stranger, RFC 7239":         {"127.0.0.2", "Forwarded: for=192.0.2.1\r\n", "127.0.0.2"},
		"a stranger, both":             {"127.0.0.2", "Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "127.0.0.2"},
		"a stranger, other names":      {"127.0.0.2", "X-Real-IP: 192.0.2.1\r\nTrue-Client-IP: 192.0.2.1\r\nX-Client-IP: 192.0.2.1\r\n", "127.0.0.2"},
		"a proxy":                      {"127.0.0.9", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"},
		"what the client wrote before": {"127.0.0.9", "X-Forwarded-For: 203.0.113.9, 192.0.2.1\r\n", "192.0.2.1"},
		"in a line of its own":         {"127.0.0.9", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"},
		"5,000 proxies":                {"127.0.0.9", "X-Forwarded-For: 203.0.113.9, 192.0.2.1, " + many + "10.0.0.1\r\n", "192.0.2.1"},
		"nobody but proxies":           {"127.0.0.9", "X-Forwarded-For: " + many + "10.0.0.1\r\n", "10.1.2.3"},
		"commas":                       {"127.0.0.9", "X-Forwarded-For: " + strings.Repeat(",", 50_000) + "192.0.2.1" + strings.Repeat(" ,", 5000) + "\r\n", "192.0.2.1"},
		"garbage":                      {"127.0.0.9", "X-Forwarded-For: 203.0.113.9, \x80\xff<script>\r\n", "127.0.0.9"},
		"a name":                       {"127.0.0.9", "X-Forwarded-For: localhost\r\n", "127.0.0.9"},
		"a zone":                       {"127.0.0.9", "X-Forwarded-For: 192.0.2.1, fe80::1%eth0\r\n", "192.0.2.1"},
		"a zone, last":                 {"127.0.0.9", "X-Forwarded-For: 2001:db8::1%a\r\n", "2001:db8::1"},
		"IPv4 in IPv6":                 {"127.0.0.9", "X-Forwarded-For: ::ffff:192.0.2.1\r\n", "192.0.2.1"},
		"a proxy in IPv6":              {"127.0.0.9", "X-Forwarded-For: 192.0.2.1, ::ffff:10.0.0.1\r\n", "192.0.2.1"},
		"octal":                        {"127.0.0.9", "X-Forwarded-For: 192.0.2.1, 010.0.0.1\r\n", "127.0.0.9"},
		"quotes":                       {"127.0.0.9", "Forwarded: for=\"203.0.113.9, for=192.0.2.1\r\n", "192.0.2.1"},
		"backslashes":                  {"127.0.0.9", "Forwarded: for=\"" + strings.Repeat(`\"\\`, 10_000) + ", for=192.0.2.1\r\n", "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			siege{flow: fmt.Sprintf(behindProxies, ""), mib: fortifiedMiB, says: `"127.0.0.1"`}.run(t, func(_ *flowrun, addr string) {
				each(t, *attackers, 8, func(int) error {
					c, status, body, err := knock(forged.from, addr, "/", forged.fields)
					switch {
					case err != nil || status == 429:
						return err
					case c == nil:
						return fmt.Errorf("the answer is %d %s", status, body)
					}
					defer c.Close()
					if err := c.Send(wire.Fin|wire.Text, []byte("0")); err != nil {
						return err
					}
					return expect(c, `"`+forged.host+`"`)
				})
			})
		})
	}
}

// A trusted proxy that sends no header of the PROXY protocol, or a broken one,
// is cut; it does not count, and it holds up nobody.
func TestProxyProtocolGarbage(t *testing.T) {
	v2 := "\r\n\r\n\x00\r\nQUIT\n"
	siege{flow: fmt.Sprintf(behindProxies, "proxy_protocol = true"), mib: fortifiedMiB, says: `"127.0.0.1"`}.run(t, func(f *flowrun, addr string) {
		var cut atomic.Int64
		garbage := []string{
			"PROXY TCP4 192.0.2.1 192.0.2.2 1 2" + strings.Repeat(" ", 200) + "\r\n",
			"PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n",
			"PROXY TCP4 localhost 192.0.2.2 1 2\r\n",
			"PROXY TCP4 192.0.2.1",
			"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
			"PROXY UNKNOWN",
			v2,
			v2 + "\x21\x11\xff\xff",
			v2 + "\x21\x11\x00\x01x",
			v2 + "\x21\x31\x00\x0c0123456789ab",
			v2 + "\x31\x11\x00\x0c0123456789ab",
			v2 + "\x21\x11\x0f\xff",
			"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			"\x16\x03\x01\x02\x00\x01",
			"",
			strings.Repeat("PROXY ", 10_000),
		}
		each(t, 2*len(garbage), 16, func(i int) error {
			c, err := dialFrom("127.0.0.9", addr)
			if err != nil {
				return err
			}
			defer c.Close()
			_, _ = io.WriteString(c, garbage[i%len(garbage)])
			got, err := io.ReadAll(c)
			if e, ok := err.(net.Error); ok && e.Timeout() { //nolint:errorlint // as the net package returns it
				return fmt.Errorf("after %.40q, the server keeps the connection", garbage[i%len(garbage)])
			}
			if len(got) > 0 {
				return fmt.Errorf("%.40q is answered %.100q", garbage[i%len(garbage)], got)
			}
			cut.Add(1)
			return nil
		})
		c, err := dialFrom("127.0.0.9", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "PROXY TCP4 192.0.2.7 192.0.2.2 1 2\r\n")
		w, status, body, err := upgrade(c, "/", "")
		if err != nil || w == nil {
			t.Fatalf("a proxy that speaks well: %d %s %v", status, body, err)
		}
		_ = w.Send(wire.Fin|wire.Text, []byte("0"))
		if err := expect(w, `"192.0.2.7"`); err != nil {
			t.Error(err)
		}
		if n := strings.Count(f.Stderr.String(), "no header of the PROXY protocol"); n == 0 || n > 2*len(garbage) {
			t.Errorf("%d were cut, %d lines say so", cut.Load(), n)
		}
	})
}
