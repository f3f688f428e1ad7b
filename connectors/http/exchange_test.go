package http

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

func text(s string, fields ...flow.Field) flow.Event {
	e := flow.Event{Value: flow.TextOf(s)}
	if len(fields) > 0 {
		write(&e, fields...)
	}
	return e
}

var more = flow.Field{Key: "more", Value: flow.BoolOf(true)}

// later is a flow that keeps events, to reply to them later.
type later struct{ events chan flow.Event }

func (l later) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		l.events <- batch[i].Held()
	}
	return nil
}

// reply answers the next event, with texts.
func (l later) reply(t testing.TB, f *fixture, replies ...flow.Event) {
	t.Helper()
	e := <-l.events
	for i := range replies {
		replies[i].Origin = e.Origin
		if err := f.host.Table.In(flow.Reply, false).Send(context.Background(), replies[i:i+1]); err != nil {
			t.Error(err)
		}
	}
}

// replying runs a server whose flow replies later.
func replying(t testing.TB, timeout time.Duration) (*fixture, later) {
	l := later{make(chan flow.Event, 100)}
	return start(t, settings{out: l, config: func(c *ServerConfig) { c.ReplyTimeout = setting.Duration(timeout) }}), l
}

func TestAReplyThatComesLater(t *testing.T) {
	f, l := replying(t, time.Minute)
	go l.reply(t, f, text("here", flow.Field{Key: "status", Value: flow.IntOf(201)}))
	f.expect("POST", "/", "1", 201, `"here"`)
}

func TestNoReply(t *testing.T) {
	f, l := replying(t, 50*time.Millisecond)
	r, body := f.do("POST", "/", "1")
	if r.StatusCode != 504 || body != `{"error":"no_reply","message":"there was no reply in time"}`+"\n" {
		t.Errorf("%d %s", r.StatusCode, body)
	}
	// It is too late now.
	l.reply(t, f, text("late"))
	if lost := f.host.Table.Stats().Lost; lost != 1 {
		t.Errorf("%d are lost", lost)
	}
	f.expect("OPTIONS", "/", "", 204, "") // by the same connection
}

func TestMoreIsToCome(t *testing.T) {
	f, l := replying(t, time.Minute)
	go l.reply(t, f, text("a", more), text("b", more), text("c"))
	r := f.expect("POST", "/", "1", 200, `"a""b""c"`)
	if r.ContentLength != -1 && r.ContentLength != 9 {
		t.Errorf("Content-Length %d", r.ContentLength)
	}
}

// A part of an answer is there before the next one.
func TestPartsArriveAsTheyCome(t *testing.T) {
	f, l := replying(t, time.Minute)
	_, r := f.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1")
	e := <-l.events
	send := func(reply flow.Event) {
		reply.Origin = e.Origin
		if err := f.host.Table.In(flow.Reply, false).Send(context.Background(), []flow.Event{reply}); err != nil {
			t.Error(err)
		}
	}
	send(text("a", more))
	a, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	var part [3]byte
	for _, want := range []string{`"a"`, `"b"`} {
		if _, err := io.ReadFull(a.Body, part[:]); err != nil || string(part[:]) != want {
			t.Fatalf("%q %v, want %q", part, err, want)
		}
		send(text("b", more))
	}
	send(text("c"))
	if rest, err := io.ReadAll(a.Body); err != nil || string(rest) != `"b""c"` {
		t.Errorf("the rest: %q %v", rest, err)
	}
}

func TestAnAnswerThatBreaksOffIsCut(t *testing.T) {
	for timeout := 50 * time.Millisecond; ; timeout *= 2 {
		f, l := replying(t, timeout)
		go l.reply(t, f, text("a", more))
		r, body, err := f.try("POST", "/", "1")
		if err == nil && r.StatusCode == 504 && timeout < patience {
			continue // the machine was too busy for the beginning
		}
		if err == nil {
			t.Errorf("it was taken for whole: %q", body)
		}
		return
	}
}

// A broadcast answers all who wait.
func TestLongPolling(t *testing.T) {
	f, l := replying(t, time.Minute)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { f.expect("GET", "/", "", 200, `"news"`) })
	}
	for range 20 {
		<-l.events
	}
	if err := f.host.Table.In(flow.Broadcast, false).Send(context.Background(), []flow.Event{text("news")}); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// A client that goes away is not waited for.
func TestAClientThatDoesNotWait(t *testing.T) {
	f, l := replying(t, time.Minute)
	c, _ := f.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1")
	e := <-l.events
	_ = c.Close()
	wait(t, "the end of the request", func() bool { return f.host.Closed() == 1 })
	reply := []flow.Event{text("late")}
	reply[0].Origin = e.Origin
	if err := f.host.Table.In(flow.Reply, false).Send(context.Background(), reply); err != nil {
		t.Error(err)
	}
	if lost := f.host.Table.Stats().Lost; lost != 1 {
		t.Errorf("%d are lost", lost)
	}
}

// wait waits until a condition holds.
func wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	flowtest.Until(t, what+" comes", holds)
}

// streaming runs a server that takes bodies as lines.
func streaming(t testing.TB, out flow.Sink, config func(*ServerConfig)) *fixture {
	pre, post := lines(t)
	return start(t, settings{Options: flowtest.Options{Pre: pre, Post: post}, out: out, config: func(c *ServerConfig) {
		c.Body = "stream"
		if config != nil {
			config(c)
		}
	}})
}

func TestALongBodyInLines(t *testing.T) {
	f := streaming(t, nil, nil)
	var body strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&body, "{\"n\":%d}\n", i)
	}
	f.expect("POST", "/", body.String(), 200, body.String())
	f.expect("POST", "/", "1\n2", 200, "1\n2\n")
	f.expect("POST", "/", "", 200, "null\n")
}

// Of a body that is never held, more than fits arrives; a client that sends faster
// than the flow takes waits.
func TestBackpressure(t *testing.T) {
	const lines = 200_000
	line := `"` + strings.Repeat("x", 98) + "\"\n"
	gate := make(chan struct{})
	counted := &counting{gate: gate}
	f := streaming(t, counted, nil)
	c, r := f.raw(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", lines*len(line)))
	sent := make(chan int, 1)
	go func() {
		block := strings.Repeat(line, 1000)
		for range lines / 1000 {
			if _, err := io.WriteString(c, block); err != nil {
				t.Error(err)
				break
			}
			select {
			case sent <- 1:
			default:
			}
		}
		close(sent)
	}()
	<-sent
	wait(t, "the first line", func() bool { return counted.count() > 0 })
	close(gate)
	if a, body := answer(t, r); a.StatusCode != 200 || body != "" {
		t.Errorf("%d %q", a.StatusCode, body)
	}
	if n := counted.count(); n != lines {
		t.Errorf("%d of %d lines", n, lines)
	}
}

// counting is a sink that waits at its first event until the gate opens.
type counting struct {
	gate chan struct{}
	mu   sync.Mutex
	n    int
}

func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counting) Send(_ context.Context, batch []flow.Event) error {
	c.mu.Lock()
	c.n += len(batch)
	c.mu.Unlock()
	<-c.gate
	return nil
}

// What breaks off is no message, and what came before it is delivered.
func TestABodyThatBreaksOff(t *testing.T) {
	got := &flowtest.Sink{}
	f := streaming(t, got, nil)
	c, _ := f.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n1\n2\n3")
	wait(t, "the first lines", func() bool { return len(got.Events()) == 2 })
	_ = c.Close()
	wait(t, "the end", func() bool { return f.host.Closed() == 1 })
	if n, m := len(got.Events()), len(f.host.Err.Events()); n != 2 || m != 0 {
		t.Errorf("%d events and %d problems", n, m)
	}
}

// A line that cannot be read costs only itself, and the client is told.
func TestABadLine(t *testing.T) {
	got := &flowtest.Sink{}
	f := streaming(t, got, nil)
	f.disconnectErr()
	r, body := f.do("POST", "/", "1\n{\n2\n")
	if r.StatusCode != 400 || !strings.Contains(body, "unreadable") || len(got.Events()) != 2 {
		t.Errorf("%d %s, %d events", r.StatusCode, body, len(got.Events()))
	}
}

// An answer that is longer than what may be held begins before the body ends.
func TestFullDuplex(t *testing.T) {
	f := streaming(t, nil, func(c *ServerConfig) { c.Queue.MaxBytes = 10 })
	c, r := f.raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	line := func(s string) { fmt.Fprintf(c, "%x\r\n%s\n\r\n", len(s)+1, s) }
	line("11111")
	line("22222")
	a, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := bufio.NewReader(a.Body)
	if got, err := body.ReadString('\n'); err != nil || got != "11111\n" {
		t.Fatalf("%q %v", got, err)
	}
	line("33333")
	if got, err := body.ReadString('\n'); err != nil || got != "22222\n" {
		t.Fatalf("%q %v", got, err)
	}
	fmt.Fprint(c, "0\r\n\r\n")
	if got, err := io.ReadAll(body); err != nil || string(got) != "33333\n" {
		t.Fatalf("%q %v", got, err)
	}
}

func TestThousandClients(t *testing.T) {
	f := start(t, settings{})
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			for n := range 2 {
				body := fmt.Sprintf(`{"client":%d,"n":%d}`, i, n)
				r, got, err := f.try("POST", "/", body)
				if err != nil || r.StatusCode != 200 || got != body {
					t.Errorf("client %d: %q %v", i, got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// Those that have come are answered, with a goodbye; those that come later are not.
func TestDrain(t *testing.T) {
	f, l := replying(t, time.Minute)
	type result struct {
		r    *http.Response
		body string
		err  error
	}
	results := make(chan result)
	for range 10 {
		go func() {
			r, body, err := f.try("POST", "/", "1")
			results <- result{r, body, err}
		}()
	}
	var events []flow.Event
	for range 10 {
		events = append(events, <-l.events)
	}
	f.end()
	wait(t, "the end", f.server.isEnding)
	for _, e := range events {
		reply := []flow.Event{text("done")}
		reply[0].Origin = e.Origin
		_ = f.host.Table.In(flow.Reply, false).Send(context.Background(), reply)
	}
	for range 10 {
		got := <-results
		if got.err != nil {
			t.Fatal(got.err)
		}
		switch {
		case got.r.StatusCode == 200 && got.body == `"done"`:
		case got.r.StatusCode == 503 && strings.Contains(got.body, "ending"):
		default:
			t.Errorf("%d %s", got.r.StatusCode, got.body)
		}
		if !got.r.Close {
			t.Error("the connection is kept")
		}
	}
	f.wait()
}

func TestAbandon(t *testing.T) {
	f, l := replying(t, time.Minute)
	failed := make(chan error, 1)
	go func() {
		_, _, err := f.try("POST", "/", "1")
		failed <- err
	}()
	<-l.events
	slow, _ := f.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
	_ = slow
	wait(t, "both", func() bool { return f.host.Opened() == 2 })
	f.host.Drop()
	f.end()
	f.wait()
	if err := <-failed; err == nil {
		t.Error("it was answered")
	}
}

// With on_decode_error = "close", err takes a message, and its client is told and
// parted with all the same.
func TestWhoIsPartedWithForABadMessage(t *testing.T) {
	f := start(t, settings{Options: flowtest.Options{OnDecode: "close"}})
	r, body := f.do("POST", "/", "{")
	if r.StatusCode != 400 || !r.Close || !strings.Contains(body, "unreadable") || len(f.host.Err.Events()) != 1 {
		t.Errorf("%d %s, %d problems", r.StatusCode, body, len(f.host.Err.Events()))
	}
	got := &flowtest.Sink{}
	pre, post := lines(t)
	f = start(t, settings{Options: flowtest.Options{OnDecode: "close", Pre: pre, Post: post}, out: got, config: func(c *ServerConfig) { c.Body = "stream" }})
	c, a := f.raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1\n{\n\r\n")
	if r, body := answer(t, a); r.StatusCode != 400 || !strings.Contains(body, "unreadable") || !r.Close {
		t.Errorf("%d %s, close %v", r.StatusCode, body, r.Close)
	}
	_ = c.Close()
	if n := len(got.Events()); n != 1 {
		t.Errorf("%d events", n)
	}
}
