package outlet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// direct returns an outlet without a queue that outlives its connections.
func direct() *Outlet {
	codec := flow.CodecUse{Type: "copies", New: func() flow.Codec { return copies{} }}
	return New(&Terms{Terms: encode.NewTerms("test", flow.Shape{}, codec, nil), Log: zap.NewNop()}, OfConnector)
}

func run(texts ...string) []flow.Event {
	events := make([]flow.Event, len(texts))
	for i, text := range texts {
		events[i].Raw = []byte(text)
	}
	return events
}

// mortal is a writer that takes some frames and ends, as err says.
type mortal struct {
	lives int
	err   error
	gone  func() // called when it has ended, before its last Write returns
	got   strings.Builder
}

func (m *mortal) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	for i, f := range frames {
		if m.lives == 0 {
			if m.gone != nil {
				m.gone()
			}
			return &flow.WriteError{Written: i, Err: m.err}
		}
		m.lives--
		m.got.Write(f.Data)
	}
	return nil
}

func (m *mortal) Flush(context.Context) error { return nil }

// told spells what was refused.
func told(refused Refusals) (s string) {
	for _, why := range refused {
		s += fmt.Sprintf("%v;", why.Err)
	}
	return s
}

// Whoever sends without a queue waits for the next connection with what one that is gone
// has not taken. None of it is sent twice, and none of it is lost.
func TestTheNextGetsWhatWasNotTaken(t *testing.T) {
	o := direct()
	var writers []*mortal
	var next func()
	next = func() {
		m := &mortal{lives: 7, err: flow.ErrGone}
		m.gone = func() { go next() }
		writers = append(writers, m)
		o.Attach(m, &flow.Origin{})
	}
	next()
	var all sync.WaitGroup
	for k := range 4 {
		all.Go(func() {
			for i := range 25 {
				if refused := o.Send(t.Context(), nil, run(fmt.Sprintf("%d.%02d ", k, 2*i), fmt.Sprintf("%d.%02d ", k, 2*i+1))); refused != nil {
					t.Errorf("%s", told(refused))
				}
			}
		})
	}
	all.Wait()
	got := map[byte][]string{}
	for _, m := range writers {
		for _, text := range strings.Fields(m.got.String()) {
			got[text[0]] = append(got[text[0]], text)
		}
	}
	for k := range 4 {
		var want []string
		for i := range 50 {
			want = append(want, fmt.Sprintf("%d.%02d", k, i))
		}
		if fmt.Sprint(got[byte('0'+k)]) != fmt.Sprint(want) {
			t.Errorf("of sender %d came %v", k, got[byte('0'+k)])
		}
	}
	if n := o.Counts().Events; n != 200 {
		t.Errorf("%d events were counted as sent", n)
	}
}

// What was taken is not refused: of a connection that does not take the rest, and of one
// that is gone when there will be no other, or when nobody may wait for it.
func TestOnlyWhatWasNotTakenIsRefused(t *testing.T) {
	for _, test := range []struct {
		err  error
		then func(o *Outlet, cancel context.CancelFunc)
		mine bool // the reader of this very connection sends
		want string
	}{
		{errors.New("full"), nil, false, "<nil>;full;full;"},
		{flow.ErrGone, func(o *Outlet, _ context.CancelFunc) { o.Close(nil) }, false, "<nil>;the connector has ended;the connector has ended;"},
		{flow.ErrGone, func(_ *Outlet, cancel context.CancelFunc) { cancel() }, false, "<nil>;context canceled;context canceled;"},
		{flow.ErrGone, nil, true, "<nil>;the connection is no longer open;the connection is no longer open;"},
	} {
		o, own := direct(), &Reader{Own: queued(), Turn: Borrow()}
		if test.mine {
			own.Own = o
		}
		ctx, cancel := context.WithCancel(t.Context())
		o.Attach(&mortal{lives: 1, err: test.err, gone: func() {
			if test.then != nil {
				test.then(o, cancel)
			}
		}}, &flow.Origin{})
		if got := told(o.Send(ctx, own, run("a", "b", "c"))); got != test.want {
			t.Errorf("%v: refused were %s", test.err, got)
		}
		own.Turn.Release()
		cancel()
	}
}

func TestWhatIsWrittenDirectlyAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget")
	}
	o, events := direct(), run("a", "b")
	o.Attach(quiet{}, &flow.Origin{})
	if n := testing.AllocsPerRun(1000, func() { o.Send(context.Background(), nil, events) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSendDirect(b *testing.B) {
	for _, n := range []int{1, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o, events := direct(), run(make([]string, n)...)
			for i := range events {
				events[i].Raw = make([]byte, 143)
			}
			o.Attach(quiet{}, &flow.Origin{})
			b.ReportAllocs()
			for b.Loop() {
				o.Send(context.Background(), nil, events)
			}
		})
	}
}
