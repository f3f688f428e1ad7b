package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func codec(t testing.TB, name string) flow.CodecUse {
	t.Helper()
	for _, spec := range codecs.All {
		if spec.Name == name {
			config := spec.Config()
			make, err := config.New()
			if err != nil {
				t.Fatal(err)
			}
			return flow.CodecUse{Type: name, New: make, Text: config.Text()}
		}
	}
	t.Fatalf("no codec %s", name)
	panic("unreachable")
}

func processors(t testing.TB, names ...string) (pre, post []flow.ProcessorUse) {
	t.Helper()
	for _, name := range names {
		i := slices.IndexFunc(preprocessors.All, func(s flow.Spec[flow.ProcessorConfig]) bool { return s.Name == name })
		config := preprocessors.All[i].Config()
		in, out, err := config.New()
		if err != nil {
			t.Fatal(err)
		}
		pre = append(pre, flow.ProcessorUse{Type: name, New: in, Text: config.Text()})
		post = append([]flow.ProcessorUse{{Type: name, New: out, Text: config.Text()}}, post...)
	}
	return pre, post
}

// table is a connector's table whose `out` leads to its own `in`, unless it is
// connected otherwise.
func table(t testing.TB, shape flow.Shape, processorNames ...string) (*Table, *recorder, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	c := &flow.Component{Boot: "node.1", Flow: "f", Kind: "connector", Type: "ws_server", Name: "edge"}
	problems := &flow.Problems{Component: c, Log: zap.New(core)}
	errs := &recorder{}
	problems.Port.Connect(errs)
	pre, post := processors(t, processorNames...)
	tab := NewTable(Config{
		Component: c, Shape: shape, Codec: codec(t, "json"), Pre: pre, Post: post,
		OnDecode: "err", Problems: problems, Log: zap.New(core),
	})
	tab.Out().Connect(tab.In(flow.Reply, false))
	return tab, errs, logs
}

func many() flow.Shape {
	return flow.Shape{Role: flow.Server, In: true, Out: true, Many: true, Queue: &setting.Queue{MaxEvents: 10, MaxBytes: 1000, Overflow: "disconnect"}}
}

// recorder keeps the payloads that it is sent, as text.
type recorder struct {
	mu     sync.Mutex
	events []flow.Event
}

func (r *recorder) Send(_ context.Context, batch []flow.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range batch {
		r.events = append(r.events, batch[i].Held())
	}
	return nil
}

func (r *recorder) all() []flow.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// wire is the other end of a link.
type wire struct {
	mu      sync.Mutex
	got     []string
	corked  int
	cut     error
	block   chan struct{} // when not nil, Write waits for it
	writing chan struct{} // told when a Write waits
}

func (w *wire) Write(_ context.Context, frames []flow.Frame, corked bool) error {
	if w.block != nil {
		if w.writing != nil {
			w.writing <- struct{}{}
		}
		<-w.block
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, f := range frames {
		if w.cut != nil {
			return &flow.WriteError{Written: i, Err: w.cut}
		}
		w.got = append(w.got, string(f.Data))
	}
	if corked {
		w.corked += len(frames)
	}
	return nil
}

func (w *wire) Flush(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.corked = 0
	return w.cut
}

func (w *wire) Disconnect(reason error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = reason
}

func (w *wire) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.got, "|")
}

func open(t testing.TB, tab *Table, w flow.Writer) flow.Link {
	t.Helper()
	l, err := tab.Open(flow.Peer{Host: "127.0.0.1", Port: 1000 + int(tab.Stats().Opened)}, w)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func receive(t testing.TB, l flow.Link, frames ...string) {
	t.Helper()
	fs := make([]flow.Frame, len(frames))
	for i, f := range frames {
		fs[i].Data = []byte(f)
	}
	if err := l.Receive(context.Background(), fs); err != nil {
		t.Fatal(err)
	}
}

func text(s string) flow.Event {
	var e flow.Event
	e.SetPayload(flow.TextOf(s))
	return e
}

func TestRepliesGoBackToTheirConnection(t *testing.T) {
	tab, errs, _ := table(t, many(), "separate")
	a, b := &wire{}, &wire{}
	la, lb := open(t, tab, a), open(t, tab, b)
	receive(t, la, "1\n2", "\n3\n")
	receive(t, lb, "4\n", "x\n", "5\n")
	if got := a.text(); got != "1\n|2\n|3\n" {
		t.Errorf("a got %q", got)
	}
	if got := b.text(); got != "4\n|5\n" {
		t.Errorf("b got %q", got)
	}
	if a.corked != 3 {
		t.Errorf("%d of 3 replies are corked", a.corked)
	}
	es := errs.all()
	if len(es) != 1 {
		t.Fatalf("%d problems, want 1", len(es))
	}
	p, _ := es[0].Payload()
	raw, _ := p.Object().Get("raw")
	if string(raw.Bytes()) != "x" {
		t.Errorf("the err event has raw %q", raw.Bytes())
	}
}

func TestReceiveCountsWhatFailed(t *testing.T) {
	tab, _, _ := table(t, many(), "separate")
	tab.cfg.Problems.Port.Connect(nil)
	l := open(t, tab, &wire{})
	err := l.Receive(context.Background(), []flow.Frame{{Data: []byte("x\n1\ny\nz\n")}})
	if err == nil || !strings.HasSuffix(err.Error(), "(and 2 more)") || tab.Stats().Failed != 3 {
		t.Errorf("Receive: %v, failed %d", err, tab.Stats().Failed)
	}
}

func TestTailOfAClosedConnection(t *testing.T) {
	tab, _, _ := table(t, many(), "separate")
	sink := &recorder{}
	tab.Out().Connect(sink)
	l := open(t, tab, &wire{})
	if err := l.Receive(context.Background(), []flow.Frame{{Data: []byte("1\n2"), Binary: true}}); err != nil {
		t.Fatal(err)
	}
	l.Close(context.Background(), nil)
	es := sink.all()
	if len(es) != 2 || string(es[1].Raw) != "2" || !es[1].Meta.Binary || es[1].Origin.Peer.Port == 0 {
		t.Errorf("got %+v", es)
	}
}

func TestUnionAnswersEachOnce(t *testing.T) {
	tab, _, _ := table(t, many())
	wires := []*wire{{}, {}, {}}
	var origins []*flow.Origin
	for _, w := range wires {
		origins = append(origins, &open(t, tab, w).(*Link).origin)
	}
	e := text("sum")
	e.Origin = &flow.Origin{Union: []*flow.Origin{origins[0], origins[2], origins[0], {Parent: origins[2]}}}
	if err := tab.In(flow.Reply, false).Send(context.Background(), []flow.Event{e, e}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`"sum"|"sum"`, ``, `"sum"|"sum"`} {
		if err := tab.links[uint64(i+1)].Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := wires[i].text(); got != want {
			t.Errorf("connection %d got %q, want %q", i, got, want)
		}
	}
}

func TestAddressing(t *testing.T) {
	tab, errs, _ := table(t, many())
	a, b := &wire{}, &wire{}
	la, lb := open(t, tab, a), open(t, tab, b)
	to := func(peer flow.Value) flow.Event {
		e := text("hi")
		e.Origin = &la.(*Link).origin
		e.Meta.Wrote = flow.ObjectOf(flow.Field{Key: "ws_server", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "peer", Value: peer}))})
		return e
	}
	id := flow.TextOf(lb.ID())
	gone := open(t, tab, &wire{})
	gone.Close(context.Background(), nil)
	host := func(port int64) flow.Value {
		return flow.MapOf(flow.ObjectOf(flow.Field{Key: "host", Value: flow.TextOf("127.0.0.1")}, flow.Field{Key: "port", Value: flow.IntOf(port)}))
	}
	good := []flow.Event{to(id), to(flow.MapOf(flow.ObjectOf(flow.Field{Key: "id", Value: id}))), to(host(1001))}
	if err := tab.In(flow.Reply, false).Send(context.Background(), good); err != nil {
		t.Fatal(err)
	}
	if err := lb.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if a.text() != "" || b.text() != `"hi"|"hi"|"hi"` {
		t.Errorf("a got %q, b got %q", a.text(), b.text())
	}
	// Connections come and go while they are addressed.
	late := open(t, tab, &wire{})
	if links := tab.linksOf(endOf(late.(*Link))); len(links) != 1 || links[0] != late {
		t.Errorf("a new connection is not found by its address: %v", links)
	}
	late.Close(context.Background(), nil)
	bad := []flow.Event{to(flow.TextOf(gone.ID())), to(host(int64(late.(*Link).origin.Peer.Port))), to(flow.TextOf("nobody")), to(flow.IntOf(1))}
	if err := tab.In(flow.Reply, true).Send(context.Background(), bad); err != nil {
		t.Errorf("what the err port took is an error: %v", err)
	}
	if n := len(errs.all()); n != len(bad) {
		t.Errorf("%d of %d problems reached err", n, len(bad))
	}
	// What was lost is dropped if the edge says so; a mistake never is.
	if err := tab.In(flow.Reply, false).Send(context.Background(), bad); err != nil {
		t.Errorf("what the err port took is an error: %v", err)
	}
	if n, lost := len(errs.all())-len(bad), tab.Stats().Lost; n != 2 || lost != 2 {
		t.Errorf("dropping what is lost: %d problems, %d lost, want 2 and 2", n, lost)
	}
	tab.cfg.Problems.Port.Connect(nil)
	err := tab.In(flow.Reply, true).Send(context.Background(), bad[:1])
	if !errors.Is(err, flow.ErrGone) {
		t.Errorf("sent to a connection that is gone: %v", err)
	}
	err = tab.In(flow.Reply, false).Send(context.Background(), []flow.Event{text("from nowhere")})
	if !errors.Is(err, flow.ErrNoReturn) {
		t.Errorf("a reply to nobody: %v", err)
	}
}

func TestReplyToAVanishedClientIsCountedAndToldOnce(t *testing.T) {
	tab, errs, logs := table(t, many())
	l := open(t, tab, &wire{})
	e := text("late")
	e.Origin = &l.(*Link).origin
	l.Close(context.Background(), errors.New("reset"))
	for range 3 {
		if err := tab.In(flow.Reply, false).Send(context.Background(), []flow.Event{e}); err != nil {
			t.Errorf("a late reply is an error: %v", err)
		}
	}
	if s := tab.Stats(); s.Lost != 3 || len(errs.all()) != 0 {
		t.Errorf("lost %d, problems %d", s.Lost, len(errs.all()))
	}
	if n := logs.FilterMessageSnippet("lost").Len(); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestOverflow(t *testing.T) {
	for _, policy := range []string{"disconnect", "drop_oldest", "drop_newest", "block"} {
		t.Run(policy, func(t *testing.T) {
			shape := many()
			shape.Queue.Overflow = policy
			tab, _, _ := table(t, shape)
			w := &wire{block: make(chan struct{}), writing: make(chan struct{}, 100)}
			l := open(t, tab, w)
			send := func(ctx context.Context, i int) error {
				e := text(fmt.Sprint(i))
				e.Origin = &l.(*Link).origin
				return tab.In(flow.Reply, false).Send(ctx, []flow.Event{e})
			}
			if err := send(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			<-w.writing
			for i := 1; i < 10; i++ {
				if err := send(t.Context(), i); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			if policy == "block" {
				cancel()
			}
			err := send(ctx, 10)
			cancel()
			close(w.block)
			if ferr := l.Flush(context.Background()); ferr != nil && policy != "disconnect" {
				t.Fatal(ferr)
			}
			switch policy {
			case "disconnect":
				if err != nil || !errors.Is(w.cut, flow.ErrSlow) {
					t.Errorf("Send %v, cut %v", err, w.cut)
				}
			case "block":
				if !errors.Is(err, context.Canceled) || w.text() != `"0"|"1"|"2"|"3"|"4"|"5"|"6"|"7"|"8"|"9"` {
					t.Errorf("Send %v, written %s", err, w.text())
				}
			case "drop_oldest":
				if err != nil || w.text() != `"0"|"2"|"3"|"4"|"5"|"6"|"7"|"8"|"9"|"10"` {
					t.Errorf("Send %v, written %s", err, w.text())
				}
			case "drop_newest":
				if err != nil || w.text() != `"0"|"1"|"2"|"3"|"4"|"5"|"6"|"7"|"8"|"9"` {
					t.Errorf("Send %v, written %s", err, w.text())
				}
			}
		})
	}
}

func TestQueueOutlivesAConnection(t *testing.T) {
	shape := flow.Shape{Role: flow.Client, In: true, Out: true, Queue: &setting.Queue{MaxEvents: 100, MaxBytes: 10000, Overflow: "block"}}
	tab, _, _ := table(t, shape, "separate")
	send := func(s string) {
		t.Helper()
		if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{text(s)}); err != nil {
			t.Fatal(err)
		}
	}
	send("a")
	first := &wire{}
	l := open(t, tab, first)
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.Disconnect(errors.New("reset"))
	send("b")
	send("c")
	l.Close(context.Background(), errors.New("reset"))
	second := &wire{}
	l = open(t, tab, second)
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first.text() != "\"a\"\n" || second.text() != "\"b\"\n|\"c\"\n" {
		t.Errorf("first %q, second %q", first.text(), second.text())
	}
	l.Close(context.Background(), nil)
	send("d")
	tab.Close(errors.New("given up"))
	if s := tab.Stats(); s.Lost != 1 {
		t.Errorf("lost %d, want 1", s.Lost)
	}
	if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{text("e")}); err != nil {
		t.Errorf("what the err port took is an error: %v", err)
	}
}

func TestDirectSendersWaitForTheConnection(t *testing.T) {
	tab, _, _ := table(t, flow.Shape{Role: flow.Target, In: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tab.In(flow.Reply, false).Send(ctx, []flow.Event{text("a")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Send without a connection: %v", err)
	}
	w := &wire{}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{text(fmt.Sprint(i))}); err != nil {
				t.Error(err)
			}
		})
	}
	open(t, tab, w)
	wg.Wait()
	if len(w.got) != 20 || w.corked != 0 {
		t.Errorf("written %d, corked %d", len(w.got), w.corked)
	}
}

// Others may write to a connection while its reader replies: nothing is lost,
// each side keeps its order.
func TestReaderAndOthersWriteInOrder(t *testing.T) {
	shape := many()
	shape.Queue.Overflow, shape.Queue.MaxEvents = "block", 4
	tab, _, _ := table(t, shape)
	w := &wire{}
	l := open(t, tab, w)
	const n = 2000
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			receive(t, l, fmt.Sprintf(`["reply",%d]`, i))
		}
	})
	wg.Go(func() {
		for i := range n {
			e := flow.Event{Value: flow.ListOf([]flow.Value{flow.TextOf("other"), flow.IntOf(int64(i))}), Origin: &l.(*Link).origin}
			if err := tab.In(flow.Reply, false).Send(context.Background(), []flow.Event{e}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if err := l.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	next := map[string]int{}
	for _, m := range w.got {
		who := "reply"
		if strings.Contains(m, "other") {
			who = "other"
		}
		if want := fmt.Sprintf(`["%s",%d]`, who, next[who]); m != want {
			t.Fatalf("got %s, want %s", m, want)
		}
		next[who]++
	}
	if next["reply"] != n || next["other"] != n {
		t.Errorf("written %v", next)
	}
}

// quiet is a writer that keeps nothing, so that only the link is measured.
type quiet struct{}

func (quiet) Write(context.Context, []flow.Frame, bool) error { return nil }
func (quiet) Flush(context.Context) error                     { return nil }

func TestEchoAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("allocations cannot be counted under the race detector; the same test runs without it")
	}
	tab, _, _ := table(t, many(), "separate")
	l := open(t, tab, quiet{})
	frames := []flow.Frame{{Data: []byte(message143 + "\n")}, {Data: []byte(message143 + "\n" + message143 + "\n")}}
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() {
		if err := l.Receive(ctx, frames); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("three echoed messages allocate %v times", n)
	}
}

const message143 = `{"id":123456,"type":"message","host":"rrc00","data":{"peer":"192.0.2.1","timestamp":1784000000.12,"path":[64501,3356,1299]},"note":"0123456789"}`

func BenchmarkEcho(b *testing.B) {
	tab, _, _ := table(b, many(), "separate")
	l := open(b, tab, quiet{})
	frames := []flow.Frame{{Data: []byte(message143 + "\n")}}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Receive(ctx, frames); err != nil {
			b.Fatal(err)
		}
	}
}
