package acceptance

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/wire"
)

// collected is a collector of traces.
type collected struct {
	t     *testing.T
	url   string
	spans chan *traces.Span
}

// collectTraces takes what is sent until the test ends.
func collectTraces(t *testing.T) *collected {
	c := &collected{t: t, spans: make(chan *traces.Span, 10000)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/metrics" {
			return
		}
		if err := c.take(r); err != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

func (c *collected) take(r *http.Request) error {
	if r.URL.Path != "/v1/traces" || r.Header.Get("Authorization") != "Bearer hunter2" {
		return fmt.Errorf("it came with %v", r.Header)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return err
	}
	var request collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(raw, &request); err != nil {
		return err
	}
	for _, of := range request.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans <- s
			}
		}
	}
	return nil
}

// await returns the next spans, as many as there are names, which are those.
func (c *collected) await(names ...string) map[string]*traces.Span {
	c.t.Helper()
	got := map[string]*traces.Span{}
	for ctx := withPatience(c.t); len(got) < len(names); {
		select {
		case s := <-c.spans:
			if got[s.GetName()] != nil {
				c.t.Errorf("%s is there twice", s.GetName())
			}
			got[s.GetName()] = s
		case <-ctx.Done():
			c.t.Fatalf("there are no more spans than %v", slices.Sorted(maps.Keys(got)))
		}
	}
	for _, name := range names {
		if got[name] == nil {
			c.t.Fatalf("%s is not among %v", name, slices.Sorted(maps.Keys(got)))
		}
	}
	return got
}

// none checks that nothing more has come.
func (c *collected) none() {
	c.t.Helper()
	select {
	case s := <-c.spans:
		c.t.Errorf("there is a span %s", s.GetName())
	default:
	}
}

// reports is the block of a flow that sends traces there.
func (c *collected) reports(traces string) string {
	return `flow {
  telemetry {
    otlp {
      endpoint = "` + c.url + `"
      headers  = { authorization = "Bearer hunter2" }
      interval = "1h"
      traces {
        max_wait = "10ms"
        ` + traces + `
      }
    }
  }
}
`
}

func attributes(s *traces.Span) map[string]string {
	all := map[string]string{}
	for _, a := range s.GetAttributes() {
		all[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return all
}

// serverBehind is a WebSocket server that echoes, and tells of each handshake.
func serverBehind(t *testing.T) (url string, handshakes chan http.Header) {
	handshakes = make(chan http.Header, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handshakes <- r.Header
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, message, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http"), handshakes
}

// speaks has a client with these header fields answered once.
func speaks(t *testing.T, addr string, header map[string]string) {
	t.Helper()
	ctx := withPatience(t)
	h := http.Header{}
	for name, value := range header {
		h.Set(name, value)
	}
	c, _, err := websocket.Dial(ctx, "ws://"+addr, &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte(`{"password":"hush"}`)); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := c.Read(ctx); err != nil || string(answer) != `{"password":"hush"}` {
		t.Fatalf("%s, %v", answer, err)
	}
}

func proxied(upstream string) string {
	return `
connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}
connector "ws_client" "up" {
  url   = "` + upstream + `"
  codec = "json"
  per   = peer.id
}
pipeline "pass" {
  filter "all" { where = true }
}
connect "there" {
  from = connector.edge
  to   = pipeline.pass
}
connect "on" {
  from = pipeline.pass
  to   = connector.up
}
connect "back" {
  from = connector.up
  to   = connector.edge
}
`
}

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

// What a client names in its handshake is gone on with, hop by hop, there and back,
// and in the handshake with the server behind. What it does not want to be seen is
// not, and the server behind hears of that, too.
func TestTraces(t *testing.T) {
	c := collectTraces(t)
	url, handshakes := serverBehind(t)
	f := start(t, "", c.reports("sample = 0")+proxied(url))
	addr := f.address("edge")

	speaks(t, addr, map[string]string{"traceparent": "00-" + traceID + "-" + spanID + "-01", "tracestate": "shop=7"})
	spans := c.await("connector.edge.out", "connect.there", "connect.on", "connector.up.out", "connect.back")
	for child, parent := range map[string]string{
		"connect.there": "connector.edge.out", "connect.on": "connect.there", "connect.back": "connector.up.out", "connector.edge.out": "", "connector.up.out": "",
	} {
		s, want := spans[child], spanID
		if parent != "" {
			want = hex.EncodeToString(spans[parent].GetSpanId())
		}
		if got := hex.EncodeToString(s.GetParentSpanId()); got != want || hex.EncodeToString(s.GetTraceId()) != traceID || s.GetTraceState() != "shop=7" {
			t.Errorf("%s is part of %s, not of %s (%s): %v", child, got, parent, want, s)
		}
		if s.GetStatus().GetCode() != traces.Status_STATUS_CODE_UNSET || s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("%s: %v", child, s)
		}
		if strings.Contains(s.String(), "hush") || strings.Contains(s.String(), "hunter2") {
			t.Errorf("a secret is told: %v", s)
		}
	}
	first := spans["connector.edge.out"]
	if a := attributes(first); first.GetKind() != traces.Span_SPAN_KIND_SERVER || a["client.address"] != "127.0.0.1" || a["flowrun.connector.type"] != "ws_server" || a["flowrun.flow"] != "flow" || !strings.HasSuffix(a["flowrun.connection"], "/flow/edge/1") {
		t.Errorf("%v: %v", first.GetKind(), a)
	}
	on := hex.EncodeToString(spans["connect.on"].GetSpanId())
	if h := <-handshakes; h.Get("Traceparent") != "00-"+traceID+"-"+on+"-01" || h.Get("Tracestate") != "shop=7" {
		t.Errorf("the server behind is told %v", h)
	}

	for _, header := range []map[string]string{
		{"traceparent": "00-" + traceID + "-" + spanID + "-00", "tracestate": "shop=7"}, nil, {"traceparent": "00-nothing-01"},
	} {
		speaks(t, addr, header)
		want := header["traceparent"]
		if header["tracestate"] == "" {
			want = ""
		}
		if h := <-handshakes; h.Get("Traceparent") != want || h.Get("Tracestate") != header["tracestate"] {
			t.Errorf("the server behind of %v is told %v", header, h)
		}
	}
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
	c.none()
}

// A request names the way of the event that it is made of, and the answer goes on with
// it.
func TestTracesOfQuestions(t *testing.T) {
	c := collectTraces(t)
	asked := make(chan http.Header, 1)
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(behind.Close)
	f := start(t, "", c.reports("sample = 1")+`
connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}
connector "http_client" "up" {
  url   = "`+behind.URL+`"
  codec = "json"
}
connect "there" {
  from = connector.edge
  to   = connector.up
}
connect "back" {
  from = connector.up
  to   = connector.edge
}
`)
	speaks(t, f.address("edge"), map[string]string{"tracestate": "shop=7"})
	spans := c.await("connector.edge.out", "connect.there", "connector.up.out", "connect.back")
	inside := []string{"connector.edge.out", "connect.there", "connector.up.out", "connect.back"}
	for i, name := range inside {
		if i > 0 && string(spans[name].GetParentSpanId()) != string(spans[inside[i-1]].GetSpanId()) {
			t.Errorf("%s is not part of %s: %v", name, inside[i-1], spans[name])
		}
	}
	there := spans["connect.there"]
	if h := <-asked; h.Get("Traceparent") != fmt.Sprintf("00-%x-%x-01", there.GetTraceId(), there.GetSpanId()) || h.Get("Tracestate") != "" {
		t.Errorf("the server behind is told %v", h)
	}
}

// Where clients are strangers they decide nothing.
func TestTracesOfStrangers(t *testing.T) {
	c := collectTraces(t)
	f := start(t, "", c.reports("sample = 1\nfollow = false")+reported)
	speaks(t, f.address("edge"), map[string]string{"traceparent": "00-" + traceID + "-" + spanID + "-00"})
	spans := c.await("connector.edge.out", "connect.echo")
	if s := spans["connector.edge.out"]; len(s.GetParentSpanId()) > 0 || hex.EncodeToString(s.GetTraceId()) == traceID {
		t.Errorf("it is part of a stranger's: %v", s)
	}
}

// Of what holds events, the result goes on with the way of the last of them.
func TestTracesThroughWindows(t *testing.T) {
	c := collectTraces(t)
	f := start(t, "", c.reports("sample = 1")+`
connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}
pipeline "two" {
  batch "of" {
    max_events = 2
    max_wait   = "1h"
  }
}
connect "pairs" {
  from = connector.edge
  via  = [pipeline.two]
  to   = connector.edge
}
`)
	peer := mustDial(t, f.address("edge"))
	ways := map[string][]*traces.Span{}
	for range 2 {
		if err := peer.Send(0x81, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := expect(peer, "[1,1]"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		s := <-c.spans
		way := hex.EncodeToString(s.GetTraceId())
		ways[way] = append(ways[way], s)
	}
	for _, way := range ways {
		hops := slices.DeleteFunc(way, func(s *traces.Span) bool { return s.GetName() != "connect.pairs" })
		slices.SortFunc(hops, func(a, b *traces.Span) int {
			return int(int64(a.GetStartTimeUnixNano()) - int64(b.GetStartTimeUnixNano()))
		})
		if len(hops) == 2 && string(hops[1].GetParentSpanId()) != string(hops[0].GetSpanId()) {
			t.Errorf("what leaves is part of %x, not of what came: %v", hops[1].GetParentSpanId(), hops[0])
		}
	}
	if len(ways) != 2 {
		t.Errorf("there are %d ways of two events", len(ways))
	}
}

// What fails says so, and not what was in it. The header fields of a request count as
// those of a handshake do.
func TestTracesOfFailures(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	c := collectTraces(t)
	f := start(t, "", c.reports("")+`
connector "http_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "string"
}
connector "file" "full" {
  path  = "/dev/full"
  mode  = "append"
  codec = "string"
}
connect "store" {
  from = connector.edge
  to   = connector.full
}
`)
	r, err := http.NewRequestWithContext(withPatience(t), http.MethodPost, "http://"+f.address("edge"), strings.NewReader("hush"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Traceparent", "00-"+traceID+"-"+spanID+"-01")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode < 500 {
		t.Fatalf("it was answered %s", answer.Status)
	}
	for name, s := range c.await("connector.edge.out", "connect.store") {
		if s.GetStatus().GetCode() != traces.Status_STATUS_CODE_ERROR || attributes(s)["error.type"] != "no space left on device" || hex.EncodeToString(s.GetTraceId()) != traceID {
			t.Errorf("%s: %v", name, s)
		}
		if strings.Contains(s.String(), "hush") {
			t.Errorf("a message is told: %v", s)
		}
	}
}

// Without a block traces nobody is followed, whatever clients say. A reload changes
// that, and back.
func TestTracesAreAskedFor(t *testing.T) {
	c := collectTraces(t)
	dir := t.TempDir()
	without := regexp.MustCompile(`(?s)traces \{.*?\}`).ReplaceAllString(c.reports(""), "")
	f := start(t, dir, without+reported)
	addr := f.address("edge")
	wanted := map[string]string{"traceparent": "00-" + traceID + "-" + spanID + "-01"}
	open := mustDial(t, addr)
	reload := func(settings string) {
		t.Helper()
		before := strings.Count(f.Stderr.String(), `"reloaded"`)
		if err := os.WriteFile(filepath.Join(dir, "flow.hcl"), []byte(settings+reported), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		f.logged("that it was reloaded", func(text string) bool { return strings.Count(text, `"reloaded"`) > before })
	}
	speaks(t, addr, wanted)
	reload(c.reports("sample = 1"))
	if err := echoes(open, `"hello"`); err != nil { // by a connection of before
		t.Fatal(err)
	}
	if s := c.await("connector.edge.out", "connect.echo")["connector.edge.out"]; len(s.GetParentSpanId()) > 0 {
		t.Errorf("%v", s)
	}
	reload(c.reports("sample = 0"))
	if err := echoes(open, `"hello"`); err != nil {
		t.Fatal(err)
	}
	speaks(t, addr, wanted)
	if s := c.await("connector.edge.out", "connect.echo")["connector.edge.out"]; hex.EncodeToString(s.GetParentSpanId()) != spanID {
		t.Errorf("%v", s)
	}
	reload(without)
	speaks(t, addr, wanted)
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
	c.none()
}

// A collector that never answers holds nobody up; what it does not take is counted.
func TestTracesThatNobodyTakes(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // which accepts nothing
	c := &collected{url: "http://" + silent.Addr().String()}
	admin := flowtest.FreeAddress(t)
	f := start(t, "", c.reports("sample = 1\nqueue = 5\nbatch = 2\nrate = 20")+reported, "--admin", admin)
	peer := mustDial(t, f.address("edge"))
	const burst = 100
	await(t, "spans are dropped since they are too many, and since nobody takes them", func() bool {
		_ = peer.SetDeadline(time.Now().Add(patience))
		for i := range burst {
			if err := peer.Send(wire.Fin|wire.Text, fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range burst {
			if err := expect(peer, fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		got := samples(scrape(t, admin))
		dropped := func(reason string) float64 { return got[`flowrun_trace_spans_dropped_total{reason="`+reason+`"}`] }
		if sent := got["flowrun_trace_spans_sent_total"]; sent > 0 {
			t.Fatalf("%v spans are sent", sent)
		}
		return dropped("rate") > 0 && dropped("queue") > 0
	})
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
}

// The variables that OpenTelemetry has defined do it, too, when they ask for traces.
func TestTracesFromTheEnvironment(t *testing.T) {
	c := collectTraces(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.url)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "1")
	f := start(t, "", reported)
	speaks(t, f.address("edge"), nil)
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.await("connector.edge.out", "connect.echo")
	f.exits(0)
}
