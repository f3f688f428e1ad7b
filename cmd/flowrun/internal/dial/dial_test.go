package dial

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the handshake asks for it
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/flowrun/flowrun/runtime/setting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server echoes; the path may be a code to close with at once, "cut", "hold"
// (never read), "private" (credentials are needed), "ping" (and close then),
// "text" (that is not UTF-8) or "noise" (no frame).
func server(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		if path == "private" && (r.Header.Get("Authorization") != Basic("bob:hush") || r.Header.Get("X-Key") != "k") {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		if path == "noise" {
			noise(w, r)
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"v1"}, CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		if code, err := strconv.Atoi(path); err == nil {
			_ = c.Close(websocket.StatusCode(code), "enough")
			return
		}
		switch path {
		case "cut":
			return
		case "text":
			_ = c.Write(r.Context(), websocket.MessageText, []byte("a\xff"))
		case "ping":
			if c.Ping(c.CloseRead(r.Context())) == nil {
				_ = c.Close(websocket.StatusNormalClosure, "enough")
			}
			return
		}
		for {
			kind, message, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// noise answers a handshake, and then what is no frame.
func noise(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n\xff\xff\xff\xff noise")
	_, _ = io.Copy(io.Discard, conn) // until the client has gone
}

// output is written by one goroutine and read by another.
type output struct {
	mu   sync.Mutex
	b    bytes.Buffer
	news chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.news <- struct{}{}:
	default:
	}
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func options(t *testing.T, url, in string) (o Options, out, err *output) {
	t.Helper()
	if e := o.URL.UnmarshalText([]byte(url)); e != nil {
		t.Fatal(e)
	}
	out, err = &output{news: make(chan struct{}, 1)}, &output{news: make(chan struct{}, 1)}
	o.In, o.Out, o.Err = strings.NewReader(in), out, err
	o.MaxMessage, o.Linger, o.Timeout = 1<<20, -1, time.Minute
	return o, out, err
}

func TestRun(t *testing.T) {
	addr := strings.TrimPrefix(server(t).URL, "http://")
	// The silence that is waited for, and the time that is over: no machine stands still
	// for so long in the middle of what comes before.
	const while = 5 * time.Second
	for _, c := range []struct {
		name, path, in string
		change         func(*Options)
		out, err, fail string // fail is part of the error
	}{
		{"answers", "", "a\nb\r\n\nlast", func(o *Options) { o.Count = 4 }, "a\nb\n\nlast\n", "closed with 1000\n", ""},
		{"linger", "", "a\nb\n", func(o *Options) { o.Linger = while }, "a\nb\n", "closed with 1000\n", ""},
		{"nothing to say", "", "", func(o *Options) { o.Linger = 0 }, "", "closed with 1000\n", ""},
		{"too few", "", "a\n", func(o *Options) { o.Count, o.Linger = 2, while }, "a\n", "closed with 1000\n", "nothing more came: 1 of 2 messages have come"},
		{"time over", "", "a\n", func(o *Options) { o.Count, o.Timeout = 2, while }, "a\n", "closed with 1000\n", "the time is over: 1 of 2 messages have come"},
		{"time over, as asked", "", "a\n", func(o *Options) { o.Timeout = while }, "a\n", "closed with 1000\n", ""},
		{"binary", "", "a\nb", func(o *Options) { o.Binary, o.Count = true, 2 }, "ab", "closed with 1000\n", ""},
		{"newlines", "", "a\n\nb", func(o *Options) { o.Newline, o.Count = true, 3 }, "a\n\nb\n", "closed with 1000\n", ""},
		{"base64", "", "AP8=\n", func(o *Options) { o.Base64, o.Count = true, 1 }, "AP8=\n", "closed with 1000\n", ""},
		{"no base64", "", "AP8=\n?\n", func(o *Options) { o.Base64, o.Count = true, 9 }, "", "closed with 1000\n", "line 2 of standard input: illegal base64"},
		{"greeting", "", "", func(o *Options) { o.Greet, o.Linger, o.Subprotocols = true, 0, []string{"v0", "v1"} }, "", "connected to ws://" + addr + "/, sub-protocol v1\nclosed with 1000\n", ""},
		{"compressed", "", strings.Repeat("a", 1000) + "\n", func(o *Options) { o.Greet, o.Compress, o.Count = true, true, 1 }, strings.Repeat("a", 1000) + "\n", "connected to ws://" + addr + "/, compressed\nclosed with 1000\n", ""},
		{"closed well", "1000", "", nil, "", "closed by the server with 1000 \"enough\"\n", ""},
		{"going away", "1001", "", nil, "", "closed by the server with 1001 \"enough\"\n", ""},
		{"closed without a code", "1005", "", nil, "", "closed by the server without a code (1005)\n", ""},
		{"pinged", "ping", "", func(o *Options) { o.Ping = time.Hour }, "", "ping from the server\nclosed by the server with 1000 \"enough\"\n", ""},
		{"no such sub-protocol", "", "", func(o *Options) { o.Greet, o.Linger, o.Subprotocols = true, 0, []string{"v0"} }, "", "connected to ws://" + addr + "/, without a sub-protocol\nclosed with 1000\n", ""},
		{"a screen", "", "\x1b[2J\tá\u009b\n", func(o *Options) { o.Screen, o.Count = true, 1 }, "\\x1b[2J\tá\\x9b\n", "closed with 1000\n", ""},
		{"no text", "text", "", nil, "", "", "the server breaks the protocol: a text is not UTF-8 (1007)"},
		{"noise", "noise", "", nil, "", "", "the server breaks the protocol: "},
		{"closed too early", "1000", "", func(o *Options) { o.Count = 1 }, "", "closed by the server with 1000 \"enough\"\n", "the server closed: 0 of 1 messages have come"},
		{"closed badly", "1011", "", nil, "", "", "the server closed with 1011 \"enough\""},
		{"cut", "cut", "", nil, "", "", "the server cut the connection, without a close frame (1006)"},
		{"too long", "", "abcdef\n", func(o *Options) { o.MaxMessage = 5 }, "", "", "a message is larger than --max-message (5B)"},
		{"who", "private?key=hush", "", nil, "", "", "connect to ws://" + addr + "/private?(secret): the server answered 401 Unauthorized: \"who are you\""},
		{"bob", "private?key=hush", "a", func(o *Options) {
			o.Headers, o.Auth, o.Count = http.Header{"X-Key": {"k"}}, setting.SecretOf(Basic("bob:hush")), 1
		}, "a\n", "closed with 1000\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o, out, say := options(t, "ws://"+addr+"/"+c.path, c.in)
			if c.change != nil {
				c.change(&o)
			}
			err := Run(t.Context(), o)
			if (c.fail == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fail) {
				t.Errorf("the error is %v, not %q", err, c.fail)
			}
			if c.fail == "" || c.out != "" {
				if out.String() != c.out {
					t.Errorf("it prints %q, not %q", out, c.out)
				}
			}
			if say.String() != c.err {
				t.Errorf("it says %q, not %q", say, c.err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(server(t).Config.Handler)
	s.StartTLS()
	t.Cleanup(s.Close)
	url := "wss" + strings.TrimPrefix(s.URL, "https")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tls  *setting.TLSClient
		fail string
	}{
		{&setting.TLSClient{CAFile: setting.Path(ca)}, ""},
		{&setting.TLSClient{Insecure: true}, ""},
		{nil, "the server's certificate is not trusted: x509: certificate signed by unknown authority"},
		{&setting.TLSClient{CAFile: setting.Path(ca), Domain: "elsewhere"}, "the server's certificate is not trusted: x509: certificate is valid for"},
		{&setting.TLSClient{CAFile: "nowhere.pem"}, "tls: cannot read nowhere.pem"},
	} {
		o, out, _ := options(t, url, "a\n")
		o.TLS, o.Count = c.tls, 1
		err := Run(t.Context(), o)
		if c.fail == "" && (err != nil || out.String() != "a\n") || c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail)) {
			t.Errorf("%+v: %v, not %q; it prints %q", c.tls, err, c.fail, out)
		}
	}
}

// TestInterrupted ends it as Ctrl-C does, while nothing happens.
func TestInterrupted(t *testing.T) {
	o, out, say := options(t, server(t).URL, "")
	in, lines := io.Pipe()
	defer lines.Close()
	o.In, o.Ping = in, time.Millisecond
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		_, _ = lines.Write([]byte("hello\n"))
		for !strings.Contains(say.String(), "pong after") {
			<-say.news
		}
		for out.String() != "hello\n" {
			<-out.news
		}
		interrupt()
	}()
	if err := Run(ctx, o); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(say.String(), "closed with 1000\n") {
		t.Errorf("it says %q", say)
	}
}

// TestClosedOutput ends when nobody reads what it prints.
func TestClosedOutput(t *testing.T) {
	o, _, _ := options(t, server(t).URL, "a\n")
	r, w := io.Pipe()
	gone := errors.New("gone")
	_ = r.CloseWithError(gone)
	o.Out = w
	if err := Run(t.Context(), o); !errors.Is(err, gone) {
		t.Errorf("the error is %v", err)
	}
}

func TestJSON(t *testing.T) {
	for _, c := range []struct {
		binary bool
		data   string
		want   string
	}{
		{false, "<\"é\n>", `{"type":"text","data":"<\"é\n>","time":"`},
		{true, "\x00\xff", `{"type":"binary","data":"AP8=","time":"`},
	} {
		var b bytes.Buffer
		s := session{Options: Options{JSON: true, Out: &b}}
		if err := s.print(c.binary, []byte(c.data)); err != nil || !strings.HasPrefix(b.String(), c.want) || !strings.HasSuffix(b.String(), "Z\"}\n") {
			t.Errorf("%q is printed as %s (%v)", c.data, b.String(), err)
		}
	}
}
