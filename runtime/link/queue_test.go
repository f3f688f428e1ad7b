package link

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

func single(overflow string) flow.Shape {
	return flow.Shape{Role: flow.Client, In: true, Out: true, Queue: &setting.Queue{MaxEvents: 4, MaxBytes: 1000, Overflow: overflow}}
}

// alone is a writer that minds being used by two goroutines at once.
type alone struct {
	inside atomic.Int32
	met    atomic.Bool
}

func (w *alone) use() error {
	if w.inside.Add(1) > 1 {
		w.met.Store(true)
	}
	runtime.Gosched()
	w.inside.Add(-1)
	return nil
}

func (w *alone) Write(context.Context, []flow.Frame, bool) error { return w.use() }
func (w *alone) Flush(context.Context) error                     { return w.use() }

func TestAWriterIsUsedByOneGoroutineAtATime(t *testing.T) {
	tab, _, _ := table(t, single("block"))
	w := &alone{}
	l := open(t, tab, w)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			if err := tab.In(flow.Reply, false).Send(context.Background(), []flow.Event{text("a")}); err != nil {
				t.Error(err)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.met.Load() {
		t.Error("two goroutines were inside of the writer")
	}
}

// A client whose queue overflows with `disconnect` connects again, and what it
// is sent then arrives.
func TestDisconnectedClientConnectsAgain(t *testing.T) {
	tab, _, _ := table(t, single("disconnect"))
	for i := range 6 { // before there is a connection at all
		if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{text(fmt.Sprint("early ", i))}); err != nil {
			t.Fatal(err)
		}
	}
	w := &wire{block: make(chan struct{}), writing: make(chan struct{}, 100)}
	l := open(t, tab, w)
	for i := range 6 {
		if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{text(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	close(w.block)
	if !errors.Is(w.cutBy(), flow.ErrSlow) {
		t.Errorf("cut by %v", w.cutBy())
	}
	l.Close(context.Background(), flow.ErrSlow)
	second := &wire{}
	l = open(t, tab, second)
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{text("after")}); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := second.text(); !strings.HasSuffix(got, `"after"`) {
		t.Errorf("after the reconnect %q", got)
	}
	l.Close(context.Background(), nil)
	s := tab.Stats()
	if s.EventsOut+s.Lost+s.Queued != 13 {
		t.Errorf("13 events: out %d, lost %d, queued %d", s.EventsOut, s.Lost, s.Queued)
	}
}

// A reader that waits for its own connection's queue must hear that the
// connection is broken: nobody but itself could make room.
func TestAReaderDoesNotWaitForItsOwnBrokenConnection(t *testing.T) {
	for name, shape := range map[string]flow.Shape{"client": single("block"), "server": many()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shape.Queue.MaxEvents = 4
				tab, errs, _ := table(t, shape)
				w := &wire{block: make(chan struct{}), writing: make(chan struct{}, 100)}
				l := open(t, tab, w)
				e := text("first")
				e.Origin = &l.(*Link).origin
				if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{e}); err != nil {
					t.Fatal(err)
				}
				<-w.writing
				done := make(chan struct{})
				go func() {
					defer close(done)
					frames := make([]flow.Frame, 10)
					for i := range frames {
						frames[i].Data = []byte(fmt.Sprint(i))
					}
					_ = l.Receive(context.Background(), frames)
					l.Close(context.Background(), errors.New("reset"))
				}()
				synctest.Wait() // the reader waits for room
				w.Disconnect(errors.New("reset"))
				close(w.block)
				synctest.Wait()
				select {
				case <-done:
				default:
					t.Error("the reader waits for ever")
					tab.Close(errors.New("test"))
				}
				s := tab.Stats()
				told := uint64(len(errs.all()))
				if s.EventsOut+s.Lost+s.Queued+told != 11 {
					t.Errorf("11 events: out %d, lost %d, queued %d, told %d", s.EventsOut, s.Lost, s.Queued, told)
				}
			})
		})
	}
}

func TestASlowConsumerIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, _, _ := table(t, many())
		w := &wire{block: make(chan struct{}), writing: make(chan struct{}, 100)}
		l := open(t, tab, w)
		for i := range 11 {
			e := text("x")
			e.Origin = &l.(*Link).origin
			if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{e}); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				<-w.writing
			}
		}
		close(w.block)
		l.Close(context.Background(), flow.ErrSlow)
		synctest.Wait()
		if s := tab.Stats(); s.EventsOut+s.Lost != 11 {
			t.Errorf("11 events: out %d, lost %d", s.EventsOut, s.Lost)
		}
	})
}

// faulty is a codec with a bug.
type faulty struct{ flow.Codec }

func (faulty) Encode([]byte, *flow.Event) ([]byte, error) { panic("a bug") }

// A panic costs the connection whose message caused it, which can be closed.
func TestAPanicLeavesTheLinkUsable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, _, _ := table(t, many())
		l := open(t, tab, &wire{})
		l.(*Link).out.Init(encode.NewTerms("test", flow.Shape{}, flow.CodecUse{New: func() flow.Codec { return faulty{} }}, nil))
		func() {
			defer func() { _ = recover() }()
			receive(t, l, "1")
			t.Error("no panic")
		}()
		l.Close(context.Background(), errors.New("panic"))
		if s := tab.Stats(); s.Open != 0 {
			t.Errorf("%d connections are open", s.Open)
		}
	})
}

func (w *wire) cutBy() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

// More events at once than the queue holds are no slow consumer's, as long as
// the connection takes them.
func TestMoreAtOnceThanTheQueueHolds(t *testing.T) {
	shape := many()
	shape.Queue.Overflow = "disconnect"
	tab, _, _ := table(t, shape)
	w := &eager{}
	l := open(t, tab, w)
	batch := make([]flow.Event, 10*shape.Queue.MaxEvents)
	for i := range batch {
		batch[i] = text(fmt.Sprint(i))
		batch[i].Origin = &l.(*Link).origin
	}
	for range 3 {
		if err := tab.In(flow.Reply, false).Send(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(strings.Split(w.text(), "|")); n != 3*len(batch) || w.cut != nil {
		t.Errorf("%d of %d have arrived, cut %v", n, 3*len(batch), w.cut)
	}
}
