package link

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// payload is the expression event.
type payload struct{}

func (payload) Eval(e *flow.Event, _ ...flow.Value) (flow.Value, error) {
	if e.Value.Kind() == flow.Bool {
		return flow.NullValue, errors.New("no key today")
	}
	return e.Value, nil
}
func (payload) Test(*flow.Event, ...flow.Value) (bool, error) { return false, nil }
func (payload) At() string                                    { return "flow.hcl:1" }

// keyed is a table with a connection per payload, and the lanes it has made.
type keyed struct {
	*Table
	errs *recorder
	mu   sync.Mutex
	made []*Lane
}

func perPayload(t *testing.T, limit int) *keyed {
	t.Helper()
	shape := single("block")
	shape.Per = &flow.Per{Key: payload{}, MaxConnections: limit}
	tab, errs, _ := table(t, shape)
	k := &keyed{Table: tab, errs: errs}
	tab.cfg.Serve = func(l *Lane) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.made = append(k.made, l)
		return nil
	}
	return k
}

func (k *keyed) send(t *testing.T, origin *flow.Origin, values ...flow.Value) {
	t.Helper()
	batch := make([]flow.Event, len(values))
	for i, v := range values {
		batch[i].Origin = origin
		batch[i].SetPayload(v)
	}
	if err := k.In(flow.Reply, false).Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, l *Lane) (*wire, *Link) {
	t.Helper()
	w := &wire{}
	opened, err := l.Open(flow.Peer{}, w)
	if err != nil {
		t.Fatal(err)
	}
	return w, opened.(*Link)
}

func (k *keyed) problems(t *testing.T) (all []string) {
	t.Helper()
	for _, e := range k.errs.all() {
		what, _ := e.Value.Object().Get("error")
		message, _ := what.Object().Get("message")
		all = append(all, message.Text())
	}
	return all
}

func TestEachKeyHasALane(t *testing.T) {
	k := perPayload(t, 3)
	text, one := flow.TextOf("1"), flow.IntOf(1)
	k.send(t, nil, one, text, text, one, flow.FloatOf(1), flow.NumberOf("1.0"), flow.NullValue, flow.BoolOf(true), flow.IntOf(3), flow.IntOf(4))
	if len(k.made) != 3 {
		t.Fatalf("%d lanes", len(k.made))
	}
	for i, want := range []string{`1|1|1|1.0`, `"1"|"1"`, `3`} {
		w, l := connect(t, k.made[i])
		flush(t, l)
		if got := w.text(); got != want {
			t.Errorf("lane %d wrote %s, want %s", i, got, want)
		}
	}
	got := k.problems(t)
	if len(got) != 3 || !strings.Contains(got[0], "null") || !strings.Contains(got[1], "no key today") || !strings.Contains(got[2], "max_connections") {
		t.Errorf("problems: %q", got)
	}
	// A lane that has closed makes room for another.
	k.made[0].Close(nil)
	k.send(t, nil, flow.IntOf(4))
	k.Close(errors.New("the end"))
	if len(k.made) != 4 || k.Stats().Lost != 1 {
		t.Errorf("%d lanes, %+v", len(k.made), k.Stats())
	}
	k.send(t, nil, flow.IntOf(5))
	if got := k.problems(t); len(got) != 4 || !strings.Contains(got[3], flow.ErrClosed.Error()) {
		t.Errorf("problems: %q", got)
	}
}

// A lane that an aggregate has opened belongs to all who contributed, and ends
// with the last of them.
func TestALaneBelongsToWhomItWasOpenedFor(t *testing.T) {
	clients, wires, links := broadcasts(t, 3, nil)
	k := perPayload(t, 10)
	k.Out().Connect(clients.In(flow.Reply, false))
	union := &flow.Origin{Union: []*flow.Origin{&links[0].(*Link).origin, &links[2].(*Link).origin}}
	k.send(t, union, flow.TextOf("a"))
	k.send(t, &links[1].(*Link).origin, flow.TextOf("a")) // of the same key, but not its own
	_, up := connect(t, k.made[0])
	receive(t, up, `"answer"`)
	flush(t, links...)
	for i, want := range []string{`"answer"`, ``, `"answer"`} {
		if got := wires[i].text(); got != want {
			t.Errorf("client %d got %q, want %q", i, got, want)
		}
	}
	for _, i := range []int{0, 1, 2} {
		if k.made[0].Ending().Err() != nil {
			t.Errorf("it ended before client %d left", i)
		}
		links[i].Close(t.Context(), nil)
	}
	if k.made[0].Ending().Err() == nil {
		t.Error("it outlives those it belongs to")
	}
	// Who is late has a lane that ends at once, but has what was sent.
	k.send(t, &links[1].(*Link).origin, flow.TextOf("a"))
	if len(k.made) != 2 || k.made[1].Ending().Err() == nil || k.made[1].Waiting() != 1 {
		t.Errorf("%d lanes", len(k.made))
	}
}

// What comes from a connection goes back there, whatever its key is.
func TestALaneIsTheWayBackOfItsOwnEvents(t *testing.T) {
	k := perPayload(t, 10)
	k.Out().Connect(k.In(flow.Reply, false))
	k.send(t, nil, flow.TextOf("a"))
	w, up := connect(t, k.made[0])
	receive(t, up, `"b"`)
	flush(t, up)
	if got := w.text(); got != `"a"|"b"` || len(k.made) != 1 {
		t.Errorf("wrote %s over %d lanes", got, len(k.made))
	}
}

// Lanes close at any time, and no event is lost by that which was sent
// afterwards or meanwhile.
func TestLanesCloseWhileEventsCome(t *testing.T) {
	k := perPayload(t, 100)
	var serving sync.WaitGroup
	var mu sync.Mutex
	got := 0
	k.cfg.Serve = func(l *Lane) error {
		serving.Go(func() {
			w := &wire{}
			link, err := l.Open(flow.Peer{}, w)
			if err != nil {
				t.Error(err)
				return
			}
			for !l.Retire() {
				if err := link.Flush(context.Background()); err != nil {
					t.Error(err)
				}
			}
			link.Close(context.Background(), nil)
			l.Close(nil)
			mu.Lock()
			defer mu.Unlock()
			got += len(w.got)
		})
		return nil
	}
	var sending sync.WaitGroup
	for range 4 {
		sending.Go(func() {
			for i := range 1000 {
				e := text(fmt.Sprint(i % 3))
				if err := k.In(flow.Reply, false).Send(context.Background(), []flow.Event{e}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	serving.Wait()
	if s := k.Stats(); got != 4000 || s.Lost != 0 {
		t.Errorf("%d of 4000 arrived, %+v", got, s)
	}
}

// A lane that is told to end between being chosen and being sent to takes
// nothing: the event goes to the next one.
func TestALaneThatEndsTakesNothing(t *testing.T) {
	k := perPayload(t, 10)
	serve := k.cfg.Serve
	k.cfg.Serve = func(l *Lane) error {
		err := serve(l)
		if len(k.made) == 1 {
			l.End()
		}
		return err
	}
	k.send(t, nil, flow.TextOf("a"))
	if len(k.made) != 2 || k.made[0].Waiting() != 0 || k.made[1].Waiting() != 1 {
		t.Errorf("%d lanes, %d wait in the first", len(k.made), k.made[0].Waiting())
	}
}

func TestEndIdle(t *testing.T) {
	k := perPayload(t, 10)
	k.send(t, nil, flow.TextOf("a"), flow.TextOf("b"))
	_, up := connect(t, k.made[0])
	flush(t, up)
	k.EndIdle(time.Now().Add(-time.Hour))
	if k.made[0].Ending().Err() != nil {
		t.Error("a busy lane ended")
	}
	k.EndIdle(time.Now().Add(time.Hour))
	if k.made[0].Ending().Err() == nil {
		t.Error("an idle lane did not end")
	}
	if k.made[1].Ending().Err() != nil {
		t.Error("a lane ended in which something waits")
	}
}

// A lane that has just been made is not idle, however long its first event takes.
func TestANewLaneIsNotIdle(t *testing.T) {
	k := perPayload(t, 10)
	serve := k.cfg.Serve
	k.cfg.Serve = func(l *Lane) error {
		k.EndIdle(time.Now().Add(-time.Hour))
		return serve(l)
	}
	k.send(t, nil, flow.TextOf("a"))
	if len(k.made) != 1 || k.made[0].Waiting() != 1 {
		t.Errorf("%d lanes", len(k.made))
	}
}

// Whoever sends while idle lanes end has another one: nothing is lost on the way.
func TestNothingIsLostToTheIdle(t *testing.T) {
	const senders, each = 4, 2000
	k := perPayload(t, senders*each)
	serve := k.cfg.Serve
	var served sync.WaitGroup
	k.cfg.Serve = func(l *Lane) error {
		served.Go(func() {
			opened, err := l.Open(flow.Peer{}, &quick{})
			if err != nil {
				t.Error(err)
				return
			}
			<-l.Ending().Done()
			if err := opened.Flush(context.Background()); err != nil {
				t.Error(err)
			}
			l.Close(nil)
		})
		return serve(l)
	}
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for range each {
				k.send(t, nil, flow.IntOf(int64(s)))
			}
		})
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		sending.Wait()
	}()
	for over := false; !over; {
		select {
		case <-sent:
			over = true
		default:
			k.EndIdle(time.Now().Add(time.Hour))
		}
	}
	for _, l := range k.made {
		l.End()
	}
	served.Wait()
	if got := k.problems(t); len(got) > 0 || k.Stats().Lost > 0 {
		t.Errorf("%d events were lost, problems: %q", k.Stats().Lost, got)
	}
}

func BenchmarkSendToLane(b *testing.B) {
	shape := single("block")
	shape.Per = &flow.Per{Key: payload{}, MaxConnections: 10}
	shape.Queue.MaxEvents, shape.Queue.MaxBytes = 1<<20, 1<<30
	tab, _, _ := table(b, shape)
	tab.cfg.Serve = func(l *Lane) error {
		_, err := l.Open(flow.Peer{}, quiet{})
		return err
	}
	in := tab.In(flow.Reply, false)
	batch := make([]flow.Event, 32)
	for i := range batch {
		batch[i].SetPayload(flow.TextOf("a key of some length"))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := in.Send(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/event")
}

func BenchmarkBroadcast(b *testing.B) {
	tab, _, _ := broadcasts(b, 0, nil, "separate")
	for range 500 {
		open(b, tab, &quick{})
	}
	in := tab.In(flow.Broadcast, false)
	batch := []flow.Event{text(message143)}
	b.ReportAllocs()
	for b.Loop() {
		if err := in.Send(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*500), "ns/connection")
}

// quick is a writer that takes all at once.
type quick struct{ quiet }

func (*quick) TryWrite([]flow.Frame) (taken, sent bool, err error) { return true, true, nil }
