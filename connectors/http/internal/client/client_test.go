package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

func json(t testing.TB) flow.CodecUse {
	t.Helper()
	i := slices.IndexFunc(codecs.All, func(s flow.Spec[flow.CodecConfig]) bool { return s.Name == "json" })
	make, err := codecs.All[i].Config().New()
	if err != nil {
		t.Fatal(err)
	}
	return flow.CodecUse{Type: "json", New: make, Text: true, MediaType: "application/json"}
}

func text(s string) flow.Event { return flow.Event{Value: flow.TextOf(s)} }

// asking is a running http_client.
type asking struct {
	t    testing.TB
	host *flowtest.Host
	run  *flowtest.Running
}

// patience bounds what takes no time when all is well.
const patience = 2 * time.Minute

func configure(t testing.TB, url string, edit func(*Config)) *Config {
	t.Helper()
	c := Default()
	if err := c.URL.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	c.ConnectTimeout, c.Timeout = setting.Duration(patience), setting.Duration(patience)
	c.Retry.Interval, c.Retry.MaxInterval = setting.Duration(time.Millisecond), setting.Duration(5*time.Millisecond)
	if edit != nil {
		edit(c)
	}
	return c
}

func startClient(t testing.TB, url string, edit func(*Config)) *asking {
	t.Helper()
	config := configure(t, url, edit)
	connector, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	h := flowtest.NewHost(t, flowtest.Options{
		Shape: config.Shape(), Codec: json(t),
		Component: &flow.Component{Boot: "node.1", Flow: "test", Kind: "connector", Type: typeName, Name: "up"},
	})
	a := &asking{t, h, flowtest.Start(t, connector, h)}
	t.Cleanup(func() {
		if err := a.run.Stop(); err != nil && config.Poll == nil {
			t.Errorf("Run returned %v", err)
		}
		h.Table.Close(nil)
	})
	return a
}

// behind starts a server that http_client asks.
func behind(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func (a *asking) send(events ...flow.Event) error {
	return a.host.Table.In(flow.Reply, false).Send(context.Background(), events)
}

// problems are the messages at `err`.
func (a *asking) problems() (all []string) {
	a.t.Helper()
	for _, v := range flowtest.Payloads(a.t, a.host.Err.Events()) {
		what, _ := v.Object().Get("error")
		message, _ := what.Object().Get("message")
		all = append(all, message.Text())
	}
	return all
}

// says is what a map writes into meta.http_client.
func says(e flow.Event, fields ...flow.Field) flow.Event {
	e.Meta.Wrote = flow.ObjectOf(flow.Field{Key: typeName, Value: flow.MapOf(flow.ObjectOf(fields...))})
	return e
}

func object(fields ...flow.Field) flow.Value { return flow.MapOf(flow.ObjectOf(fields...)) }

func TestQuestions(t *testing.T) {
	url := behind(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", "yes")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, "%q", fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header.Get("Content-Type"), " ", r.Header.Get("X-A"), " ", r.Header["X-B"], " ", string(body)))
	})
	a := startClient(t, url+"/v1/{id}/x/{rest...}?key=k", func(c *Config) {
		c.Headers = map[string]setting.Secret{"x-a": setting.SecretOf("all")}
	})
	params := func(id, rest string) flow.Field {
		return flow.Field{Key: "params", Value: object(flow.Field{Key: "id", Value: flow.TextOf(id)}, flow.Field{Key: "rest", Value: flow.TextOf(rest)})}
	}
	for _, test := range []struct {
		event flow.Event
		want  string
	}{
		{says(text("hi"), params("a", "b/c")), `POST /v1/a/x/b/c?key=k application/json all [] "hi"`},
		{says(text("hi"), params("a/b?c#d%2e", "é é")), `POST /v1/a%2Fb%3Fc%23d%252e/x/%C3%A9%20%C3%A9?key=k application/json all [] "hi"`},
		{says(flow.Event{}, params("1", ""), flow.Field{Key: "method", Value: flow.TextOf("DELETE")}), `DELETE /v1/1/x/?key=k  all [] `},
		{says(text("x"), params("1", ""), flow.Field{Key: "method", Value: flow.TextOf("GET")}), `GET /v1/1/x/?key=k  all [] `},
		{says(text("x"), params("1", ""), flow.Field{Key: "query", Value: object(
			flow.Field{Key: "q", Value: flow.TextOf("a&b=c")}, flow.Field{Key: "n", Value: flow.ListOf([]flow.Value{flow.IntOf(1), flow.BoolOf(true)})}, flow.Field{Key: "no", Value: flow.NullValue},
		)}), `POST /v1/1/x/?key=k&n=1&n=true&q=a%26b%3Dc application/json all [] "x"`},
		{says(text("x"), params("1", ""), flow.Field{Key: "headers", Value: object(
			flow.Field{Key: "x-a", Value: flow.TextOf("one")}, flow.Field{Key: "content-type", Value: flow.TextOf("text/x")},
			flow.Field{Key: "x-b", Value: flow.ListOf([]flow.Value{flow.TextOf("1"), flow.TextOf("2")})},
		)}), `POST /v1/1/x/?key=k text/x one [1 2] "x"`},
	} {
		had := len(a.host.Out.Events())
		if err := a.send(test.event); err != nil {
			t.Fatal(err)
		}
		got := a.host.Out.Wait(t, had+1)[had]
		if v, err := got.Payload(); err != nil || v.Text() != test.want {
			t.Errorf("asked %s, want %s (%v)", v.Text(), test.want, err)
		}
		under, _ := got.Meta.Said.Get(typeName)
		if status, _ := under.Object().Get("status"); status.Int() != http.StatusCreated {
			t.Errorf("status is %v", status.Int())
		}
		if seen, _ := got.Origin.PeerField("headers").Object().Get("x-seen"); seen.Text() != "yes" {
			t.Error("the header of the answer is not in peer")
		}
	}
	if p := a.problems(); len(p) > 0 {
		t.Errorf("problems: %q", p)
	}
}

// A trace goes on with the request.
func TestTheTraceOfAQuestion(t *testing.T) {
	seen := make(chan http.Header, 1)
	a := startClient(t, behind(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		good(w, r)
	}), nil)
	e := text("x")
	e.Trace = &flow.Trace{ID: [16]byte{0x4b, 15: 0x36}, Span: [8]byte{7: 0xb7}, Flags: 1, State: "shop=7"}
	if err := a.send(e); err != nil {
		t.Fatal(err)
	}
	if h := <-seen; h.Get("Traceparent") != "00-4b000000000000000000000000000036-00000000000000b7-01" || h.Get("Tracestate") != "shop=7" {
		t.Errorf("the server is told %v", h)
	}
	if err := a.send(text("x")); err != nil {
		t.Fatal(err)
	}
	if h := <-seen; h["Traceparent"] != nil || h["Tracestate"] != nil {
		t.Errorf("the server is told %v", h)
	}
}

func TestQuestionsThatCannotBeAsked(t *testing.T) {
	url := behind(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	a := startClient(t, url+"/v1/{id}/{rest...}?key=k", nil)
	id := flow.Field{Key: "id", Value: flow.TextOf("1")}
	rest := func(s string) flow.Field { return flow.Field{Key: "rest", Value: flow.TextOf(s)} }
	params := func(fields ...flow.Field) flow.Field { return flow.Field{Key: "params", Value: object(fields...)} }
	for _, test := range []struct {
		event flow.Event
		want  string
	}{
		{text("x"), "{id} of the url is a string, an integer or a bool, not null"},
		{says(text("x"), params(flow.Field{Key: "id", Value: flow.TextOf("..")}, rest(""))), "it would lead to another path"},
		{says(text("x"), params(flow.Field{Key: "id", Value: flow.TextOf("a/../b")}, rest(""))), "it would lead to another path"},
		{says(text("x"), params(flow.Field{Key: "id", Value: flow.TextOf("")}, rest(""))), "it would lead to another path"},
		{says(text("x"), params(id, rest("a/../../b"))), "it would lead to another path"},
		{says(text("x"), params(id, rest(""), flow.Field{Key: "other", Value: flow.IntOf(1)})), "the url has no parameter {other}"},
		{says(text("x"), params(id, rest("")), flow.Field{Key: "query", Value: object(flow.Field{Key: "key", Value: flow.TextOf("mine")})}), `"key" belongs to the url`},
		{says(text("x"), params(id, rest("")), flow.Field{Key: "query", Value: object(flow.Field{Key: "a", Value: object()})}), "not an object"},
		{says(text("x"), flow.Field{Key: "method", Value: flow.TextOf("GET /x HTTP/1.1\r\nx")}), "no method of a request"},
		{says(text("x"), flow.Field{Key: "method", Value: flow.TextOf("CONNECT")}), "no method of a request"},
		{says(text("x"), flow.Field{Key: "headers", Value: object(flow.Field{Key: "host", Value: flow.TextOf("other")})}), "belongs to the request"},
		{says(text("x"), flow.Field{Key: "headers", Value: object(flow.Field{Key: "a", Value: flow.TextOf("b\r\nc: d")})}), "line break"},
		{says(text("x"), flow.Field{Key: "query", Value: flow.TextOf("a=b")}), "meta.http_client.query: it is an object"},
	} {
		had := len(a.problems())
		if err := a.send(test.event); err != nil {
			t.Fatal(err) // the err port has taken it
		}
		if got := a.problems(); len(got) != had+1 || !strings.Contains(got[had], test.want) {
			t.Errorf("%q, want %q", got[had:], test.want)
		}
	}
}

// answers are what a server says, one after the other; the last one again and again.
func answers(t testing.TB, tries *atomic.Int32, all ...http.HandlerFunc) string {
	return behind(t, func(w http.ResponseWriter, r *http.Request) {
		n := int(tries.Add(1))
		all[min(n, len(all))-1](w, r)
	})
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

func good(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `"good"`) }

func TestRetries(t *testing.T) {
	for _, test := range []struct {
		name    string
		edit    func(*Config)
		answers []http.HandlerFunc
		tries   int32
		problem string // "" for success
	}{
		{"busy, then good", nil, []http.HandlerFunc{status(503), status(429, "Retry-After", "0"), hangUp, good}, 4, ""},
		{"a date long ago", nil, []http.HandlerFunc{status(429, "Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"), good}, 2, ""},
		{"for good", nil, []http.HandlerFunc{status(404)}, 1, "the answer is 404 Not Found"},
		{"again and again", nil, []http.HandlerFunc{status(500)}, 5, "the answer is 500 Internal Server Error, after 5 attempts"},
		{"never again", func(c *Config) { c.Retry.MaxRetries = 1 }, []http.HandlerFunc{status(500)}, 1, "the answer is 500"},
		{"no limit", func(c *Config) { c.Retry.MaxRetries = 0 }, []http.HandlerFunc{status(500), status(500), status(500), status(500), status(500), status(500), good}, 7, ""},
		{"a list of its own", func(c *Config) { c.RetryOn = []string{"4xx"}; c.SuccessOn = []string{"404", "200"} }, []http.HandlerFunc{status(410), status(404)}, 2, ""},
		{"nothing", func(c *Config) { c.RetryOn = []string{} }, []http.HandlerFunc{status(503)}, 1, "503"},
		{"redirects are not followed", func(c *Config) { c.MaxRedirects = 0 }, []http.HandlerFunc{status(302, "Location", "/x")}, 1, "302 Found"},
		{"redirects are followed", nil, []http.HandlerFunc{status(307, "Location", "/x"), good}, 2, ""},
		{"in circles", nil, []http.HandlerFunc{status(307, "Location", "/x")}, 6, "more often than max_redirects"},
		{"to another host", nil, []http.HandlerFunc{status(307, "Location", "http://localhost:1/")}, 1, "redirects to another host"},
		{"to another port", nil, []http.HandlerFunc{status(307, "Location", "http://127.0.0.1:1/")}, 1, "redirects to another host"},
		{"too long", func(c *Config) { c.MaxMessage = 3 }, []http.HandlerFunc{good}, 1, "longer than max_message"},
		{"too slow", func(c *Config) { c.Timeout, c.Retry.MaxRetries = setting.Duration(20*time.Millisecond), 2 }, []http.HandlerFunc{func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}}, 0, "no answer within timeout (20ms), after 2 attempts"}, // which may have come to nothing before the server has seen them
		{"a status that nobody knows", nil, []http.HandlerFunc{status(799)}, 1, "the answer is 799"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var tries atomic.Int32
			a := startClient(t, answers(t, &tries, test.answers...), test.edit)
			if err := a.send(text("x")); err != nil {
				t.Fatal(err)
			}
			problems, out := a.problems(), a.host.Out.Events()
			if test.tries > 0 && tries.Load() != test.tries {
				t.Errorf("%d attempts, want %d", tries.Load(), test.tries)
			}
			if test.problem == "" {
				if len(problems) > 0 || len(out) != 1 {
					t.Errorf("%d answers, problems %q", len(out), problems)
				}
				return
			}
			if len(problems) != 1 || !strings.Contains(problems[0], test.problem) || len(out) > 0 {
				t.Errorf("%d answers, problems %q, want %q", len(out), problems, test.problem)
			}
			e, _ := a.host.Err.Events()[0].Value.Object().Get("event")
			if e.Text() != "x" {
				t.Errorf("the err event holds %v", e)
			}
		})
	}
}

// Events that come together are asked at a time, as many as there may be, and
// answered in their order.
func TestConcurrency(t *testing.T) {
	for _, most := range []int{1, 4} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			var now, peak atomic.Int32
			var mu sync.Mutex
			var asked []string
			full := make(chan struct{})
			url := behind(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				asked = append(asked, string(body))
				mu.Unlock()
				n := now.Add(1)
				peak.Store(max(peak.Load(), n))
				if n == int32(most) {
					select {
					case <-full:
					default:
						close(full)
					}
				}
				<-full
				now.Add(-1)
				_, _ = w.Write(body)
			})
			a := startClient(t, url, func(c *Config) { c.Concurrency = most })
			var wg sync.WaitGroup
			for range 2 { // senders
				wg.Go(func() {
					var batch []flow.Event
					for i := range 20 {
						batch = append(batch, text(fmt.Sprint(i)))
					}
					if err := a.send(batch...); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if peak.Load() != int32(most) {
				t.Errorf("%d requests at a time, want %d", peak.Load(), most)
			}
			next := map[string]int{}
			for _, text := range flowtest.Texts(t, a.host.Out.Events()) {
				next[text]++
				if n := next["0"]; text != "0" && next[text] > n {
					t.Errorf("%s is answered before 0", text)
				}
			}
			if len(next) != 20 || len(asked) != 40 {
				t.Errorf("%d different answers to %d questions", len(next), len(asked))
			}
		})
	}
}

// A question that fails leaves the others of its batch alone.
func TestOneOfSeveralFails(t *testing.T) {
	url := behind(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == `"2"` {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write(body)
	})
	for _, concurrency := range []int{1, 16} {
		a := startClient(t, url, func(c *Config) { c.Concurrency = concurrency })
		if err := a.send(text("1"), text("2"), text("3")); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(flowtest.Texts(t, a.host.Out.Events()), ""); got != "13" {
			t.Errorf("answers: %s", got)
		}
		if got := a.problems(); len(got) != 1 || !strings.Contains(got[0], "418") {
			t.Errorf("problems: %q", got)
		}
		if sent := a.host.Table.Stats().EventsOut; sent != 2 {
			t.Errorf("%d events count as sent", sent)
		}
	}
}

// leads sends each answer that is not the last to where questions come from.
type leads struct {
	a    *asking
	last string
}

func (l leads) Send(ctx context.Context, batch []flow.Event) error {
	for i := range batch {
		v, err := batch[i].Payload()
		if err != nil {
			return err
		}
		if v.Text() == l.last {
			err = l.a.host.Out.Send(ctx, batch[i:i+1])
		} else {
			err = l.a.host.Table.In(flow.Reply, false).Send(ctx, batch[i:i+1])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// One at a time: pages of a list.
func TestAnswersThatLeadToQuestions(t *testing.T) {
	url := behind(t, func(w http.ResponseWriter, r *http.Request) {
		var page int
		_, _ = fmt.Fscanf(r.Body, `"%d"`, &page)
		_, _ = fmt.Fprintf(w, `"%d"`, page+1)
	})
	a := startClient(t, url, func(c *Config) { c.Concurrency = 1 })
	a.host.Table.Out().Connect(leads{a, "150"})
	if err := a.send(text("0")); err != nil {
		t.Fatal(err)
	}
	last := a.host.Out.Wait(t, 1)
	if last[0].Origin.Parent != nil {
		t.Error("the answers on the way are remembered")
	}
	// A chain without an end is cut.
	a.host.Table.Out().Connect(leads{a, "none"})
	if err := a.send(text("0")); err != nil {
		t.Fatal(err)
	}
	if got := a.problems(); len(got) != 1 || !strings.Contains(got[0], "200 times") {
		t.Errorf("problems: %.300q", got)
	}
}

// Where nobody hears answers, they are not read as events.
func TestNobodyHearsAnswers(t *testing.T) {
	a := startClient(t, behind(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "no json") }), nil)
	a.host.Table.Out().Connect(nil)
	if err := a.send(text("x")); err != nil || len(a.problems()) > 0 {
		t.Error(err, a.problems())
	}
	if n := a.host.Table.Stats().Opened; n != 1 {
		t.Errorf("%d links were opened", n)
	}
}

// Requests whose bodies are not read, and whose bytes are used again at once, send
// nothing of what comes after them (run with -race).
func TestBodiesAreNotReadTooLate(t *testing.T) {
	url := behind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 1000 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	a := startClient(t, url, nil)
	for i := range 50 {
		if err := a.send(text(strings.Repeat("a", 1<<20)), text(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for i, got := range flowtest.Texts(t, a.host.Out.Events()) {
		if got != fmt.Sprint(i) {
			t.Fatalf("answer %d is %q", i, got)
		}
	}
	if len(a.problems()) != 50 {
		t.Errorf("%d problems", len(a.problems()))
	}
}

func TestConformance(t *testing.T) {
	for _, poll := range []*Poll{nil, {Interval: setting.Duration(10 * time.Millisecond)}} {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig {
			return configure(t, behind(t, good), func(c *Config) { c.Poll = poll })
		})
	}
}
