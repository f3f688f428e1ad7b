package link

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
)

// broadcasts is a table with n connections.
func broadcasts(t testing.TB, n int, edit func(*flow.Shape), processors ...string) (*Table, []*wire, []flow.Link) {
	t.Helper()
	shape := many()
	shape.Queue.MaxEvents, shape.Queue.MaxBytes = 1<<20, 1<<30
	if edit != nil {
		edit(&shape)
	}
	tab, _, _ := table(t, shape, processors...)
	wires, links := make([]*wire, n), make([]flow.Link, n)
	for i := range wires {
		wires[i] = &wire{}
		links[i] = open(t, tab, wires[i])
	}
	return tab, wires, links
}

func flush(t testing.TB, links ...flow.Link) {
	t.Helper()
	for _, l := range links {
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBroadcastReachesEachOnceAndInOrder(t *testing.T) {
	tab, wires, links := broadcasts(t, 20, nil, "length_prefix", "gzip")
	in := tab.In(flow.Broadcast, false)
	want := ""
	once := &encode.Encoder{}
	once.Init(tab.terms.Terms)
	for i := range 50 {
		batch := []flow.Event{text(fmt.Sprint("a", i)), text(fmt.Sprint("b", i))}
		if err := in.Send(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for j := range batch {
			var frames []flow.Frame
			var scratch, buf []byte
			if err := once.Encode(&scratch, &frames, &buf, &batch[j]); err != nil {
				t.Fatal(err)
			}
			want += "|" + string(frames[0].Data)
		}
	}
	flush(t, links...)
	for i, w := range wires {
		if got := w.text(); got != want[1:] {
			t.Errorf("connection %d got %q", i, got)
		}
	}
	if s := tab.Stats(); s.EventsOut != 20*100 || s.Lost+s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

// A message that a client says to all comes back to it too, behind the answers
// that it was given before.
func TestBroadcastKeepsItsPlaceAmongReplies(t *testing.T) {
	tab, wires, links := broadcasts(t, 3, nil)
	replies, all := tab.In(flow.Reply, false), tab.In(flow.Broadcast, false)
	tab.Out().Connect(sinkFunc(func(ctx context.Context, batch []flow.Event) error {
		for i := range batch {
			in := replies
			if strings.Contains(string(batch[i].Raw), "all") {
				in = all
			}
			if err := in.Send(ctx, batch[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}))
	receive(t, links[1], `1`, `"all 2"`, `3`, `4`, `"all 5"`, `6`)
	flush(t, links...)
	for i, want := range []string{`"all 2"|"all 5"`, `1|"all 2"|3|4|"all 5"|6`, `"all 2"|"all 5"`} {
		if got := wires[i].text(); got != want {
			t.Errorf("connection %d got %s, want %s", i, got, want)
		}
	}
}

type sinkFunc func(ctx context.Context, batch []flow.Event) error

func (f sinkFunc) Send(ctx context.Context, batch []flow.Event) error { return f(ctx, batch) }

func TestBroadcastToNobodyIsDeliveredAndCounted(t *testing.T) {
	tab, _, links := broadcasts(t, 1, nil)
	links[0].Close(t.Context(), nil)
	if err := tab.In(flow.Broadcast, true).Send(t.Context(), []flow.Event{text("a"), text("b")}); err != nil {
		t.Error(err)
	}
	if s := tab.Stats(); s.Unheard != 2 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// The queue of a slow client overflows by its policy, and the others get all.
func TestBroadcastDoesNotWaitForASlowClient(t *testing.T) {
	for _, policy := range []string{"disconnect", "drop_oldest", "drop_newest"} {
		t.Run(policy, func(t *testing.T) {
			tab, wires, links := broadcasts(t, 3, func(s *flow.Shape) { s.Queue.MaxEvents, s.Queue.Overflow = 4, policy })
			wires[1].block = make(chan struct{})
			wires[1].writing = make(chan struct{}, 100)
			in := tab.In(flow.Broadcast, true)
			want := ""
			for i := range 20 {
				if err := in.Send(t.Context(), []flow.Event{text(fmt.Sprint(i))}); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					<-wires[1].writing
				}
				flush(t, links[0], links[2])
				want += fmt.Sprintf("|%q", fmt.Sprint(i))
			}
			for _, i := range []int{0, 2} {
				if got := wires[i].text(); got != want[1:] {
					t.Errorf("connection %d got %s", i, got)
				}
			}
			close(wires[1].block)
			s := tab.Stats()
			switch policy {
			case "disconnect":
				// 1 was being written, 3 waited, the rest found the connection gone.
				for ; s.Lost < 20; s = tab.Stats() {
					runtime.Gosched()
				}
				if !errors.Is(wires[1].cut, flow.ErrSlow) {
					t.Errorf("cut %v", wires[1].cut)
				}
			case "drop_oldest":
				flush(t, links[1])
				if got := wires[1].text(); got != `"0"|"17"|"18"|"19"` || s.Dropped != 16 {
					t.Errorf("got %s, %+v", got, s)
				}
			case "drop_newest":
				flush(t, links[1])
				if got := wires[1].text(); got != `"0"|"1"|"2"|"3"` || s.Dropped != 16 {
					t.Errorf("got %s, %+v", got, s)
				}
			}
		})
	}
}

// counting is a processor with a state per connection: it numbers messages.
type counting struct{ n int }

func (c *counting) Process(p []byte, emit func([]byte) error) error {
	c.n++
	return emit(fmt.Appendf(nil, "%d:%s", c.n, p))
}

func (c *counting) Finish(func([]byte) error) error { return nil }

func TestBroadcastThroughProcessorsWithAState(t *testing.T) {
	tab, _, _ := table(t, many())
	tab.terms.Post = []flow.ProcessorUse{{Type: "counting", New: func() flow.Processor { return &counting{} }}}
	a, b := &wire{}, &wire{}
	open(t, tab, a)
	in := tab.In(flow.Broadcast, false)
	for i, w := range []*wire{a, b} {
		if i == 1 {
			open(t, tab, w)
		}
		if err := in.Send(t.Context(), []flow.Event{text("x"), text("y")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range tab.links {
		flush(t, l)
	}
	if a.text() != `1:"x"|2:"y"|3:"x"|4:"y"` || b.text() != `1:"x"|2:"y"` {
		t.Errorf("a got %s, b got %s", a.text(), b.text())
	}
}

func TestBroadcastWhatCannotBeEncodedIsToldOnce(t *testing.T) {
	tab, wires, links := broadcasts(t, 3, nil)
	errs := &recorder{}
	tab.cfg.Problems.Port.Connect(errs)
	bad := text("x")
	bad.SetPayload(flow.FloatOf(math.NaN()))
	if err := tab.In(flow.Broadcast, false).Send(t.Context(), []flow.Event{text("a"), bad, text("b")}); err != nil {
		t.Error(err)
	}
	flush(t, links...)
	if n := len(errs.all()); n != 1 {
		t.Errorf("told %d times", n)
	}
	for i, w := range wires {
		if got := w.text(); got != `"a"|"b"` {
			t.Errorf("connection %d got %s", i, got)
		}
	}
}

// An event that cannot be encoded takes nobody's place in a full queue.
func TestBroadcastWhatCannotBeEncodedDropsNothing(t *testing.T) {
	tab, _, _ := broadcasts(t, 0, func(s *flow.Shape) { s.Queue.Overflow, s.Queue.MaxEvents = "drop_oldest", 10 })
	tab.cfg.Problems.Port.Connect(&recorder{})
	w := &wire{block: make(chan struct{}), writing: make(chan struct{}, 100)}
	l := open(t, tab, w)
	send := func(e flow.Event) {
		if err := tab.In(flow.Broadcast, false).Send(t.Context(), []flow.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	send(text("0"))
	<-w.writing
	for i := 1; i < tab.cfg.Shape.Queue.MaxEvents; i++ {
		send(text(fmt.Sprint(i)))
	}
	bad := text("x")
	bad.SetPayload(flow.FloatOf(math.NaN()))
	send(bad)
	close(w.block)
	flush(t, l)
	if s := tab.Stats(); s.Dropped != 0 || s.EventsOut != uint64(tab.cfg.Shape.Queue.MaxEvents) {
		t.Errorf("%+v", s)
	}
}

// Clients come and go while several publish: each gets what one publisher says
// from some event on, without a gap.
func TestBroadcastWhileClientsComeAndGo(t *testing.T) {
	tab, _, _ := broadcasts(t, 0, nil)
	in := tab.In(flow.Broadcast, false)
	const publishers, n = 3, 500
	var publishing, clients sync.WaitGroup
	for p := range publishers {
		publishing.Go(func() {
			for i := range n {
				e := flow.Event{Value: flow.ListOf([]flow.Value{flow.IntOf(int64(p)), flow.IntOf(int64(i))})}
				if err := in.Send(context.Background(), []flow.Event{e}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 4 {
		clients.Go(func() {
			for range 100 {
				w := &wire{}
				l := open(t, tab, w)
				if err := l.Flush(context.Background()); err != nil {
					t.Error(err)
				}
				l.Close(context.Background(), nil)
				next := map[int]int{}
				for m := range strings.SplitSeq(w.text(), "|") {
					if m == "" {
						continue
					}
					var p, i int
					if _, err := fmt.Sscanf(m, "[%d,%d]", &p, &i); err != nil {
						t.Errorf("%q: %v", m, err)
					}
					if want, seen := next[p]; seen && i != want {
						t.Errorf("after %d of publisher %d comes %d", want-1, p, i)
					}
					next[p] = i + 1
				}
			}
		})
	}
	publishing.Wait()
	clients.Wait()
}

func TestUnionWithGoneConnections(t *testing.T) {
	for _, test := range []struct {
		name    string
		lostErr bool
		gone    []int
		lost    uint64
		told    int
	}{
		{"one gone, drop", false, []int{0}, 1, 0},
		{"one gone, err", true, []int{1}, 1, 0},
		{"all gone, drop", false, []int{0, 1}, 2, 0},
		{"all gone, err", true, []int{0, 1}, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			tab, wires, links := broadcasts(t, 3, nil)
			errs := &recorder{}
			tab.cfg.Problems.Port.Connect(errs)
			e := text("sum")
			e.Origin = &flow.Origin{Union: []*flow.Origin{&links[0].(*Link).origin, &links[1].(*Link).origin}}
			gone := map[int]bool{}
			for _, i := range test.gone {
				links[i].Close(t.Context(), nil)
				gone[i] = true
			}
			if err := tab.In(flow.Reply, test.lostErr).Send(t.Context(), []flow.Event{e}); err != nil {
				t.Error(err)
			}
			for i, w := range wires {
				flush(t, links[i])
				if got, want := w.text() != "", i < 2 && !gone[i]; got != want {
					t.Errorf("connection %d got %q", i, w.text())
				}
			}
			if s := tab.Stats(); s.Lost != test.lost || len(errs.all()) != test.told {
				t.Errorf("%d lost, %d told", s.Lost, len(errs.all()))
			}
		})
	}
}

func TestAReplyToAVanishedClientIsAProblemIfTheEdgeSaysSo(t *testing.T) {
	tab, _, links := broadcasts(t, 1, nil)
	tab.cfg.Problems.Port.Connect(nil)
	e := text("late")
	e.Origin = &links[0].(*Link).origin
	links[0].Close(t.Context(), nil)
	if err := tab.In(flow.Reply, true).Send(t.Context(), []flow.Event{e}); !errors.Is(err, flow.ErrGone) {
		t.Errorf("Send: %v", err)
	}
	if s := tab.Stats(); s.Lost != 0 {
		t.Errorf("what was refused is counted as lost, too: %+v", s)
	}
}

// eager is a wire that can write without waiting, as its moods say.
type eager struct {
	wire
	moods []string // of the next calls of TryWrite; then it takes all
	held  []flow.Frame
}

func (e *eager) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	mood := ""
	if len(e.moods) > 0 {
		mood, e.moods = e.moods[0], e.moods[1:]
	}
	switch mood {
	case "busy":
		return false, false, nil
	case "full":
		e.held = append(e.held, frames...)
		return true, false, nil
	case "broken":
		_ = e.wire.Write(context.Background(), frames[:1], true)
		return true, false, &flow.WriteError{Written: 1, Err: errors.New("reset")}
	}
	return true, true, e.wire.Write(context.Background(), frames, true)
}

func (e *eager) Flush(ctx context.Context) error {
	held := e.held
	e.held = nil
	if err := e.wire.Write(ctx, held, true); err != nil {
		return err
	}
	return e.wire.Flush(ctx)
}

func TestBroadcastWritesWhatGoesWithoutWaiting(t *testing.T) {
	tab, _, _ := broadcasts(t, 0, nil)
	w := &eager{moods: []string{"", "full", "busy", "", "full"}}
	l := open(t, tab, w)
	in := tab.In(flow.Broadcast, false)
	want := ""
	for i := range 20 {
		if err := in.Send(t.Context(), []flow.Event{text(fmt.Sprint(i)), text("x")}); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			flush(t, l)
		}
		want += fmt.Sprintf(`|"%d"|"x"`, i)
	}
	flush(t, l)
	if got := w.text(); got != want[1:] {
		t.Errorf("got %s", got)
	}
	if s := tab.Stats(); s.EventsOut != 40 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

func TestBroadcastToAConnectionThatBreaks(t *testing.T) {
	tab, _, _ := broadcasts(t, 0, nil)
	open(t, tab, &eager{moods: []string{"broken"}})
	in := tab.In(flow.Broadcast, false)
	for range 2 {
		if err := in.Send(t.Context(), []flow.Event{text("a"), text("b"), text("c")}); err != nil {
			t.Error(err)
		}
	}
	if s := tab.Stats(); s.EventsOut != 1 || s.Lost != 5 {
		t.Errorf("%+v", s)
	}
}

// What one turn says to all leaves together, and more of it than a queue holds
// overflows no queue of a client that takes it.
func TestBroadcastsOfATurnLeaveTogether(t *testing.T) {
	tab, _, _ := broadcasts(t, 0, func(s *flow.Shape) { s.Queue.MaxEvents = 4 })
	w := &eager{}
	open(t, tab, w)
	speaker := open(t, tab, &eager{})
	tab.Out().Connect(sinkFunc(func(ctx context.Context, batch []flow.Event) error {
		for i := range batch {
			if err := tab.In(flow.Broadcast, false).Send(ctx, batch[i:i+1]); err != nil {
				return err
			}
			if i == 2 && w.text() != "" {
				t.Errorf("before the end of the turn %s is written", w.text())
			}
		}
		return nil
	}))
	frames, want := []string{}, ""
	for i := range 30 {
		frames = append(frames, fmt.Sprint(i))
		want += fmt.Sprintf("|%d", i)
	}
	receive(t, speaker, frames...)
	if got := w.text(); got != want[1:] {
		t.Errorf("got %s", got)
	}
}

// An event that the flow has addressed is never told to all.
func TestBroadcastOfWhatIsAddressed(t *testing.T) {
	tab, wires, links := broadcasts(t, 3, nil)
	private := text("private")
	peer := flow.ObjectOf(flow.Field{Key: "peer", Value: flow.TextOf(links[1].ID())})
	private.Meta.Wrote = flow.ObjectOf(flow.Field{Key: "ws_server", Value: flow.MapOf(peer)})
	gone := private
	peer = flow.ObjectOf(flow.Field{Key: "peer", Value: flow.TextOf("nobody")})
	gone.Meta.Wrote = flow.ObjectOf(flow.Field{Key: "ws_server", Value: flow.MapOf(peer)})
	tab.cfg.Problems.Port.Connect(nil)
	err := tab.In(flow.Broadcast, false).Send(t.Context(), []flow.Event{text("a"), private, text("b"), gone, text("c")})
	failed := ""
	flow.Failures(err, 5, func(i int, _ error) { failed += fmt.Sprint(i) })
	if failed != "3" {
		t.Errorf("failed: %s (%v)", failed, err)
	}
	flush(t, links...)
	for i, want := range []string{`"a"|"b"|"c"`, `"a"|"private"|"b"|"c"`, `"a"|"b"|"c"`} {
		if got := wires[i].text(); got != want {
			t.Errorf("connection %d got %s, want %s", i, got, want)
		}
	}
}

// What was said to all before the flow panicked is heard.
func TestBroadcastBeforeAPanic(t *testing.T) {
	tab, wires, links := broadcasts(t, 2, nil)
	tab.Out().Connect(sinkFunc(func(ctx context.Context, batch []flow.Event) error {
		if err := tab.In(flow.Broadcast, false).Send(ctx, batch[:1]); err != nil {
			t.Error(err)
		}
		panic("after the first")
	}))
	func() {
		defer func() { _ = recover() }()
		receive(t, links[0], `"a"`, `"b"`)
	}()
	tab.Out().Connect(nil)
	links[0].Close(t.Context(), nil)
	flush(t, links[1])
	if got := wires[1].text(); got != `"a"` {
		t.Errorf("the other got %q", got)
	}
}
