package outlet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// queued returns an outlet that has a queue and outlives its connections.
func queued() *Outlet {
	codec := flow.CodecUse{Type: "copies", New: func() flow.Codec { return copies{} }}
	return New(&Terms{
		Terms: encode.NewTerms("test", flow.Shape{}, codec, nil), Log: zap.NewNop(),
		Queue: &setting.Queue{MaxEvents: 10_000, MaxBytes: 1 << 20, Overflow: "block"},
	}, OfConnector)
}

// moody is a writer that does not take all, and not always at once. The next one, of
// which the same can be said, comes when it has failed.
type moody struct {
	to     *Outlet
	random *rand.Rand
	got    *bytes.Buffer
	failed bool
}

func (m *moody) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	fails := m.random.IntN(10) == 0
	for i, f := range frames {
		if m.failed || fails && m.random.IntN(2) == 0 {
			if !m.failed {
				go m.to.Attach(&moody{to: m.to, random: m.random, got: m.got}, &flow.Origin{})
			}
			m.failed = true
			return &flow.WriteError{Written: i, Err: errors.New("broken")}
		}
		m.got.Write(f.Data)
	}
	return nil
}

func (m *moody) Flush(context.Context) error { return nil }

func (m *moody) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	if m.random.IntN(4) == 0 {
		return false, false, nil
	}
	sent = m.random.IntN(4) > 0
	return true, sent, m.Write(context.Background(), frames, false)
}

// Several outlets are used at a time, whose connections break again and again: each
// gets what was sent to it, in order, and nothing of what waited in the others.
func TestWhatWaitsIsNobodyElses(t *testing.T) {
	var all sync.WaitGroup
	for k := range uint64(8) {
		all.Go(func() {
			o, own, random := queued(), &Reader{Own: queued()}, rand.New(rand.NewPCG(1, k))
			var want, got bytes.Buffer
			o.Attach(&moody{to: o, random: rand.New(rand.NewPCG(2, k)), got: &got}, &flow.Origin{})
			for i := range 2000 {
				var run []flow.Event
				for range 1 + random.IntN(5) {
					long := max(0, random.IntN(2500)-2000) * random.IntN(8)
					text := fmt.Appendf(nil, "%d.%d%s\n", k, i, strings.Repeat("x", long))
					want.Write(text)
					run = append(run, flow.Event{Raw: text})
				}
				own.Turn = Borrow()
				by := own
				if random.IntN(3) == 0 {
					by = nil // somebody who is no reader
				}
				if refused := o.Send(t.Context(), by, run); refused != nil {
					t.Error(refused)
				}
				own.Turn.WriteSpread()
				own.Turn.Release()
				for _, e := range run {
					clear(e.Raw) // it was the sender's
				}
			}
			for o.Queued() > 0 {
				_ = o.Flush(t.Context()) // it gives up when the connection breaks
			}
			_ = o.Flush(t.Context())
			if !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("outlet %d: %d bytes were sent, and %d others came", k, want.Len(), got.Len())
			}
		})
	}
	all.Wait()
}

// What is for several connections is in the queue of each, and stays as it is when one
// of them has got it: also where something was to be queued that could not be encoded.
func TestWhatIsSharedStays(t *testing.T) {
	o := queued()
	o.Init(encode.NewTerms("test", flow.Shape{}, flow.CodecUse{Type: "refuses", New: func() flow.Codec { return refuses{} }}, nil))
	o.Attach(ready{}, &flow.Origin{})
	if refused := o.Send(t.Context(), nil, []flow.Event{{Raw: []byte("a")}}); refused == nil {
		t.Fatal("it was encoded")
	}
	turn := Borrow()
	defer turn.Release()
	s := &Share{Frames: []flow.Frame{{Data: []byte("b")}}, Ends: []int{1}}
	if lost, err := o.Take(t.Context(), s, turn, false); lost > 0 || err != nil {
		t.Fatal(lost, err)
	}
	turn.WriteSpread()
	if o.Queued() > 0 || string(s.Frames[0].Data) != "b" {
		t.Errorf("%d wait; the others get %q", o.Queued(), s.Frames[0].Data)
	}
}

// refuses is a codec that can spell nothing.
type refuses struct{ copies }

func (refuses) Encode(dst []byte, _ *flow.Event) ([]byte, error) { return dst, errors.New("no") }

// ready is a writer that takes all at once.
type ready struct{ quiet }

func (ready) TryWrite([]flow.Frame) (taken, sent bool, err error) { return true, true, nil }

// sendOn is what a reader does whose messages go to another connection.
func sendOn(o *Outlet, own *Reader, run []flow.Event) {
	turn := Borrow()
	own.Turn = turn
	o.Send(context.Background(), own, run)
	turn.WriteSpread()
	turn.Release()
}

func onward() (*Outlet, *Reader, []flow.Event) {
	o := queued()
	o.Attach(ready{}, &flow.Origin{})
	return o, &Reader{Own: queued()}, []flow.Event{{Raw: make([]byte, 143), Time: time.Now().UnixNano()}}
}

func TestWhatIsSentOnAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget")
	}
	o, own, run := onward()
	if n := testing.AllocsPerRun(1000, func() { sendOn(o, own, run) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSendOn(b *testing.B) {
	o, own, run := onward()
	b.ReportAllocs()
	for b.Loop() {
		sendOn(o, own, run)
	}
}
