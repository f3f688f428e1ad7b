package stream

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a Server with an HTTP server before it.
type world struct {
	*Server
	t    *testing.T
	http *httptest.Server
}

func newWorld(t *testing.T, change func(*Server)) *world {
	t.Helper()
	defaults := flowfile.DefaultAdmin()
	w := &world{t: t, Server: New(Options{
		Notices: new(feed.Feed[notice.Notice]), Records: new(feed.Feed[notice.Notice]),
		Events: defaults.Events, Logs: defaults.Logs,
		Exists: func(name string) bool { return name == "edge" }, Log: zap.NewNop(),
	})}
	if change != nil {
		change(w.Server)
	}
	answer := func(serve func(http.ResponseWriter, *http.Request) *access.Refusal) http.HandlerFunc {
		return func(to http.ResponseWriter, r *http.Request) {
			if refusal := serve(to, r); refusal != nil {
				refusal.WriteTo(to)
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", answer(w.Socket))
	mux.HandleFunc("/events", answer(w.Events))
	mux.HandleFunc("/logs", answer(w.Logs))
	mux.HandleFunc("/connectors/{name}", answer(func(to http.ResponseWriter, r *http.Request) *access.Refusal {
		return w.Peers(to, r, r.PathValue("name"))
	}))
	w.http = httptest.NewServer(mux)
	t.Cleanup(func() {
		w.End()
		w.http.Close()
		w.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	return w
}

// listened waits until n clients of a feed listen.
func (w *world) listened(n int) {
	w.t.Helper()
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		w.mu.Lock()
		now := w.clients + w.subscribers
		w.mu.Unlock()
		if now == n && (n == 0 || w.Notices.Listened() || w.Records.Listened()) {
			return
		}
	}
}

func (w *world) dial(path string) *websocket.Conn {
	w.t.Helper()
	c, _, err := websocket.Dial(context.Background(), w.http.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func read(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	_, text, err := c.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// get begins to read a stream.
func (w *world) get(path string) *bufio.Scanner {
	w.t.Helper()
	answer, err := http.Get(w.http.URL + path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		w.t.Fatalf("%s: %s", answer.Status, text)
	}
	return bufio.NewScanner(answer.Body)
}

// next is the data of the next event of a stream.
func next(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return text
		}
	}
	t.Fatal("the stream has ended")
	return ""
}

func edge(typ string, n int) notice.Notice {
	return notice.Of(typ, &flow.Component{Flow: "f", Kind: "connector", Name: "edge"},
		flow.Field{Key: "id", Value: flow.TextOf("id-" + strconv.Itoa(n))}, flow.Field{Key: "peer", Value: flow.TextOf("192.168.1.2:3")},
		flow.Field{Key: "peer_host", Value: flow.TextOf("192.168.1.2")}, flow.Field{Key: "peer_port", Value: flow.IntOf(3)})
}

// without drops the time of an event.
func without(text string) string {
	var v map[string]any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	delete(v, "timestamp")
	b, _ := json.Marshal(v)
	return string(b)
}

func TestEvents(t *testing.T) {
	w := newWorld(t, nil)
	socket, lines := w.dial("/ws?types=connection.new,%20stats.update&types=config.reload"), w.get("/events?connector=edge&types=connection.new")
	w.listened(2)
	w.Notices.Publish(notice.Of(notice.StatsUpdate, nil))
	w.Notices.Publish(edge(notice.ConnectionClose, 1))
	w.Notices.Publish(edge(notice.ConnectionNew, 2))
	if got := without(read(t, socket)); got != `{"data":{},"type":"stats.update"}` {
		t.Errorf("the first is %s", got)
	}
	want := `{"data":{"id":"id-2","peer":"192.168.1.2:3","peer_host":"192.168.1.2","peer_port":3},"type":"connection.new"}`
	if got := without(read(t, socket)); got != want {
		t.Errorf("the second is %s", got)
	}
	if got := without(next(t, lines)); got != want {
		t.Errorf("of the connector it is %s", got)
	}
}

func TestPeers(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("/connectors/edge")
	w.listened(1)
	w.Notices.Publish(notice.Of(notice.StatsUpdate, nil))
	w.Notices.Publish(edge(notice.ConnectionNew, 1))
	w.Notices.Publish(edge(notice.ConnectionClose, 1))
	for _, want := range []string{
		`{"data":{"name":"192.168.1.2:3","peer_id":"id-1","virtual_ip":"192.168.1.2"},"type":"peer.joined"}`,
		`{"data":{"endpoints":[{"address":"192.168.1.2","port":3,"type":"lan"}],"peer_id":"id-1"},"type":"peer.updated"}`,
		`{"data":{"name":"192.168.1.2:3","peer_id":"id-1"},"type":"peer.left"}`,
	} {
		if got := without(read(t, c)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRecords(t *testing.T) {
	w := newWorld(t, nil)
	lines := w.get("/logs?level=warn")
	if got := next(t, lines); got != `{"type":"connected"}` {
		t.Errorf("it begins with %s", got)
	}
	w.Records.Publish(notice.Record(zap.InfoLevel, "a", flow.NullValue))
	w.Records.Publish(notice.Record(zap.ErrorLevel, "b", flow.MapOf(flow.NewObject(0))))
	if got := without(next(t, lines)); got != `{"fields":{},"level":"error","message":"b"}` {
		t.Errorf("then comes %s", got)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, func(s *Server) { s.Options.Events.MaxClients, s.Options.Logs.MaxSubscribers = 1, 1 })
	_, _ = w.dial("/ws"), w.get("/logs")
	w.listened(2)
	for path, want := range map[string]string{
		"/ws": "426 upgrade_required", "/events": "503 too_many_clients 5", "/logs": "503 too_many_clients 5",
		"/events?types=none": "400 unknown_type", "/events?connector=none": "400 unknown_connector", "/logs?level=loud": "400 unknown_level",
		"/connectors/none": "404 unknown_connector", "/connectors/edge": "426 upgrade_required", "/connectors/edge?types=stats.update": "400 unknown_type",
	} {
		answer, err := http.Get(w.http.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Error, Message string }
		_ = json.NewDecoder(answer.Body).Decode(&body)
		_ = answer.Body.Close()
		got := strings.TrimSpace(fmt.Sprintf("%d %s %s", answer.StatusCode, body.Error, answer.Header.Get("Retry-After")))
		if got != want || body.Message == "" {
			t.Errorf("%s: %s (%s), want %s", path, got, body.Message, want)
		}
	}
	if _, answer, err := websocket.Dial(context.Background(), w.http.URL+"/ws", nil); err == nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one WebSocket too many: %v", err)
	}
}

func TestRoomIsGivenBack(t *testing.T) {
	w := newWorld(t, func(s *Server) { s.Options.Events.MaxClients = 1 })
	for range 3 {
		c := w.dial("/ws")
		w.listened(1)
		_ = c.Close(websocket.StatusNormalClosure, "")
		w.listened(0)
	}
	if w.Notices.Listened() {
		t.Error("somebody still listens")
	}
}

func TestPingsAreAnswered(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("/ws")
	for _, text := range []string{"hello", "ping"} {
		if err := c.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, c); got != "pong" {
		t.Errorf("%q", got)
	}
}

// TestWhoSaysNothing has clients of which one answers pings, and one does not.
func TestWhoSaysNothing(t *testing.T) {
	for timeout := 200 * time.Millisecond; ; timeout *= 2 {
		switch text := saysNothing(t, timeout); {
		case strings.Contains(text, notice.StatsUpdate):
			return
		case timeout > 20*time.Second: // no machine is that busy
			t.Fatalf("who does: %q", text)
		}
	}
}

// saysNothing returns what is told to who answers pings, when the other one is gone.
func saysNothing(t *testing.T, timeout time.Duration) string {
	t.Helper()
	w := newWorld(t, func(s *Server) { s.Options.Events.ReadTimeout = setting.Duration(timeout) })
	alive := w.dial("/ws?types=stats.update")
	deaf, _, err := websocket.Dial(context.Background(), w.http.URL+"/ws", &websocket.DialOptions{
		OnPingReceived: func(context.Context, []byte) bool { return false },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.CloseNow() //nolint:errcheck // it has ended
	heard := make(chan string, 1)
	go func() {
		_, text, _ := alive.Read(context.Background())
		heard <- string(text)
	}()
	_, _, err = deaf.Read(context.Background())
	if websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("who answers no ping: %v", err)
	}
	w.Notices.Publish(notice.Of(notice.StatsUpdate, nil))
	return <-heard
}

// TestWhoTakesNothing is cut, and who publishes does not wait for that.
func TestWhoTakesNothing(t *testing.T) {
	w := newWorld(t, func(s *Server) { s.write = 100 * time.Millisecond })
	c := w.dial("/ws")
	answer, err := http.Get(w.http.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	w.listened(2)
	long := notice.Of(notice.StatsUpdate, nil, flow.Field{Key: "text", Value: flow.TextOf(strings.Repeat("x", 256<<10))})
	for tick := time.NewTicker(time.Millisecond); w.Notices.Listened(); <-tick.C {
		w.Notices.Publish(long)
	}
	w.listened(0)
	_ = c.CloseNow()
}

func TestWhatFindsNoRoomIsTold(t *testing.T) {
	s := New(Options{})
	defer s.cut()
	from := s.Notices.Subscribe(2)
	defer from.Close()
	for n := range 5 {
		s.Notices.Publish(edge(notice.ConnectionNew, n))
	}
	var to kept
	_ = s.pump(context.Background(), from, &events{}, &to, time.Hour)
	if len(to) != 3 || !strings.Contains(to[1], "id-1") || without(to[2]) != `{"data":{"count":3},"type":"events.lost"}` {
		t.Errorf("%q", to)
	}
}

// kept keeps what is written, until it is flushed.
type kept []string

func (k *kept) add(text []byte) { *k = append(*k, string(text)) }
func (k *kept) flush() error    { return io.EOF }
func (k *kept) beat() error     { return nil }

// TestTheEnd has clients that answer a goodbye, and some that do not.
func TestTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	c, silent, lines := w.dial("/ws"), w.dial("/ws"), w.get("/logs")
	w.listened(3)
	w.Notices.Publish(notice.Of(notice.StatsUpdate, nil))
	w.End()
	if got := read(t, c); !strings.Contains(got, notice.StatsUpdate) {
		t.Errorf("what was told before is %s", got)
	}
	if _, _, err := c.Read(context.Background()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("it ends with %v", err)
	}
	next(t, lines)
	if lines.Scan(); lines.Scan() {
		t.Errorf("the other goes on with %q", lines.Text())
	}
	w.Wait() // for the silent one, too
	_ = silent.CloseNow()
	if _, _, err := websocket.Dial(context.Background(), w.http.URL+"/ws", nil); err == nil {
		t.Error("another one is let in")
	}
}
