package http

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// feed runs a server of streams.
func feed(t testing.TB, config func(*ServerConfig)) *fixture {
	return start(t, settings{Options: flowtest.Options{Codec: codec(t, "string")}, config: func(c *ServerConfig) {
		c.SSE = &SSE{}
		if config != nil {
			config(c)
		}
	}})
}

// listener is a client of a stream.
type listener struct {
	t    testing.TB
	conn net.Conn
	r    *http.Response
	body *bufio.Reader
}

func (f *fixture) listen(header ...string) *listener {
	f.t.Helper()
	before := f.host.Opened()
	c, r := f.raw("GET / HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(header, ""), "\r\n") + "\r\n")
	a, err := http.ReadResponse(r, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if a.StatusCode != 200 {
		f.t.Fatal(a.Status)
	}
	f.host.WaitOpen(before+1, nil)
	return &listener{f.t, c, a, bufio.NewReader(a.Body)}
}

func (l *listener) expect(want string) {
	l.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(l.body, got); err != nil || string(got) != want {
		l.t.Fatalf("%q %v, want %q", got[:n], err, want)
	}
}

// end expects that nothing more comes.
func (l *listener) end() {
	l.t.Helper()
	if rest, err := io.ReadAll(l.body); err != nil || len(rest) > 0 {
		l.t.Errorf("at the end %q %v", rest, err)
	}
}

func (f *fixture) broadcast(events ...flow.Event) {
	f.t.Helper()
	if err := f.host.Table.In(flow.Broadcast, false).Send(context.Background(), events); err != nil {
		f.t.Error(err)
	}
}

func TestAStream(t *testing.T) {
	f := feed(t, func(c *ServerConfig) {
		c.SSE.Retry = setting.Duration(2 * time.Second)
		c.Headers = map[string]string{"x-server": "flow"}
	})
	a, b := f.listen(), f.listen()
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no", "X-Server": "flow",
	} {
		if got := a.r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	f.broadcast(text("one"), text("two\r\nlines\rand a third"), text("with fields", flow.Field{Key: "sse", Value: flow.MapOf(flow.ObjectOf(
		flow.Field{Key: "event", Value: flow.TextOf("price")},
		flow.Field{Key: "id", Value: flow.TextOf("7")},
		flow.Field{Key: "retry", Value: flow.IntOf(100)},
	))}), text("ends\n"), text(""))
	for _, l := range []*listener{a, b} {
		l.expect("retry: 2000\n\n" +
			"data: one\n\n" +
			"data: two\ndata: lines\ndata: and a third\n\n" +
			"retry: 100\n\nid: 7\nevent: price\ndata: with fields\n\n" +
			"data: ends\n\n" +
			"data: \n\n")
	}
	f.end()
	a.end()
	b.end()
	f.wait()
}

// A client of HTTP/1.0 knows no chunks: the stream ends with the connection.
func TestAStreamOfOldTimes(t *testing.T) {
	f := feed(t, nil)
	_, r := f.raw("GET / HTTP/1.0\r\n\r\n")
	a, err := http.ReadResponse(r, nil)
	if err != nil || a.TransferEncoding != nil {
		t.Fatal(a, err)
	}
	f.host.WaitOpen(1, nil)
	f.broadcast(text("one"))
	f.end()
	if got, err := io.ReadAll(a.Body); err != nil || string(got) != "data: one\n\n" {
		t.Errorf("%q %v", got, err)
	}
}

func TestHeartbeats(t *testing.T) {
	f := feed(t, func(c *ServerConfig) { c.SSE.Heartbeat = setting.Duration(20 * time.Millisecond) })
	l := f.listen()
	l.expect(": \n\n: \n\n")
	f.broadcast(text("one"))
	for {
		line, err := l.body.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "data: one\n" {
			return
		}
	}
}

func TestAStreamIsEndedByTheFlow(t *testing.T) {
	f := feed(t, nil)
	l := f.listen()
	f.broadcast(text("last", flow.Field{Key: "close", Value: flow.BoolOf(true)}))
	l.expect("data: last\n\n")
	l.end()
	wait(t, "the end", func() bool { return f.host.Closed() == 1 })
}

func TestAClientLeavesItsStream(t *testing.T) {
	f := feed(t, nil)
	l := f.listen()
	_ = l.conn.Close()
	wait(t, "the end", func() bool { return f.host.Closed() == 1 })
	f.broadcast(text("nobody hears it"))
}

// The opening of a stream is an event, which may be answered; and so is its end.
func TestLifecycle(t *testing.T) {
	f := feed(t, func(c *ServerConfig) { c.Life = true })
	got := &flowtest.Sink{}
	f.host.Table.Out().Connect(both{got, &reply{to: f.host.Table.In(flow.Reply, false), f: func(e *flow.Event) { e.SetPayload(flow.TextOf("welcome")) }}})
	l := f.listen()
	l.expect("data: welcome\n\n")
	_ = l.conn.Close()
	wait(t, "both", func() bool { return len(got.Events()) == 2 })
	for i, want := range []string{"open", "close"} {
		e := got.Events()[i]
		said, _ := e.MetaValue().Get("http_server")
		if v, _ := said.Object().Get("event"); v.Text() != want {
			t.Errorf("event %d is %q, want %q", i, v.Text(), want)
		}
	}
}

type both [2]flow.Sink

func (b both) Send(ctx context.Context, batch []flow.Event) error {
	if err := b[0].Send(ctx, batch); err != nil {
		return err
	}
	return b[1].Send(ctx, batch)
}

// A client that does not read is cut, and delays nobody.
func TestASlowClient(t *testing.T) {
	f := feed(t, func(c *ServerConfig) { c.Queue.MaxEvents = 10 })
	slow, quick := f.listen(), f.listen()
	big := strings.Repeat("x", 100_000)
	sent := 0
	for ; f.host.Table.Stats().Slow == 0; sent++ {
		if sent == 1000 {
			t.Fatal("it is still there")
		}
		f.broadcast(text(big))
		quick.expect("data: " + big + "\n\n")
	}
	wait(t, "the end of the slow one", func() bool { return f.host.Closed() == 1 })
	if _, err := io.Copy(io.Discard, slow.body); err == nil {
		t.Error("it was taken for a whole stream")
	}
	f.broadcast(text("still here"))
	quick.expect("data: still here\n\n")
}

func TestAWriteThatTakesTooLong(t *testing.T) {
	f := feed(t, func(c *ServerConfig) {
		c.Queue.WriteTimeout = setting.Duration(50 * time.Millisecond)
		c.Queue.Overflow = "drop_oldest"
	})
	f.listen()
	big := strings.Repeat("x", 100_000)
	wait(t, "the end", func() bool {
		f.broadcast(text(big))
		return f.host.Closed() == 1
	})
}

// What is queued for a stream is written before it ends.
func TestDrainOfStreams(t *testing.T) {
	f := feed(t, nil)
	l := f.listen()
	var want strings.Builder
	for i := range 200 {
		f.broadcast(text(fmt.Sprint(i)))
		fmt.Fprintf(&want, "data: %d\n\n", i)
	}
	f.end()
	f.wait()
	l.expect(want.String())
	l.end()
}

func TestSpreadGoodbyes(t *testing.T) {
	o := flowtest.Options{Codec: codec(t, "string"), Farewell: flow.Farewell{Code: 1001, Spread: 100 * time.Millisecond, Message: "bye"}}
	f := start(t, settings{Options: o, config: func(c *ServerConfig) { c.SSE = &SSE{} }})
	var all []*listener
	for range 10 {
		all = append(all, f.listen())
	}
	f.end()
	for _, l := range all {
		l.expect("data: bye\n\n")
		l.end()
	}
}

// Where the time for goodbyes is over when they begin, streams are cut: nobody is told
// goodbye, nor that the stream has come to its end.
func TestAbandonedStreams(t *testing.T) {
	o := flowtest.Options{Codec: codec(t, "string"), Farewell: flow.Farewell{Code: 1001, Message: "bye"}}
	for range 30 {
		f := start(t, settings{Options: o, config: func(c *ServerConfig) { c.SSE = &SSE{} }})
		var all []*listener
		for range 10 {
			all = append(all, f.listen())
		}
		f.host.Drop()
		f.end()
		for _, l := range all {
			if rest, err := io.ReadAll(l.body); err == nil || len(rest) > 0 {
				t.Errorf("told %q, %v", rest, err)
			}
		}
		f.wait()
	}
}

// Who may not, or is one too many, gets an answer instead of a stream.
func TestStreamsAreLimited(t *testing.T) {
	f := feed(t, func(c *ServerConfig) { c.Limits.MaxConnections = 1 })
	l := f.listen()
	if r, body := f.do("GET", "/", ""); r.StatusCode != 503 || !strings.Contains(body, "too_many_connections") || r.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", r.StatusCode, body)
	}
	_ = l.conn.Close()
	wait(t, "room", func() bool {
		c, r := f.raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		defer c.Close()
		a, err := http.ReadResponse(r, nil)
		return err == nil && a.StatusCode == 200
	})
	if r, _ := f.do("POST", "/", "1"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("%d, Allow %q", r.StatusCode, r.Header.Get("Allow"))
	}
}

func TestHeadOfAStream(t *testing.T) {
	f := feed(t, nil)
	if r, _ := f.do("HEAD", "/", ""); r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %q", r.StatusCode, r.Header.Get("Content-Type"))
	}
}

func TestPages(t *testing.T) {
	f := start(t, settings{config: func(c *ServerConfig) { c.Config = access.Config{Origins: []string{"https://app.example"}} }})
	for _, c := range []struct {
		origin string
		status int
		allow  string
	}{
		{"https://app.example", 200, "https://app.example"},
		{"https://evil.example", 403, ""},
		{"", 200, ""},
	} {
		var header []string
		if c.origin != "" {
			header = []string{"Origin", c.origin}
		}
		if r, _ := f.do("POST", "/", "1", header...); r.StatusCode != c.status || r.Header.Get("Access-Control-Allow-Origin") != c.allow {
			t.Errorf("%s: %d, %q", c.origin, r.StatusCode, r.Header.Get("Access-Control-Allow-Origin"))
		}
		r, _ := f.do("OPTIONS", "/", "", append(header, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type, x-a")...)
		want := [2]string{"", ""}
		if c.allow != "" {
			want = [2]string{"DELETE, GET, PATCH, POST, PUT", "content-type, x-a"}
		}
		if got := [2]string{r.Header.Get("Access-Control-Allow-Methods"), r.Header.Get("Access-Control-Allow-Headers")}; r.StatusCode != 204 || got != want {
			t.Errorf("preflight of %s: %d %q", c.origin, r.StatusCode, got)
		}
	}
}

func TestChunks(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 255, 70_000} {
		text := strings.Repeat("x", n)
		chunk := closeChunk(append(openChunk([]byte("before")), text...), len("before"))
		if want := fmt.Sprintf("before%08x\r\n%s\r\n", n, text); string(chunk) != want {
			t.Errorf("%d bytes: %.30q", n, chunk)
		}
	}
}

// Why streams end is counted.
func TestEndingsOfStreams(t *testing.T) {
	f := feed(t, nil)
	gone, closed, told := f.listen(), f.listen(), f.listen()
	_ = gone.conn.Close()
	wait(t, "the first end", func() bool { return f.host.Closed() == 1 })
	f.broadcast(text("last", flow.Field{Key: "close", Value: flow.BoolOf(true)}))
	for _, l := range []*listener{closed, told} {
		l.expect("data: last\n\n")
		l.end()
	}
	f.listen()
	f.end()
	f.wait()
	got := map[flow.Cause]uint64{}
	for _, e := range f.host.Table.Endings() {
		got[e.Cause] += e.Count
	}
	if got[flow.EndedByPeer] != 1 || got[flow.EndedByFlow] != 2 || got[flow.EndedDrain] != 1 {
		t.Errorf("%v", got)
	}
}
