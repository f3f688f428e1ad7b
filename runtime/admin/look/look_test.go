package look

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// way is where events pass. Whoever looks on stands between send and nothing.
type way struct {
	mu   sync.Mutex
	taps map[engine.Tap]flow.Sink
}

type nothing struct{}

func (nothing) Send(context.Context, []flow.Event) error { return nil }

func (w *way) tap(_ engine.NamedPlace, t engine.Tap) (func(), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taps[t] = t.Through(nothing{})
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.taps, t)
	}, nil
}

func (w *way) send(v ...flow.Value) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.taps {
		for _, v := range v {
			_ = s.Send(context.Background(), []flow.Event{{Value: v}})
		}
	}
}

func (w *way) looked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.taps)
}

func (w *way) gone() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for t := range w.taps {
		t.Gone()
	}
}

// world is a server of taps, over HTTP.
type world struct {
	*Server
	way  *way
	http *httptest.Server
	logs *observer.ObservedLogs
}

func start(t *testing.T, change ...func(*flowfile.AdminTap)) *world {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	w := &world{way: &way{taps: map[engine.Tap]flow.Sink{}}, logs: logs}
	settings := flowfile.DefaultAdmin().Tap
	for _, c := range change {
		c(&settings)
	}
	s := New(Options{
		Settings: settings,
		Places: func() []engine.NamedPlace {
			return []engine.NamedPlace{{Flow: "a", Place: "connect.echo"}, {Flow: "a", Place: `connector.edge["x/y"].out`}, {Flow: "b", Place: "connect.echo"}, {Flow: "b", Place: "connect.b"}}
		},
		Tap: w.way.tap, Nearest: source.Nearest, Log: zap.New(core),
	})
	w.Server = s
	w.http = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if refusal := s.Serve(rw, r, strings.TrimPrefix(r.URL.Path, "/"), []zap.Field{zap.String("client", "me")}); refusal != nil {
			http.Error(rw, refusal.Code+": "+refusal.Message, refusal.Status)
		}
	}))
	t.Cleanup(func() {
		s.End()
		w.http.CloseClientConnections()
		w.http.Close()
	})
	return w
}

// stream is what one client gets.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	stop  func()
}

func (w *world) look(t *testing.T, query string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+"/b/connect.echo"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); answer.Body.Close() })
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s: %s", answer.Status, body)
	}
	return &stream{t, bufio.NewScanner(answer.Body), cancel}
}

type message struct {
	Type string
	Data map[string]any
}

// next is the next message, of these types if any are given.
func (s *stream) next(types ...string) message {
	s.t.Helper()
	for s.lines.Scan() {
		text, is := strings.CutPrefix(s.lines.Text(), "data: ")
		if !is {
			continue
		}
		var m message
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
		for _, typ := range types {
			if m.Type == typ {
				return m
			}
		}
		if len(types) == 0 {
			return m
		}
	}
	s.t.Fatalf("the stream has ended: %v", s.lines.Err())
	return message{}
}

func TestWhatAClientSees(t *testing.T) {
	w := start(t, func(s *flowfile.AdminTap) { s.Redact = []string{"event.iban"} })
	s := w.look(t, "?limit=3&rate=7&token=secret")
	if m := s.next(); m.Type != "tap.begin" || fmt.Sprint(m.Data) != "map[flow:b limit:3 max_size:65536 place:connect.echo rate:7 sample:1]" {
		t.Errorf("%+v", m)
	}
	w.way.send(flow.MapOf(flow.ObjectOf(flow.Field{Key: "iban", Value: flow.TextOf("x")}, flow.Field{Key: "n", Value: flow.IntOf(1)})))
	if m := s.next(); m.Type != "tap.event" || fmt.Sprint(m.Data["event"]) != "map[iban:[redacted] n:1]" {
		t.Errorf("%+v", m)
	}
	w.way.send(flow.IntOf(2), flow.IntOf(3), flow.IntOf(4))
	s.next("tap.event")
	s.next("tap.event")
	if m := s.next(); m.Type != "tap.end" || m.Data["reason"] != "limit" || m.Data["shown"] != 3.0 || m.Data["passed"].(float64) < 3 {
		t.Errorf("%+v", m)
	}
	if s.lines.Scan(); s.lines.Scan() {
		t.Errorf("after the end: %s", s.lines.Text())
	}
	begun, ended := w.logs.FilterMessageSnippet("looks on at").All(), w.logs.FilterMessageSnippet("looks on no more").All()
	if len(begun) != 1 || len(ended) != 1 {
		t.Fatalf("%d and %d lines in the log", len(begun), len(ended))
	}
	for _, line := range []observer.LoggedEntry{begun[0], ended[0]} {
		if f := line.ContextMap(); f["client"] != "me" || f["place"] != "b/connect.echo" {
			t.Errorf("%v", f)
		}
	}
}

func TestWhyItEnds(t *testing.T) {
	for why, end := range map[string]func(*world){
		"gone":   func(w *world) { w.way.gone() },
		"ending": func(w *world) { w.End() },
	} {
		w := start(t)
		s := w.look(t, "")
		s.next("tap.begin")
		end(w)
		if m := s.next(); m.Type != "tap.end" || m.Data["reason"] != why {
			t.Errorf("%s: %+v", why, m)
		}
		w.untilNobodyLooks(t)
	}
	w := start(t)
	s := w.look(t, "")
	s.stop()
	w.untilNobodyLooks(t)
}

func (w *world) untilNobodyLooks(t *testing.T) {
	t.Helper()
	flowtest.Until(t, "nobody looks on", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.open == 0 && w.way.looked() == 0
	})
}

func TestCountsAreTold(t *testing.T) {
	w := start(t)
	s := w.look(t, "?rate=1")
	s.next("tap.begin")
	w.way.send(flow.IntOf(1), flow.IntOf(2), flow.IntOf(3))
	m := s.next("tap.counts")
	for m.Data["passed"] != 3.0 || m.Data["shown"] == 0.0 { // told while they pass, and before the first is shown
		m = s.next("tap.counts")
	}
	if m.Data["shown"] != 1.0 || m.Data["over_rate"] != 2.0 {
		t.Errorf("%+v", m)
	}
}

// TestAClientThatReadsNothing shows that who sends does not wait for it, and that it
// is ended.
func TestAClientThatReadsNothing(t *testing.T) {
	w := start(t, func(s *flowfile.AdminTap) { s.MaxRate = 1 << 30; s.MaxSize = 1 << 20 })
	w.patience = 100 * time.Millisecond
	s := w.look(t, fmt.Sprintf("?rate=%d", 1<<30))
	s.next("tap.begin")
	large := flow.TextOf(strings.Repeat("x", 100_000))
	for w.way.looked() > 0 {
		w.way.send(large)
	}
	w.untilNobodyLooks(t)
	ended := w.logs.FilterMessageSnippet("looks on no more").All()
	if len(ended) != 1 || ended[0].ContextMap()["reason"] != "client" {
		t.Errorf("%v", ended)
	}
}

func TestRefusals(t *testing.T) {
	w := start(t, func(s *flowfile.AdminTap) { s.MaxClients = 1; s.MaxRate = 50 })
	for path, want := range map[string]string{
		"/connect.ech":                    `404 unknown_place: events pass no place "connect.ech", did you mean "a/connect.echo"?; they pass a/connect.echo, connector.edge["x/y"].out, b/connect.echo, connect.b`,
		"/":                               `404 unknown_place: events pass no place ""; they pass `,
		"/c/connect.b":                    `404 unknown_place: `,
		"/connect.echo":                   `409 ambiguous_place: several flows have a place "connect.echo": write a/connect.echo or b/connect.echo`,
		"/connect.b?sample=0":             "400 bad_parameter: sample is ",
		"/connect.b?sample=1.1":           "400 bad_parameter: sample is ",
		"/connect.b?sample=NaN":           "400 bad_parameter: sample is ",
		"/connect.b?rate=51":              "400 bad_parameter: rate is \"51\": write how many events a second, from 1 to 50 ",
		"/connect.b?rate=0":               "400 bad_parameter: rate is ",
		"/connect.b?limit=-1":             "400 bad_parameter: limit is ",
		"/connect.b?limit=1&limit=2":      "400 bad_parameter: limit is there 2 times",
		"/connect.b?samples=1":            `400 bad_parameter: there is no parameter "samples": the parameters are sample, rate, limit`,
		"/" + strings.Repeat("x", 10_000): `404 unknown_place: events pass no place "xxx`,
	} {
		answer, err := http.Get(w.http.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if got := fmt.Sprint(answer.StatusCode, " ", strings.TrimSpace(string(body))); !strings.HasPrefix(got, want) || len(got) > 1000 {
			t.Errorf("%.50s: %.300s", path, got)
		}
	}
	s := w.look(t, "")
	s.next("tap.begin")
	_, refusal := w.enter()
	if refusal == nil || refusal.Status != http.StatusServiceUnavailable || refusal.RetryAfter == 0 {
		t.Errorf("one too many: %v", refusal)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestSpelling(t *testing.T) {
	w := start(t)
	for name, want := range map[string]string{
		"connect.b": "b/connect.b", "b/connect.b": "b/connect.b", "a/connect.echo": "a/connect.echo",
		`connector.edge["x/y"].out`: `a/connector.edge["x/y"].out`, `a/connector.edge["x/y"].out`: `a/connector.edge["x/y"].out`,
	} {
		if at, refusal := w.find(name); refusal != nil || at.String() != want {
			t.Errorf("%s: %s, %v", name, at, refusal)
		}
	}
}

// FuzzRequest shows that whatever a client writes finds a place that there is, within
// the bounds, or is refused.
func FuzzRequest(f *testing.F) {
	f.Add("connect.b", "sample=0.5&rate=1")
	f.Add(`a/connector.edge["x/y"].out`, "limit=1&token=x")
	f.Add("\x00/\xff", "rate=%zz&sample=1e-400")
	settings := flowfile.DefaultAdmin().Tap
	places := []engine.NamedPlace{{Flow: "a", Place: "connect.echo"}, {Flow: "b", Place: "connect.echo"}, {Flow: "b", Place: "connect.b"}}
	s := New(Options{Settings: settings, Places: func() []engine.NamedPlace { return places }, Nearest: source.Nearest, Log: zap.NewNop()})
	f.Fuzz(func(t *testing.T, name, text string) {
		at, refusal := s.find(name)
		if refusal == nil && at.String() != name && string(at.Place) != name || tooLong(refusal) {
			t.Errorf("%q: %s, %v", name, at, refusal)
		}
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		q, refusal := s.parse(values)
		if tooLong(refusal) || refusal == nil && !(q.Sample > 0 && q.Sample <= 1 && q.Rate >= 1 && q.Rate <= settings.MaxRate && q.Limit >= 0 && q.MaxSize == int(settings.MaxSize)) {
			t.Errorf("%q: %+v, %v", text, q, refusal)
		}
	})
}

func tooLong(r *access.Refusal) bool { return r != nil && len(r.Message) > 2000 }
