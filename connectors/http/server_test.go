package http

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/listen"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(benchEnv); what != "" {
		benchServer(what)
		return
	}
	// net/http sleeps for half a second before it closes a connection with an
	// answer that its client may not have read yet.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// patience bounds what takes no time when all is well.
const patience = 2 * time.Minute

// host is a flow.Host with listeners as a process has them.
type host struct {
	*flowtest.Host
	set *listen.Set
}

func (h host) Handle(spec flow.ListenSpec, handler http.Handler) (stop func(), err error) {
	route, err := h.set.Handle(h, spec, handler)
	if err != nil {
		return nil, err
	}
	return route.Close, nil
}

// fixture is a running http_server.
type fixture struct {
	t    testing.TB
	host *flowtest.Host
	addr string
	url  string
	end  context.CancelFunc // asks for a graceful end
	done chan error         // what Run returned
	http *http.Client

	server *server
}

// settings are what a test wants to be different.
type settings struct {
	flowtest.Options
	config func(*ServerConfig)
	out    flow.Sink // where events go; back when nil
}

// start runs an http_server whose `out` leads to its own `in`, with the codec json.
func start(t testing.TB, o settings) *fixture {
	t.Helper()
	config := Specs[0].Config().(*ServerConfig)
	config.ConnectTimeout = setting.Duration(patience) // for which a connection waits for its next request, too
	addr := flowtest.FreeAddress(t)
	if err := config.URL.UnmarshalText([]byte(addr)); err != nil {
		t.Fatal(err)
	}
	if o.config != nil {
		o.config(config)
	}
	connector, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	o.Shape, o.Component = config.Shape(), &flow.Component{Boot: "node.1", Flow: "test", Kind: "connector", Type: "http_server", Name: "edge"}
	if o.Codec.New == nil {
		o.Codec = codec(t, "json")
	}
	h := flowtest.NewHost(t, o.Options)
	set := listen.New(h.Log())
	if o.out == nil {
		o.out = h.Table.In(flow.Reply, false)
	}
	h.Table.Out().Connect(o.out)
	s := connector.(*server)
	if err := s.Prepare(t.Context(), host{h, set}); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	f := &fixture{t: t, host: h, addr: addr, url: "http://" + addr, end: end, done: make(chan error, 1), server: s}
	transport := &http.Transport{MaxIdleConnsPerHost: 2000}
	f.http = &http.Client{Transport: transport, Timeout: patience}
	go func() {
		f.done <- s.Run(ctx, host{h, set})
		s.Release()
	}()
	t.Cleanup(func() {
		end()
		f.wait()
		transport.CloseIdleConnections()
		set.Close()
		if opened, closed := h.Opened(), h.Closed(); opened != closed {
			t.Errorf("%d links were opened and %d closed", opened, closed)
		}
	})
	return f
}

func codec(t testing.TB, name string) flow.CodecUse {
	for _, spec := range codecs.All {
		if spec.Name != name {
			continue
		}
		config := spec.Config()
		make, err := config.New()
		if err != nil {
			t.Fatal(err)
		}
		use := flow.CodecUse{Type: name, New: make, Text: config.Text()}
		if m, ok := config.(flow.MediaTyper); ok {
			use.MediaType = m.MediaType()
		}
		return use
	}
	t.Fatalf("no codec %s", name)
	panic("unreachable")
}

// lines is the processor separate, both ways.
func lines(t testing.TB) (pre, post []flow.ProcessorUse) {
	t.Helper()
	for _, spec := range preprocessors.All {
		if spec.Name == "separate" {
			in, out, err := spec.Config().New()
			if err != nil {
				t.Fatal(err)
			}
			return []flow.ProcessorUse{{Type: "separate", New: in, Text: true}}, []flow.ProcessorUse{{Type: "separate", New: out, Text: true}}
		}
	}
	panic("unreachable")
}

func (f *fixture) wait() {
	f.t.Helper()
	select {
	case err := <-f.done:
		f.done <- err
		if err != nil {
			f.t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		f.t.Fatal("the server does not end")
	}
}

// do sends a request, and returns the answer with its body.
func (f *fixture) do(method, path, body string, header ...string) (*http.Response, string) {
	f.t.Helper()
	r, text, err := f.try(method, path, body, header...)
	if err != nil {
		f.t.Fatal(err)
	}
	return r, text
}

func (f *fixture) try(method, path, body string, header ...string) (*http.Response, string, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	q, err := http.NewRequestWithContext(context.Background(), method, f.url+path, reader)
	if err != nil {
		return nil, "", err
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Add(header[i], header[i+1])
	}
	r, err := f.http.Do(q)
	if err != nil {
		return nil, "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r, string(text), err
}

func (f *fixture) expect(method, path, body string, status int, want string) *http.Response {
	f.t.Helper()
	r, got := f.do(method, path, body)
	if r.StatusCode != status || got != want {
		f.t.Errorf("%s %s: %d %q, want %d %q", method, path, r.StatusCode, got, status, want)
	}
	return r
}

// raw is a client that writes its own bytes.
func (f *fixture) raw(text string) (net.Conn, *bufio.Reader) {
	f.t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		f.t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// answer reads an answer.
func answer(t testing.TB, r *bufio.Reader) (*http.Response, string) {
	t.Helper()
	a, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatalf("the body: %v", err)
	}
	return a, string(body)
}

// reply makes of each event the one that f returns, and sends it on.
type reply struct {
	to flow.Sink
	f  func(e *flow.Event)
}

func (r *reply) Send(ctx context.Context, batch []flow.Event) error {
	made := append([]flow.Event{}, batch...)
	for i := range made {
		r.f(&made[i])
	}
	return r.to.Send(ctx, made)
}

// answering runs a server whose flow changes events by f and sends them back.
func answering(t testing.TB, config func(*ServerConfig), f func(e *flow.Event)) *fixture {
	t.Helper()
	r := &reply{f: f}
	fix := start(t, settings{config: config, out: r})
	r.to = fix.host.Table.In(flow.Reply, false)
	return fix
}

// write is what a flow writes into meta.http_server.
func write(e *flow.Event, fields ...flow.Field) {
	e.Meta.Wrote = flow.ObjectOf(flow.Field{Key: "http_server", Value: flow.MapOf(flow.ObjectOf(fields...))})
}

func TestEchoes(t *testing.T) {
	f := start(t, settings{})
	for _, size := range []int{0, 1, 2000, 2047, 2048, 5000, 70_000, 900_000} {
		body := `"` + strings.Repeat("x", size) + `"`
		r := f.expect("POST", "/", body, 200, body)
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type %q", got)
		}
		if r.ContentLength != int64(len(body)) {
			t.Errorf("Content-Length %d of %d", r.ContentLength, len(body))
		}
	}
	f.expect("GET", "/", "", 200, "null")
	f.expect("POST", "/", "", 200, "null")
	f.expect("DELETE", "/", "", 200, "null")
	f.expect("HEAD", "/", "", 200, "")
	f.expect("GET", "/other", "", 404, "Not Found\n")
	if r, body := f.do("OPTIONS", "/", ""); r.StatusCode != 204 || r.Header.Get("Allow") != "DELETE, GET, HEAD, PATCH, POST, PUT, OPTIONS" || body != "" {
		t.Errorf("OPTIONS: %d, Allow %q, %q", r.StatusCode, r.Header.Get("Allow"), body)
	}
}

func TestChunkedBodies(t *testing.T) {
	f := start(t, settings{})
	for _, c := range []struct{ body, want string }{
		{"3\r\n{\"a\r\n5\r\n\":1}\n\r\n0\r\n\r\n", `{"a":1}`},
		{"0\r\n\r\n", "null"},
	} {
		_, r := f.raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + c.body)
		if a, got := answer(t, r); a.StatusCode != 200 || got != c.want {
			t.Errorf("%d %q, want %q", a.StatusCode, got, c.want)
		}
	}
	_, r := f.raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")
	if a, got := answer(t, r); a.StatusCode != 400 || !strings.Contains(got, "malformed_body") {
		t.Errorf("broken chunks: %d %q", a.StatusCode, got)
	}
}

func TestExpectContinue(t *testing.T) {
	f := start(t, settings{config: func(c *ServerConfig) { c.MaxBody = 10 }})
	c, r := f.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
	if line, err := r.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if line, err := r.ReadString('\n'); err != nil || line != "\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	fmt.Fprint(c, "42")
	if a, got := answer(t, r); a.StatusCode != 200 || got != "42" {
		t.Errorf("%d %q", a.StatusCode, got)
	}
	// Who is refused need not send it.
	_, r = f.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
	if a, _ := answer(t, r); a.StatusCode != 413 {
		t.Errorf("%d", a.StatusCode)
	}
}

// What the flow writes about a reply is how it is answered.
func TestStatusAndHeaders(t *testing.T) {
	f := answering(t, func(c *ServerConfig) { c.Headers = map[string]string{"x-server": "flow", "x-both": "config"} }, func(e *flow.Event) {
		e.SetPayload(flow.TextOf("gone"))
		write(e,
			flow.Field{Key: "status", Value: flow.IntOf(410)},
			flow.Field{Key: "headers", Value: flow.MapOf(flow.ObjectOf(
				flow.Field{Key: "x-both", Value: flow.TextOf("flow")},
				flow.Field{Key: "content-type", Value: flow.TextOf("text/x")},
				flow.Field{Key: "set-cookie", Value: flow.ListOf([]flow.Value{flow.TextOf("a=1"), flow.TextOf("b=2")})},
			))},
		)
	})
	r := f.expect("GET", "/", "", 410, `"gone"`)
	for name, want := range map[string]string{"X-Server": "[flow]", "X-Both": "[flow]", "Content-Type": "[text/x]", "Set-Cookie": "[a=1 b=2]"} {
		if got := fmt.Sprint(r.Header[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestStatusWithoutABody(t *testing.T) {
	f := answering(t, nil, func(e *flow.Event) { write(e, flow.Field{Key: "status", Value: flow.IntOf(204)}) })
	f.expect("GET", "/", "", 204, "")
	f.expect("POST", "/", "1", 204, "") // by the same connection
}

// What cannot be sent is a problem of the flow's, of which the client hears nothing.
func TestWhatCannotBeWritten(t *testing.T) {
	for _, field := range []flow.Field{
		{Key: "status", Value: flow.IntOf(99)},
		{Key: "status", Value: flow.TextOf("200")},
		{Key: "headers", Value: flow.TextOf("x")},
		{Key: "headers", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "a b", Value: flow.TextOf("x")}))},
		{Key: "headers", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "a", Value: flow.TextOf("x\r\ny: z")}))},
		{Key: "headers", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "content-length", Value: flow.TextOf("1")}))},
		{Key: "more", Value: flow.IntOf(1)},
		{Key: "sse", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "event", Value: flow.TextOf("a\nb")}))},
		{Key: "sse", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "evnt", Value: flow.TextOf("a")}))},
	} {
		f := answering(t, nil, func(e *flow.Event) { write(e, field) })
		f.expect("GET", "/", "", 200, "") // err has taken it
		if n := len(f.host.Err.Events()); n != 1 {
			t.Errorf("%s: %d problems", field.Key, n)
		}
	}
}

// Without a reply, the answer says that all is delivered.
func TestDelivered(t *testing.T) {
	got := &flowtest.Sink{}
	f := start(t, settings{out: got, config: func(c *ServerConfig) { c.Status = 202 }})
	f.expect("POST", "/", `{"a":1}`, 202, "")
	if events := got.Events(); len(events) != 1 || string(events[0].Raw) != `{"a":1}` {
		t.Errorf("delivered %v", events)
	}
}

type failing struct{ err error }

func (f failing) Send(context.Context, []flow.Event) error { return f.err }

type panicking struct{}

func (panicking) Send(context.Context, []flow.Event) error { panic("oh") }

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		out    flow.Sink
		body   string
		status int
		want   string
	}{
		{&flowtest.Sink{}, "{", 400, `{"error":"unreadable","message":"decode a message as JSON: `},
		{failing{flow.ErrClosed}, "1", 503, `{"error":"not_delivered","message":"the request cannot be dealt with now"}`},
		{failing{io.ErrShortWrite}, "1", 500, `{"error":"not_delivered","message":"the request could not be dealt with"}`},
		{panicking{}, "1", 500, `{"error":"not_delivered","message":"the request could not be dealt with"}`},
	} {
		f := start(t, settings{out: c.out})
		f.host.Table.Out().Connect(c.out)
		f.disconnectErr()
		r, got := f.do("POST", "/", c.body)
		if r.StatusCode != c.status || !strings.HasPrefix(got, c.want) || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%d %s, want %d %s", r.StatusCode, got, c.status, c.want)
		}
		if (c.status == 503) != (r.Header.Get("Retry-After") != "") {
			t.Errorf("%d: Retry-After %q", c.status, r.Header.Get("Retry-After"))
		}
	}
}

func TestLimitsOfBodies(t *testing.T) {
	f := start(t, settings{config: func(c *ServerConfig) {
		c.MaxBody = 100
		c.Accept = []string{"application/json", "text/*"}
	}})
	long := `"` + strings.Repeat("x", 100) + `"`
	for _, c := range []struct {
		contentType, body string
		chunked           bool
		status            int
	}{
		{"application/json; charset=utf-8", `"x"`, false, 200},
		{"text/plain", `"x"`, false, 200},
		{"application/x-yaml", `"x"`, false, 415},
		{"", `"x"`, false, 415},
		{"text/plain", long[:100], false, 400}, // of the right length, but no JSON
		{"text/plain", long, false, 413},
		{"text/plain", long, true, 413},
	} {
		q, _ := http.NewRequest("POST", f.url+"/", strings.NewReader(c.body))
		if c.chunked {
			q.Body, q.ContentLength = io.NopCloser(bytes.NewReader([]byte(c.body))), -1
		}
		q.Header.Set("Content-Type", c.contentType)
		f.disconnectErr()
		r, err := f.http.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != c.status {
			t.Errorf("%s, %d bytes: %d, want %d", c.contentType, len(c.body), r.StatusCode, c.status)
		}
	}
}

func TestASlowBodyIsRefused(t *testing.T) {
	f := start(t, settings{config: func(c *ServerConfig) { c.BodyTimeout = setting.Duration(50 * time.Millisecond) }})
	_, r := f.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123")
	a, body := answer(t, r)
	if a.StatusCode != 408 || !strings.Contains(body, "body_too_slow") || !a.Close {
		t.Errorf("%d %q, close %v", a.StatusCode, body, a.Close)
	}
}

// disconnectErr makes err take nothing.
func (f *fixture) disconnectErr() {
	f.host.Err.Refuse = func(*flow.Event) error { return io.ErrClosedPipe }
}
