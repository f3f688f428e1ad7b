package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/flowtest/cputime"
	"github.com/flowrun/flowrun/runtime/setting"
	copies "github.com/flowrun/flowrun/runtime/tap"
)

// onlookers are the ways in which somebody may look on at an echo.
var onlookers = []string{
	"nobody", // ever
	"gone",   // at each place, and not any more
	"capped", // at one place, whose rate is used up at once, as on any busy edge
	"everywhere",
	"sampled", // at one place, with a small part of the events
}

// tapped runs an echo at which somebody looks on, and returns what sends messages
// through it, n at a time.
func tapped(tb testing.TB, by string, n int) (send func()) {
	tb.Helper()
	e, l := echo(tb)
	o := copies.Options{Sample: 1, Rate: 100, MaxSize: 64 << 10, Queue: 64}
	if by == "sampled" {
		o.Sample = 0.01
	}
	for _, place := range e.Places() {
		if by == "nobody" || by != "gone" && by != "everywhere" && place.Place != "connector.edge.out" {
			continue
		}
		t := copies.New(o)
		end, err := e.Tap(place, t)
		if err != nil {
			tb.Fatal(err)
		}
		if by == "gone" {
			t.Close()
			end()
			continue
		}
		tb.Cleanup(func() { t.Close(); end() })
	}
	return sender(tb, l, n)
}

// sender returns what sends n messages by a connection at a time.
func sender(tb testing.TB, l flow.Link, n int) (send func()) {
	frames := make([]flow.Frame, n)
	for i := range frames {
		frames[i].Data = []byte(`{"symbol":"ABC","price":12.5,"text":"` + strings.Repeat("x", 100) + `"}`)
	}
	return func() {
		if err := errors.Join(l.Receive(context.Background(), frames), l.Flush(context.Background())); err != nil {
			tb.Error(err)
		}
	}
}

// TestWhatTapsCost shows that an echo costs what it did before when nobody looks on
// any more, and little more while somebody does.
func TestWhatTapsCost(t *testing.T) {
	for _, n := range []int{1, 32} {
		costs(t, n, onlookers, tapped, map[string]float64{"gone": 1.25, "capped": 2})
	}
}

// costs compares what a message costs, n at a time, when somebody looks on, with what
// it costs with nobody, and with how many times that it may cost at most. The best of
// many rounds counts, of more where others use the machine, too.
func costs(t *testing.T, n int, onlookers []string, echo func(tb testing.TB, by string, n int) (send func()), most map[string]float64) {
	t.Helper()
	const each = 2000
	fewest, limit := 40, 1000
	if flowtest.RaceDetector {
		fewest, limit = 1, 1 // costs are not what it is for
	}
	best, send := map[string]time.Duration{}, map[string]func(){}
	for _, by := range onlookers {
		best[by], send[by] = time.Hour, echo(t, by, n)
	}
	ratio := func(by string) float64 { return float64(best[by]) / float64(best["nobody"]) }
	tooMuch := func(by string) bool { return most[by] > 0 && ratio(by) > most[by] }
	for round := 0; round < fewest || round < limit && slices.ContainsFunc(onlookers, tooMuch); round++ {
		for _, by := range onlookers {
			best[by] = min(best[by], cputime.Of(func() {
				for range each / n {
					send[by]()
				}
			}))
		}
	}
	for _, by := range onlookers {
		t.Logf("%d at a time, %-10s %4d ns an event, ratio %.2f", n, by, best[by].Nanoseconds()/each, ratio(by))
		if tooMuch(by) && !flowtest.RaceDetector {
			t.Errorf("%d at a time: %s costs %.2f of nobody, want %.2f at most", n, by, ratio(by), most[by])
		}
	}
}

func BenchmarkTapped(b *testing.B) {
	for _, by := range onlookers {
		b.Run(by, func(b *testing.B) {
			send := tapped(b, by, 32)
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}

// echo runs a server that answers each message with itself, and returns one of its
// connections.
func echo(tb testing.TB) (*Engine, flow.Link) {
	tb.Helper()
	opened := make(chan flow.Link)
	edge := &parts{
		shape: flow.Shape{Role: flow.Server, In: true, Out: true, Many: true, Queue: &setting.Queue{MaxEvents: 100, MaxBytes: 1 << 20, Overflow: "block"}},
		run: func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{Host: "192.0.2.1", Port: 1}, writerFunc(func([]flow.Frame) {}))
			if err != nil {
				return err
			}
			opened <- l
			<-ctx.Done()
			l.Close(h.Abandon(), nil)
			return nil
		},
	}
	block := connector("edge", edge)
	block.Codec = flow.CodecUse{Type: "json", New: jsonCodec(tb), Text: true}
	e, err := New(Options{Files: []*flowfile.File{{
		Name: "f", Drain: flowfile.DefaultDrain(), Connectors: []*flowfile.ConnectorBlock{block},
		Connects: []*flowfile.ConnectBlock{connect("echo", "connector.edge.out > connector.edge.in")},
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = e.Run(ctx)
	}()
	tb.Cleanup(func() { cancel(); <-ended })
	return e, <-opened
}

func jsonCodec(tb testing.TB) func() flow.Codec {
	tb.Helper()
	i := slices.IndexFunc(codecs.All, func(s flow.Spec[flow.CodecConfig]) bool { return s.Name == "json" })
	made, err := codecs.All[i].Config().New()
	if err != nil {
		tb.Fatal(err)
	}
	return made
}
