package engine

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/status"
	"github.com/google/go-cmp/cmp"
)

// web answers each request with what the flow replies to its path.
type web struct {
	parts
	host   flow.Host
	stop   func()
	closed atomic.Bool
	mu     sync.Mutex
	serve  sync.WaitGroup
}

func newWeb(address, path string) *web {
	w := &web{}
	w.shape = flow.Shape{Role: flow.Server, In: true, Out: true, Many: true, Queue: &setting.Queue{MaxEvents: 10, MaxBytes: 1000, Overflow: "block"}}
	w.prepare = func(_ context.Context, h flow.Host) (err error) {
		w.host = h
		w.stop, err = h.Handle(flow.ListenSpec{Scheme: "http", Address: address, Path: path}, w)
		return err
	}
	w.release = func() {
		if w.stop != nil {
			w.stop()
		}
	}
	w.run = func(ctx context.Context, _ flow.Host) error {
		<-ctx.Done()
		w.mu.Lock()
		w.closed.Store(true)
		w.mu.Unlock()
		w.serve.Wait()
		return nil
	}
	return w
}

func (w *web) New() (flow.Connector, error) { return w, nil }

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	if w.closed.Load() {
		w.mu.Unlock()
		http.Error(rw, "closing", http.StatusServiceUnavailable)
		return
	}
	w.serve.Add(1)
	w.mu.Unlock()
	defer w.serve.Done()
	l, err := w.host.Open(flow.Peer{Host: "127.0.0.1", Port: 1}, answer{rw})
	if err != nil {
		http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_ = l.Receive(r.Context(), []flow.Frame{{Data: []byte(r.URL.RawQuery)}})
	_ = l.Flush(r.Context())
	l.Close(r.Context(), nil)
}

type answer struct{ http.ResponseWriter }

func (a answer) Flush(context.Context) error { return nil }
func (a answer) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	for _, f := range frames {
		if _, err := a.ResponseWriter.Write(f.Data); err != nil {
			return err
		}
	}
	return nil
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(r.StatusCode, " ", strings.TrimSpace(string(body)))
}

// whenReady passes on what Ready was told.
func whenReady() (chan []status.Listener, func(*Options)) {
	ready := make(chan []status.Listener, 1)
	return ready, func(o *Options) { o.Ready = func(all []status.Listener) { ready <- all } }
}

func TestAServerAnswersEachOfItsConnections(t *testing.T) {
	ready, told := whenReady()
	r := start(t, &flowfile.File{
		Name:       "f",
		Connectors: []*flowfile.ConnectorBlock{connector("edge", newWeb("127.0.0.1:0", "/echo"))},
		Connects:   []*flowfile.ConnectBlock{connect("echo", "connector.edge.out > connector.edge.in")},
	}, told)
	all := <-ready
	if len(all) != 1 || all[0].Flow != "f" || all[0].Connector != "edge" || all[0].Scheme != "http" || all[0].Path != "/echo" || strings.HasSuffix(all[0].Address, ":0") {
		t.Fatalf("listeners: %+v", all)
	}
	var clients sync.WaitGroup
	for i := range 20 {
		clients.Go(func() {
			want := fmt.Sprintf("200 client-%d", i)
			if got := get(t, fmt.Sprintf("%s?client-%d", all[0], i)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	clients.Wait()
	if got := r.state("edge"); got != "open, 0 failed: " {
		t.Errorf("state %q", got)
	}
	r.cancel()
	if code := r.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if c, err := net.Dial("tcp", all[0].Address); err == nil {
		_ = c.Close()
		t.Error("the listener is still there")
	}
}

func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	free := newWeb("127.0.0.1:0", "/")
	e, err := New(Options{Files: []*flowfile.File{{Name: "f", Connectors: []*flowfile.ConnectorBlock{
		connector("other", newWeb(address, "/")), connector("edge", free),
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Run(context.Background())
	want := "connector.other: listen " + address + ": address already in use: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	for _, u := range e.now.Load().units {
		for _, l := range u.listeners() {
			t.Errorf("still listening: %s", l)
		}
	}
}

// Ports are swapped while events pass: each event arrives once, at the one or
// the other side.
func TestPortsAreSwappable(t *testing.T) {
	a, b := newSink(), newSink()
	const n = 5000
	sent := make(chan struct{})
	in := &parts{shape: flow.Shape{Role: flow.Source, Out: true}, run: func(ctx context.Context, h flow.Host) error {
		l, err := h.Open(flow.Peer{}, nil)
		if err != nil {
			return err
		}
		for i := range n {
			if err := l.Receive(ctx, []flow.Frame{{Data: fmt.Append(nil, i)}}); err != nil {
				t.Error(err)
			}
		}
		close(sent)
		l.Close(ctx, nil)
		return nil
	}}
	r := start(t, &flowfile.File{
		Name:       "f",
		Connectors: []*flowfile.ConnectorBlock{connector("in", in), connector("a", a), connector("b", b)},
		Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.a.in")},
	})
	table := map[string]*unit{}
	for _, u := range r.now.Load().units {
		table[u.component.Name] = u
	}
	for swapping := true; swapping; {
		select {
		case <-sent:
			swapping = false
		default:
			table["in"].table.Out().Connect(table["b"].table.In(flow.Reply, false))
			table["in"].table.Out().Connect(table["a"].table.In(flow.Reply, false))
		}
	}
	if code := r.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	seen := map[string]int{}
	for _, e := range append(a.events(), b.events()...) {
		seen[e]++
	}
	if len(seen) != n || len(a.events())+len(b.events()) != n {
		t.Errorf("%d different events arrived, %d in all", len(seen), len(a.events())+len(b.events()))
	}
}

// route is a step that sends what is "x" to the exit and the rest on.
type route struct{ exit string }

func (r route) Ports() []string { return []string{r.exit} }
func (r route) New(env flow.StepEnv) (flow.Sink, error) {
	return stepFunc(func(ctx context.Context, batch []flow.Event) error {
		for i := range batch {
			v, _ := batch[i].Payload()
			to := env.Next
			switch v.Text() {
			case "x":
				to = env.Port(r.exit)
			case "bad":
				_ = env.Problems.Handle(ctx, flow.Problem{Kind: "step", Err: fmt.Errorf("bad"), Event: batch[i]})
				continue
			}
			if err := to.Send(ctx, batch[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

type stepFunc func(context.Context, []flow.Event) error

func (f stepFunc) Send(ctx context.Context, batch []flow.Event) error { return f(ctx, batch) }

func TestPipelines(t *testing.T) {
	shared, private, exits, errs := newSink(), newSink(), newSink(), newSink()
	errs.shape.Stream = true
	p := &flowfile.PipelineBlock{Name: "p", Ports: []string{"exit"}, Steps: []flowfile.StepBlock{{Type: "route", Label: "r", Config: route{"exit"}}}}
	f := &flowfile.File{
		Name: "f",
		Connectors: []*flowfile.ConnectorBlock{
			connector("in", source([]string{"a", "x", "bad"}, atOnce)),
			connector("shared", shared), connector("private", private), connector("exits", exits), connector("errs", errs),
		},
		Pipelines: []*flowfile.PipelineBlock{p},
		Connects: []*flowfile.ConnectBlock{
			connect("in", "connector.in.out > pipeline.p.in"),
			connect("out", "pipeline.p.out > connector.shared.in"),
			{Name: "via", From: []flowfile.PortRef{ref("connector.in.out")}, Via: []string{"p", "p"}, To: []flowfile.PortRef{ref("connector.private.in")}},
			connect("exits", "pipeline.p.exit > connector.exits.in"),
			connect("errs", "pipeline.p.err > connector.errs.in"),
		},
	}
	r := start(t, f)
	if code := r.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	got := map[string]any{"shared": shared.events(), "private": private.events(), "exits": exits.events(), "errs": len(errs.events())}
	want := map[string]any{"shared": []string{"a"}, "private": []string{"a"}, "exits": []string{"x", "x"}, "errs": 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConditionsTellTheSourceOfTheirErrors(t *testing.T) {
	out, errs := newSink(), newSink()
	f := &flowfile.File{
		Name: "f",
		Connectors: []*flowfile.ConnectorBlock{
			connector("one", source([]string{"bad", "a"}, atOnce)), connector("two", source([]string{"bad", "a"}, atOnce)),
			connector("out", out), connector("errs", errs),
		},
		Connects: []*flowfile.ConnectBlock{
			{Name: "e", Where: is("a"), From: []flowfile.PortRef{ref("connector.one.out"), ref("connector.two.out")}, To: []flowfile.PortRef{ref("connector.out.in")}},
			connect("errs", "connector.two.err > connector.errs.in"),
		},
	}
	r := start(t, f)
	r.wait(t)
	if len(out.events()) != 2 || len(errs.events()) != 1 {
		t.Errorf("out %v, errs %v", out.events(), errs.events())
	}
}
