package link

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func single(overflow string) flow.Shape {
	return flow.Shape{Role: flow.Client, In: true, Out: true, Queue: &flow.Queue{MaxEvents: 4, MaxBytes: 1000, Overflow: overflow}}
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
			if err := tab.Send(context.Background(), []flow.Event{text("a")}); err != nil {
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
