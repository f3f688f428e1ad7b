package engine

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/wiring"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// looker is a tap that notes what it sees.
type looker struct {
	mu   sync.Mutex
	seen []string
	gone atomic.Int64
}

func (l *looker) Gone() { l.gone.Add(1) }

func (l *looker) Through(next flow.Sink) flow.Sink {
	return stepFunc(func(ctx context.Context, batch []flow.Event) error {
		l.mu.Lock()
		for i := range batch {
			v, _ := batch[i].Payload()
			if e, is := v.Object().Get("error"); is {
				v, _ = e.Object().Get("kind")
			}
			l.seen = append(l.seen, v.Text())
		}
		l.mu.Unlock()
		return next.Send(ctx, batch)
	})
}

func (l *looker) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.seen, " ")
}

func look(t *testing.T, e *Engine, place wiring.Place) (l *looker, end func()) {
	t.Helper()
	l = &looker{}
	end, err := e.Tap(NamedPlace{"f", place}, l)
	if err != nil {
		t.Fatal(err)
	}
	return l, end
}

// deep is a sink that notes how deep in calls it is when it is written to, of this
// module.
func deep() (s *sink, depth func() int) {
	s = newSink()
	var last atomic.Int64
	s.run = func(ctx context.Context, h flow.Host) error {
		l, err := h.Open(flow.Peer{}, writerFunc(func(frames []flow.Frame) {
			var pcs [100]uintptr
			last.Store(int64(runtime.Callers(1, pcs[:])))
			_ = s.Write(ctx, frames, false)
		}))
		if err != nil {
			return err
		}
		<-ctx.Done()
		l.Close(h.Abandon(), nil)
		return nil
	}
	return s, func() int { return int(last.Load()) }
}

type writerFunc func([]flow.Frame)

func (f writerFunc) Flush(context.Context) error { return nil }
func (f writerFunc) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	f(frames)
	return nil
}

// aPlaceOfEachKind is a flow where every kind of place is passed: two edges at a
// port, one of them by way of a pipeline and one that is only tried.
func aPlaceOfEachKind(in, a, b flow.ConnectorConfig) *flowfile.File {
	p := &flowfile.PipelineBlock{Name: "p", Ports: []string{"exit"}, Steps: []flowfile.StepBlock{{Type: "route", Label: "r", Config: route{"exit"}}}}
	return &flowfile.File{
		Name:       "f",
		Connectors: []*flowfile.ConnectorBlock{connector("in", in), connector("a", a), connector("b", b)},
		Pipelines:  []*flowfile.PipelineBlock{p},
		Connects: []*flowfile.ConnectBlock{
			{Name: "via", From: []flowfile.PortRef{ref("connector.in.out")}, Via: []string{"p"}, To: []flowfile.PortRef{ref("connector.a.in"), ref("connector.b.in")}},
			{Name: "some", From: []flowfile.PortRef{ref("connector.in.out")}, Where: is("y"), To: []flowfile.PortRef{ref("connector.b.in")}, BestEffort: true},
			connect("exits", "pipeline.p.exit > connector.b.in"),
		},
	}
}

func TestTaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, a, b := newTap(), newSink(), newSink()
		f := aPlaceOfEachKind(in, a, b)
		f.Connects[1].BestEffort = false
		r := start(t, f)
		r.untilRuns()
		want := map[wiring.Place]string{
			"connector.in.out": "x y bad",
			"connector.in.err": "where", // nothing is connected to it
			"connector.a.in":   "y",
			"connector.a.err":  "",
			"connector.b.in":   "x y y",
			"connector.b.err":  "",
			"connect.via":      "x y bad",
			"connect.some":     "y",
			"connect.exits":    "x",
			"pipeline.p.in":    "x y bad",
			"pipeline.p.out":   "y",
			"pipeline.p.err":   "step",
			"pipeline.p.exit":  "x",
		}
		places := r.Places()
		if len(places) != len(want) {
			t.Errorf("%d places, not %d: %v", len(places), len(want), places)
		}
		for _, together := range []bool{false, true} {
			lookers, ends := map[wiring.Place]*looker{}, []func(){}
			tell := func() {
				in.send <- "x"
				<-in.sent
				in.tell(t, "y")
				in.send <- "bad"
				if err := <-in.sent; err == nil {
					t.Error("what has failed is acknowledged since somebody looked on")
				}
			}
			for _, p := range places {
				l, end := look(t, r.Engine, p.Place)
				lookers[p.Place], ends = l, append(ends, end)
				if !together {
					tell()
					end()
				}
			}
			if together {
				tell()
				for _, end := range ends {
					end()
				}
			}
			tell()
			for p, want := range want {
				if got := lookers[p].String(); got != want {
					t.Errorf("together %v: at %s passed %q, not %q", together, p, got, want)
				}
			}
		}
		if r.unit("a").isSource() || r.unit("a").table.Out().Connected() {
			t.Error("what was looked at counts as connected")
		}
	})
}

// TestATapLeavesNothingBehind shows that events take the very way of before when
// nobody looks on any more, and that nothing of it has lost its counters.
func TestATapLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newTap()
		a, depth := deep()
		b := newSink()
		b.run = func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{}, torn{})
			if err != nil {
				return err
			}
			<-ctx.Done()
			l.Close(ctx, nil)
			return nil
		}
		f := aPlaceOfEachKind(in, a, b)
		f.Connects[0].To = f.Connects[0].To[:1]
		r := start(t, f)
		r.untilRuns()
		in.tell(t, "y")
		before := depth()
		for _, p := range r.Places() {
			_, end := look(t, r.Engine, p.Place)
			in.tell(t, "y")
			onTheWay := slices.Contains([]wiring.Place{"connector.in.out", "connect.via", "pipeline.p.in", "pipeline.p.out", "connector.a.in"}, p.Place)
			if (depth() > before) != onTheWay {
				t.Errorf("a tap at %s: %d calls instead of %d", p, depth(), before)
			}
			end()
			in.tell(t, "y")
			if depth() != before {
				t.Errorf("after a tap at %s: %d calls instead of %d", p, depth(), before)
			}
		}
		r.cancel()
		r.wait(t)
		failed := uint64(1 + 2*len(r.Places()))
		if n := r.logs.FilterMessage("passed").FilterField(zap.String("connect", "some")).FilterField(zap.Uint64("failed", failed)).Len(); n != 1 {
			t.Errorf("the failures of the best-effort edge are not counted as %d", failed)
		}
	})
}

func TestAReloadKeepsTaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, a, b := newTap(), newSink(), newSink()
		file := func(change ...func(*flowfile.File)) *flowfile.File {
			f := aPlaceOfEachKind(in, a, b)
			for _, c := range change {
				c(f)
			}
			return f
		}
		r := start(t, file())
		r.untilRuns()
		port, endPort := look(t, r.Engine, "connector.in.out")
		edge, endEdge := look(t, r.Engine, "connect.via")
		some, endSome := look(t, r.Engine, "connect.some")
		in.tell(t, "y")
		reload(t, r, file())                                                       // the same
		reload(t, r, file(func(f *flowfile.File) { f.Connects[0].Via = nil }))     // another way
		reload(t, r, file(func(f *flowfile.File) { version(f.Connectors[1], 1) })) // another connector behind it
		reload(t, r, file(func(f *flowfile.File) { f.Connects = f.Connects[:1] })) // without an edge
		in.tell(t, "z")
		reload(t, r, file())
		in.tell(t, "y")
		if got := fmt.Sprint(port, " ", edge, " ", some); got != "y z y y z y y" {
			t.Errorf("heard %q", got)
		}
		if port.gone.Load()+edge.gone.Load() != 0 || some.gone.Load() != 1 {
			t.Error("which places are no more is not told")
		}
		endPort()
		endEdge()
		endSome()
		in.tell(t, "y")
		if got := fmt.Sprint(port, " ", edge, " ", some); got != "y z y y z y y" {
			t.Errorf("after the end, heard %q", got)
		}
		if n := len(r.taps.all); n > 0 {
			t.Errorf("%d taps are left", n)
		}
	})
}

func TestAPlaceThatIsNot(t *testing.T) {
	e, err := New(Options{Files: []*flowfile.File{aPlaceOfEachKind(newTap(), newSink(), newSink())}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []NamedPlace{{"g", "connect.via"}, {"f", "connect.x"}, {"f", "connector.a.out"}, {"f", ""}} {
		if _, err := e.Tap(p, &looker{}); err == nil {
			t.Errorf("%s: no error", p)
		}
	}
}

// TestTapsComeAndGoWhileEventsPass is for the race detector: each event arrives once,
// in order, whatever is put on its way.
func TestTapsComeAndGoWhileEventsPass(t *testing.T) {
	const n = 3000
	in, a, b := newTap(), newSink(), newSink()
	file := func() *flowfile.File { return aPlaceOfEachKind(in, a, b) }
	r := start(t, file())
	<-r.begun
	stop, others := make(chan struct{}), sync.WaitGroup{}
	for _, p := range r.Places() {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, end := look(t, r.Engine, p.Place)
				runtime.Gosched()
				end()
			}
		})
	}
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				reload(t, r, file())
			}
		}
	})
	var want []string
	for i := range n {
		text := fmt.Sprint(i)
		in.tell(t, text)
		want = append(want, text)
	}
	close(stop)
	others.Wait()
	if diff := cmp.Diff(want, a.events()); diff != "" {
		t.Error(diff)
	}
}
