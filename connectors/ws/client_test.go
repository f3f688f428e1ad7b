package ws

import (
	"context"
	"crypto/sha1" //nolint:gosec // of RFC 6455
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/tests/wire"
	"github.com/google/go-cmp/cmp"
)

// upstream is a WebSocket server that does as handle says.
func upstream(t *testing.T, handle func(*websocket.Conn, *http.Request)) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		handle(c, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func clientOf(t *testing.T, url string, edit func(*ClientConfig)) (flow.Connector, *flowtest.Host) {
	t.Helper()
	config := Specs[1].Config().(*ClientConfig)
	config.CloseTimeout, config.ConnectTimeout = setting.Duration(patience), setting.Duration(patience)
	if err := config.URL.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(config)
	}
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	return c, flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
}

func echo(c *websocket.Conn, _ *http.Request) {
	for {
		kind, data, err := c.Read(context.Background())
		if err != nil {
			return
		}
		if err := c.Write(context.Background(), kind, data); err != nil {
			return
		}
	}
}

func TestClientSendsAndReceives(t *testing.T) {
	headers := make(chan http.Header, 1)
	s := upstream(t, func(c *websocket.Conn, r *http.Request) {
		headers <- r.Header
		echo(c, r)
	})
	c, host := clientOf(t, strings.Replace(s.URL, "http://", "http://user:pass@", 1)+"/x?token=t", func(c *ClientConfig) {
		c.Headers = map[string]setting.Secret{"X-Key": setting.SecretOf("k")}
		c.OnOpen = []setting.Secret{setting.SecretOf("hello")}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	if err := host.Send(ctx, "queued before the connection"); err != nil {
		t.Fatal(err)
	}
	go func() { done <- c.Run(ctx, host) }()
	h := <-headers
	if h.Get("X-Key") != "k" || h.Get("Authorization") != "Basic dXNlcjpwYXNz" {
		t.Errorf("headers %v", h)
	}
	host.WaitOpen(1, nil)
	for i := range 100 {
		if err := host.Send(ctx, fmt.Sprint("message ", i)); err != nil {
			t.Fatal(err)
		}
	}
	// A graceful end waits for the answers to what was sent.
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	es := host.Out.Events()
	var got []string
	for _, e := range es {
		v, err := e.Payload()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v.Text())
	}
	want := []string{"hello", "queued before the connection"}
	for i := range 100 {
		want = append(want, fmt.Sprint("message ", i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if m := es[0].MetaValue(); m.Len() == 0 {
		t.Error("an event of a client has no meta")
	}
	if host.Closed() != 1 {
		t.Errorf("%d links closed", host.Closed())
	}
}

// A server that sends all the time does not keep a client from its end.
func TestClientLeavesABusyServer(t *testing.T) {
	for _, sends := range []bool{false, true} {
		code := make(chan websocket.StatusCode, 1)
		s := upstream(t, func(c *websocket.Conn, _ *http.Request) {
			go func() {
				for tick := time.Tick(time.Millisecond); c.Write(context.Background(), websocket.MessageText, []byte("news")) == nil; <-tick {
				}
			}()
			for {
				if _, _, err := c.Read(context.Background()); err != nil {
					code <- websocket.CloseStatus(err)
					return
				}
			}
		})
		c, host := clientOf(t, s.URL, func(c *ClientConfig) { c.OnOpen = []setting.Secret{setting.SecretOf("subscribe")} })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx, host) }()
		host.Out.Wait(t, 10)
		if sends {
			if err := host.Send(ctx, "a question"); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		select {
		case err := <-done:
			if got := <-code; err != nil || got != websocket.StatusNormalClosure {
				t.Errorf("the end: %v, close %d", err, got)
			}
		case <-time.After(2 * patience):
			t.Fatal("the client does not end")
		}
	}
}

func TestClientNoticesALostConnection(t *testing.T) {
	tooBig := func(c *websocket.Conn) { _ = c.Close(websocket.StatusMessageTooBig, "too big") }
	for _, tt := range []struct {
		name string
		end  func(*websocket.Conn)
		want string
	}{
		{"a message too long for it", tooBig, `1009 "too big": a message is longer than it takes, and lost`},
		{"pong", tooBig, "which is sent again until it does"},
		{"close", func(c *websocket.Conn) { _ = c.Close(4000, "enough") }, `closed the connection: 4000 "enough"`},
		{"cut", func(c *websocket.Conn) { _ = c.CloseNow() }, "cut the connection off"},
		{"oversize", func(c *websocket.Conn) { _ = c.Write(context.Background(), websocket.MessageText, make([]byte, 2000)) }, "max_message (1000B)"},
		{"not UTF-8", func(c *websocket.Conn) { _ = c.Write(context.Background(), websocket.MessageText, []byte{0xff}) }, "not UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := upstream(t, func(c *websocket.Conn, _ *http.Request) {
				tt.end(c)
				_, _, _ = c.Read(context.Background())
			})
			c, host := clientOf(t, s.URL+"/?token=hush-hush", func(c *ClientConfig) {
				if c.MaxMessage = 1000; tt.name == "pong" {
					c.Queue.Confirm = "pong"
				}
			})
			err := c.Run(t.Context(), host)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Run: %v, want %q", err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), "hush") {
				t.Errorf("a secret is shown: %v", err)
			}
			if host.Opened() != 1 || host.Closed() != 1 {
				t.Errorf("%d links opened, %d closed", host.Opened(), host.Closed())
			}
		})
	}
}

func TestClientExplainsWhyItCannotConnect(t *testing.T) {
	closed := flowtest.FreeAddress(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, tt := range []struct{ url, want string }{
		{"ws://" + closed, "connect to ws://" + closed + ": connect: connection refused"},
		{plain.URL + "/?token=hush-hush", "the server answered 404 Not Found instead of 101 Switching Protocols"},
		{"ws://" + silent.Addr().String(), "no answer within connect_timeout (200ms)"},
		{"wss://" + plain.Listener.Addr().String(), "first record does not look like a TLS handshake"},
	} {
		c, host := clientOf(t, tt.url, func(c *ClientConfig) {
			if strings.Contains(tt.want, "200ms") {
				c.ConnectTimeout = setting.Duration(200 * time.Millisecond)
			}
		})
		err := c.Run(t.Context(), host)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", tt.url, err, tt.want)
		}
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for _, tt := range []struct {
		url   string
		tls   bool
		want  string
		wants string // of ws_server, when it differs
	}{
		{"ws://a:1", true, "a tls block needs wss", ""},
		{"ftp://a:1", false, `scheme "ftp" is not one of ws, wss, http and https`, ""},
		{"ws://a:0", false, "port 0 cannot be connected to", "-"},
		{"wss://a:1", false, "-", "wss needs a tls block with cert and key"},
		{"a", false, "-", "the URL has no port"},
		{"ws://a:1/x/{id", false, "-", "a parameter is a whole part of the path"},
		{"ws://a:1/?x=1", false, "-", "no query"},
	} {
		client := Specs[1].Config().(*ClientConfig)
		server := Specs[0].Config().(*ServerConfig)
		if err := client.URL.UnmarshalText([]byte(tt.url)); err != nil {
			t.Fatal(err)
		}
		server.URL = client.URL
		if tt.tls {
			client.TLS, server.TLS = &setting.TLSClient{}, &setting.TLSServer{}
		}
		if tt.wants == "" {
			tt.wants = tt.want
		}
		for _, each := range []struct {
			config flow.ConnectorConfig
			want   string
		}{{client, tt.want}, {server, tt.wants}} {
			_, err := each.config.New()
			if each.want == "-" {
				if err != nil {
					t.Errorf("%T %s: %v", each.config, tt.url, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), each.want) {
				t.Errorf("%T %s: %v, want %q", each.config, tt.url, err, each.want)
			}
		}
	}
}

// fakeUpstream answers a handshake and then sends bytes.
func fakeUpstream(t *testing.T, bytes []byte) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		digest := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n%s",
			base64.StdEncoding.EncodeToString(digest[:]), bytes)
		_, _ = io.Copy(io.Discard, nc)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestClientRefusesBadFrames(t *testing.T) {
	good := plain(nil, wire.Text, []byte("good"))
	for _, tt := range []struct {
		name, want string
		frame      []byte
	}{
		{"masked", "must not mask", wire.AppendFrame(nil, wire.Fin|wire.Text, []byte("bad"))},
		{"a masked ping", "must not mask", wire.AppendFrame(nil, wire.Fin|wire.Ping, nil)},
		{"reserved bit", "rsv", []byte{wire.Fin | 0x10 | wire.Text, 0}},
		{"too long", "max_message (1000B)", []byte{wire.Fin | wire.Text, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
		{"too long in fragments", "max_message (1000B)", slices.Concat([]byte{wire.Binary, 126, 3, 0}, make([]byte, 768), []byte{0, 126, 3, 0}, make([]byte, 768))},
	} {
		c, host := clientOf(t, fakeUpstream(t, append(good, tt.frame...)), func(c *ClientConfig) { c.MaxMessage = 1000 })
		err := c.Run(t.Context(), host)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if n := len(host.Out.Events()); n != 1 {
			t.Errorf("%s: %d messages delivered, want the good one", tt.name, n)
		}
	}
}

func TestHeadersAreChecked(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"X-Key", "hush", ""},
		{"Bad Header", "hush", "is no name of a header field"},
		{"", "hush", "is no name of a header field"},
		{"X-Key", "hush\r\nX: y", "has a line break"},
		{"upgrade", "hush", "belongs to the handshake"},
		{"sec-websocket-accept", "hush", "belongs to the handshake"},
	} {
		server, client := serverConfig(t), Specs[1].Config().(*ClientConfig)
		client.URL = server.URL
		server.Headers = map[string]string{tt.name: tt.value}
		client.Headers = map[string]setting.Secret{tt.name: setting.SecretOf(tt.value)}
		for _, config := range []flow.ConnectorConfig{server, client} {
			_, err := config.New()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush")) {
				t.Errorf("%T %q: %v, want %q", config, tt.name, err, tt.want)
			}
		}
	}
}
