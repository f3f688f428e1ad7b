package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// while is how long an answer is waited for that does not come: no machine stands still
// for so long while others are on their way. Tests that wait do so beside each other.
const while = setting.Duration(5 * time.Second)

// serve starts a server that does something with each connection.
func serve(t *testing.T, do func(ctx context.Context, c *websocket.Conn, r *http.Request)) string {
	t.Helper()
	s := httptest.NewServer(handler(do))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/"
}

func handler(do func(ctx context.Context, c *websocket.Conn, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"b"}})
		if err != nil {
			return // the library has answered
		}
		defer c.CloseNow() //nolint:errcheck // closed by the peer as a rule
		c.SetReadLimit(-1)
		do(context.Background(), c, r)
	})
}

func echo(ctx context.Context, c *websocket.Conn, _ *http.Request) {
	for {
		kind, m, err := c.Read(ctx)
		if err != nil || c.Write(ctx, kind, m) != nil {
			return
		}
	}
}

func options(t *testing.T, url string) Options {
	t.Helper()
	o := Defaults()
	if err := o.URL.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	o.WarmUp, o.Timeout = 0, setting.Duration(5*time.Minute) // on a slow machine
	return o
}

func mustRun(t *testing.T, o Options) *Result {
	t.Helper()
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Whatever is sent comes back, and is counted exactly.
func TestEcho(t *testing.T) {
	url := serve(t, echo)
	mebibyte, err := Sized(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		set   func(*Options)
		bytes int64
	}{
		{"one by one", func(o *Options) {}, 144},
		{"some in flight", func(o *Options) { o.InFlight = 32 }, 144},
		{"binary", func(o *Options) { o.Binary = true }, 144},
		{"one connection", func(o *Options) { o.Connections = 1 }, 144},
		{"more connections than messages", func(o *Options) { o.Connections = 64; o.Count = 40 }, 144},
		{"a ramp", func(o *Options) { o.RampUp = setting.Duration(20 * time.Millisecond) }, 144},
		{"empty messages", func(o *Options) { o.Messages = []string{""} }, 0},
		{"a rate", func(o *Options) { o.Rate = 20_000 }, 144},
		{"a rate nobody keeps up with", func(o *Options) { o.Rate = 10_000_000 }, 144},
		{"any answer", func(o *Options) { o.AnyAnswer = true }, 144},
		// More is under way than the sockets hold.
		{"large", func(o *Options) { o.Messages = []string{mebibyte}; o.InFlight = 16; o.Connections = 2; o.Count = 64 }, 1 << 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, url)
			o.Count = 1001 // so few that the first are answered before anything is looked at
			tt.set(&o)
			res := mustRun(t, o)
			if !res.Good() || res.Ended != "count" || res.Messages != o.Count || res.Bytes != o.Count*tt.bytes ||
				int64(res.Latency.Count) != o.Count || res.Connections != o.Connections || int(res.Connect.Count) != o.Connections {
				t.Errorf("the result is %+v", res)
			}
			if (res.SentLate != nil) != (o.Rate > 0) {
				t.Errorf("sent late: %v", res.SentLate)
			}
			var text bytes.Buffer
			if err := res.Print(&text); err != nil || !strings.Contains(text.String(), fmt.Sprintf("%d in ", o.Count)) {
				t.Errorf("%v\n%s", err, text.String())
			}
		})
	}
}

// A duration ends it too, after a warm-up which is not measured.
func TestDuration(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, 5000} {
		o := options(t, serve(t, echo))
		o.WarmUp, o.Duration, o.Rate = setting.Duration(20*time.Millisecond), setting.Duration(3*time.Second), rate
		phases := map[string]bool{}
		o.Progress = func(p Progress) { phases[p.Phase] = true }
		res := mustRun(t, o)
		if !res.Good() || res.Ended != "duration" || res.Messages == 0 || res.MessagesPerSecond <= 0 || res.BytesPerSecond <= res.MessagesPerSecond {
			t.Errorf("the result is %+v", res)
		}
		if !phases["finishing"] {
			t.Errorf("the phases were %v", phases)
		}
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	url := serve(t, func(ctx context.Context, c *websocket.Conn, r *http.Request) {
		_, _, _ = c.Read(ctx) // the first one
		once.Do(cancel)
		echo(ctx, c, r)
	})
	o := options(t, url)
	o.Connections, o.InFlight, o.AnyAnswer, o.Timeout = 1, 2, true, while
	res, err := Run(ctx, o)
	if err != nil || res.Ended != "interrupted" || res.Lost != 1 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestInterruptWhileConnecting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var open atomic.Int64
	url := serve(t, func(ctx context.Context, c *websocket.Conn, r *http.Request) {
		if open.Add(1) == 2 {
			cancel()
		}
		echo(ctx, c, r)
	})
	o := options(t, url)
	o.Connections, o.RampUp = 100_000, setting.Duration(time.Hour)
	res, err := Run(ctx, o)
	if err != nil || res.Ended != "interrupted" || !res.Good() {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := Run(ctx, o); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("an interrupt before the first connection gives %v", err)
	}
}

// hub sends what one says to all.
type hub struct {
	mu   sync.Mutex
	open map[*websocket.Conn]bool
	skip int // so many messages are not told to the last one that came
	last *websocket.Conn
}

func (h *hub) serve(ctx context.Context, c *websocket.Conn, _ *http.Request) {
	h.mu.Lock()
	h.open[c], h.last = true, c
	h.mu.Unlock()
	for {
		kind, m, err := c.Read(ctx)
		h.mu.Lock()
		if err != nil {
			delete(h.open, c)
			h.mu.Unlock()
			return
		}
		for other := range h.open {
			if other == h.last && h.skip > 0 {
				h.skip--
				continue
			}
			_ = other.Write(ctx, kind, m)
		}
		h.mu.Unlock()
	}
}

func TestBroadcast(t *testing.T) {
	for _, rate := range []float64{0, 2000} {
		o := options(t, serve(t, (&hub{open: map[*websocket.Conn]bool{}}).serve))
		o.Mode, o.Count, o.Connections, o.Rate = Broadcast, 100, 20, rate
		if rate == 0 {
			o.InFlight = 8
		}
		res := mustRun(t, o)
		if !res.Good() || res.Ended != "count" || res.Messages != 2000 || res.Latency.Count != 2000 {
			t.Errorf("the result is %+v", res)
		}
	}
}

// Who has not heard one message hears a wrong one next, and that ends it.
func TestBroadcastWithAHole(t *testing.T) {
	o := options(t, serve(t, (&hub{open: map[*websocket.Conn]bool{}, skip: 1}).serve))
	o.Mode, o.Connections, o.InFlight = Broadcast, 5, 4
	res := mustRun(t, o)
	if res.Good() || res.Errors.Wrong != 1 || res.Ended != "failed" {
		t.Errorf("the result is %+v", res)
	}
}

func TestReceive(t *testing.T) {
	url := serve(t, func(ctx context.Context, c *websocket.Conn, _ *http.Request) {
		gone := c.CloseRead(ctx)
		for gone.Err() == nil && c.Write(gone, websocket.MessageText, []byte("news")) == nil {
		}
	})
	for _, count := range []int64{0, 500} {
		o := options(t, url)
		o.Mode, o.Count = Receive, count
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		want := "count"
		if count == 0 { // it does not end by itself
			want, o.Duration = "interrupted", setting.Duration(time.Hour)
			o.Progress = func(p Progress) {
				if p.Messages > 0 {
					cancel()
				}
			}
		}
		res, err := Run(ctx, o)
		if err != nil || !res.Good() || res.Ended != want || res.Messages < max(1, count) || res.Bytes != 4*res.Messages || res.Latency != nil {
			t.Errorf("the result is %+v, %v", res, err)
		}
	}
}

// What a server does wrong is counted under its name and told in words.
func TestErrors(t *testing.T) {
	write := func(c *websocket.Conn, text string) {
		_ = c.Write(context.Background(), websocket.MessageText, []byte(text))
	}
	over := make(chan struct{})
	t.Cleanup(func() { close(over) }) // when the parallel cases have ended
	// after answers some messages and then does something else.
	after := func(n int, do func(c *websocket.Conn, m []byte)) func(context.Context, *websocket.Conn, *http.Request) {
		return func(ctx context.Context, c *websocket.Conn, r *http.Request) {
			for i := 0; ; i++ {
				kind, m, err := c.Read(ctx)
				if err != nil {
					return
				}
				if i == n {
					do(c, m)
					continue
				}
				_ = c.Write(ctx, kind, m)
			}
		}
	}
	tests := []struct {
		name   string
		server func(context.Context, *websocket.Conn, *http.Request)
		set    func(*Options)
		want   Errors
		text   string
	}{
		{"another text", after(3, func(c *websocket.Conn, _ []byte) { write(c, "no") }), nil, Errors{Wrong: 2}, `message 3 should be the text "0000000003", and is the text "no"`},
		{"another kind", after(0, func(c *websocket.Conn, m []byte) { _ = c.Write(t.Context(), websocket.MessageBinary, m) }), nil, Errors{Wrong: 2}, `the text "0000000000", and is the binary "0000000000"`},
		{"twice", after(3, func(c *websocket.Conn, m []byte) { write(c, string(m)); write(c, string(m)) }), nil, Errors{Wrong: 2}, ""},
		{"not at all", after(3, func(*websocket.Conn, []byte) {}), func(o *Options) { o.Timeout = while }, Errors{Timeout: 2}, "no answer to message 3 within 5s"},
		{"not at all, at a rate", after(3, func(*websocket.Conn, []byte) {}), func(o *Options) { o.Rate = 1000; o.AnyAnswer = true; o.Timeout = while }, Errors{Timeout: 2}, "no answer to message 9"},
		{"closed", after(3, func(c *websocket.Conn, _ []byte) { _ = c.Close(1011, "") }), nil, Errors{Lost: 2}, "the server closed the connection with code 1011"},
		{"cut", after(3, func(c *websocket.Conn, _ []byte) { _ = c.CloseNow() }), nil, Errors{Lost: 2}, "the server "},
		{"too large", after(3, func(c *websocket.Conn, _ []byte) { write(c, strings.Repeat("x", maxMessage+1)) }), nil, Errors{Lost: 2}, "16777217 bytes is more than"},
		{"nobody reads", func(context.Context, *websocket.Conn, *http.Request) { <-over }, func(o *Options) {
			o.Messages, o.InFlight, o.Timeout = []string{strings.Repeat("x", 1<<20)}, 32, while
		}, Errors{Timeout: 2}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := options(t, serve(t, tt.server))
			o.Connections, o.Count, o.Messages = 2, 20, []string{"{seq}"}
			if tt.set != nil {
				tt.set(&o)
			}
			res := mustRun(t, o)
			got := res.Errors
			got.Examples = nil
			if fmt.Sprint(got) != fmt.Sprint(tt.want) || res.Good() {
				t.Errorf("the errors are %+v", res.Errors)
			}
			if !strings.Contains(strings.Join(res.Errors.Examples, "\n"), tt.text) {
				t.Errorf("%q does not say %q", res.Errors.Examples, tt.text)
			}
			var text bytes.Buffer
			if err := res.Print(&text); err != nil || !strings.Contains(text.String(), res.Errors.Examples[0]) {
				t.Errorf("%v\n%s", err, text.String())
			}
		})
	}
}

// A server that stalls delays what should have been sent meanwhile: the times
// of a rate say so, those of a closed loop hardly do.
func TestStall(t *testing.T) {
	t.Parallel()
	const stall = 2 * time.Second // beside which what a machine does else is short
	quantile := func(set func(*Options)) (p50 float64) {
		url := serve(t, func(ctx context.Context, c *websocket.Conn, r *http.Request) {
			for n := 0; ; n++ {
				kind, m, err := c.Read(ctx)
				if err != nil {
					return
				}
				if n == 50 {
					<-time.After(stall)
				}
				_ = c.Write(ctx, kind, m)
			}
		})
		o := options(t, url)
		o.Connections, o.Count = 1, 250
		set(&o)
		res := mustRun(t, o)
		if !res.Good() || res.Messages != 250 {
			t.Fatalf("the result is %+v", res)
		}
		return res.Latency.P50
	}
	closed := quantile(func(*Options) {})
	open := quantile(func(o *Options) { o.Rate = 100 }) // 200 messages are due during the stall
	if open < 10*closed {
		t.Errorf("in the middle, answers take %v us in a closed loop and %v at a rate", closed, open)
	}
}

func TestFragmentsAndControlFrames(t *testing.T) {
	url := serve(t, func(ctx context.Context, c *websocket.Conn, _ *http.Request) {
		for {
			kind, m, err := c.Read(ctx)
			if err != nil {
				return
			}
			w, err := c.Writer(ctx, kind)
			if err != nil {
				return
			}
			for part := range bytes.SplitSeq(m, []byte(" ")) { // each write that does not fit the buffer is a frame
				_, _ = w.Write(append(part, make([]byte, 4096)...))
			}
			if w.Close() != nil {
				return
			}
		}
	})
	zeros := strings.Repeat("\x00", 4096)
	o := options(t, url)
	o.Binary, o.Count = true, 50
	o.Messages, o.Expect = []string{"{seq} b c"}, []string{"{seq}" + zeros + "b" + zeros + "c" + zeros}
	if res := mustRun(t, o); !res.Good() || res.Messages != 50 {
		t.Errorf("the result is %+v", res)
	}
}

func TestPing(t *testing.T) {
	url := serve(t, func(ctx context.Context, c *websocket.Conn, r *http.Request) {
		go echo(ctx, c, r)
		for range 3 {
			if err := c.Ping(ctx); err != nil {
				t.Error(err)
				return
			}
		}
		_ = c.Close(4000, "answered")
	})
	o := options(t, url)
	o.Mode, o.Connections = Receive, 1
	res := mustRun(t, o)
	if got := strings.Join(res.Errors.Examples, ""); !strings.Contains(got, "code 4000") {
		t.Errorf("the connection ended with %q", got)
	}
}

func TestHandshake(t *testing.T) {
	s := httptest.NewUnstartedServer(handler(func(ctx context.Context, c *websocket.Conn, r *http.Request) {
		user, password, _ := r.BasicAuth()
		_ = c.Write(ctx, websocket.MessageText, []byte(strings.Join([]string{
			r.URL.String(), user, password, r.Header.Get("X-Test"), c.Subprotocol(), fmt.Sprint(r.TLS != nil),
		}, " ")))
		_, _, _ = c.Read(ctx)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	o := options(t, "wss://user:word@"+s.Listener.Addr().String()+"/path?q=1")
	o.Headers = map[string]setting.Secret{"X-Test": setting.SecretOf("value")}
	o.Subprotocols = []string{"a", "b"}
	o.TLS = &setting.TLSClient{Insecure: true}
	o.Mode, o.Count, o.Connections = Receive, 1, 1
	res := mustRun(t, o)
	if want := len("/path?q=1 user word value b true"); res.Bytes != int64(want) {
		t.Errorf("%d bytes came, not %d", res.Bytes, want)
	}
	o.TLS = nil
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the server's certificate is not trusted") {
		t.Errorf("a certificate that nobody knows gives %v", err)
	}
	if strings.Contains(res.URL, "word") || strings.Contains(res.URL, "q=1") {
		t.Errorf("the URL shows what may be secret: %s", res.URL)
	}
}

// When the first connection cannot be opened, that is an error at once.
func TestNoServer(t *testing.T) {
	t.Parallel()
	free := flowtest.FreeAddress(t)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }))
	defer refusing.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	tests := []struct{ url, want string }{
		{"ws://" + free, "connection refused"},
		{refusing.Listener.Addr().String(), "the server answered 401 Unauthorized"},
		{silent.Addr().String(), "no answer within 5s"},
		{"ws://192.0.2.1:80", "load on another machine has to be allowed"},
		{"ws://[2001:db8::1]:80", "load on another machine has to be allowed"},
	}
	for _, tt := range tests {
		o := options(t, tt.url)
		o.Timeout = while
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s gives %v", tt.url, err)
		}
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		field string
		set   func(*Options)
	}{
		{"mode", func(o *Options) { o.Mode = "ping" }},
		{"connections", func(o *Options) { o.Connections = 0 }},
		{"in_flight", func(o *Options) { o.InFlight = 1 << 20 }},
		{"in_flight", func(o *Options) { o.Connections, o.InFlight = 10_000, 10_000 }},
		{"rate", func(o *Options) { o.Rate, o.InFlight = 1, 2 }},
		{"rate", func(o *Options) { o.Rate = -1 }},
		{"count", func(o *Options) { o.Count = -1 }},
		{"duration", func(o *Options) { o.Duration = setting.Duration(1000 * time.Hour) }},
		{"timeout", func(o *Options) { o.Timeout = 0 }},
		{"messages", func(o *Options) { o.Mode, o.Messages = Receive, []string{"x"} }},
		{"expect", func(o *Options) { o.Expect = []string{"x", "y"} }},
		{"expect", func(o *Options) { o.Expect, o.AnyAnswer = []string{"x"}, true }},
		{"url", func(o *Options) { o.URL.Scheme = "ftp" }},
		{"url", func(o *Options) { o.URL.Port = 0 }},
		{"url", func(o *Options) { o.TLS = &setting.TLSClient{} }},
		{"headers", func(o *Options) { o.Headers = map[string]setting.Secret{"upgrade": setting.SecretOf("x")} }},
		{"headers", func(o *Options) { o.Headers = map[string]setting.Secret{"a b": setting.SecretOf("x")} }},
		{"headers", func(o *Options) { o.Headers = map[string]setting.Secret{"a": setting.SecretOf("x\r\ny: z")} }},
		{"subprotocols", func(o *Options) { o.Subprotocols = []string{"a, b"} }},
	}
	for _, tt := range tests {
		o := options(t, "ws://127.0.0.1:1")
		tt.set(&o)
		fe := (*setting.Error)(nil)
		if err := o.Check(); !errors.As(err, &fe) || fe.Field != tt.field {
			t.Errorf("something wrong with %s gives %v", tt.field, err)
		}
	}
}

// The costs are those of the process that is named: here, of the test itself.
func TestCosts(t *testing.T) {
	o := options(t, serve(t, echo))
	o.Count, o.PID = 1000, os.Getpid()
	res, err := Run(t.Context(), o)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Log(err)
		return
	}
	if err != nil || res.Server.CPUPerMessage <= 0 || res.Server.MemoryEnd < 1<<20 || res.Server.Error != "" {
		t.Errorf("%+v, %v", res, err)
	}
	o.PID = 1 << 30
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("a process that is not there has costs")
	}
}
