package pipeline

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/flowtest/cputime"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
)

// measurements are messages of 143 bytes of 10,000 sites, in batches of 16.
func measurements(groups int) [][]flow.Event {
	var batches [][]flow.Event
	for i := range groups {
		if i%16 == 0 {
			batches = append(batches, nil)
		}
		n := i * 7919 % groups
		raw := fmt.Sprintf(`{"type":"measurement","site":"site-%05d","value":%d.%02d,"unit":"celsius","device":{"id":"d-%07d","fw":"1.2.3"},"ts":"2024-01-01T00:00:00Z"}`, n, n%40, n%100, n)
		last := &batches[len(batches)-1]
		*last = append(*last, flow.Event{Raw: []byte(raw), Form: jsontext.Form{}, Origin: steptest.Connections[i%100]})
	}
	return batches
}

const threeAggregates = `{ site = group, count = count(), mean = avg(event.value), max = max(event.value) }`

// perSite is a window of groups that never closes.
func perSite(t testing.TB, groups int, emit string, change ...func(*Window)) *stand {
	return set(t, false, windowOf(func(w *Window) {
		w.Kind, w.Interval, w.GroupBy, w.Emit, w.MaxGroups = "tumbling", seconds(1e6), steptest.Value(t, "event.site"), steptest.Emit(t, emit), groups
		for _, f := range change {
			f(w)
		}
	}))
}

// byHand is what a program without a flow would do, with the same lookups in
// the same bytes.
type byHand map[string]*struct {
	count    int
	sum, max float64
	origins  map[*flow.Origin]struct{}
}

var site, reading = []flow.Step{{Key: "site"}}, []flow.Step{{Key: "value"}}

func (h byHand) add(batch []flow.Event) {
	for i := range batch {
		e := &batch[i]
		raw, _ := e.Form.Find(e.Raw, site)
		key, _ := e.Form.Scalar(raw)
		raw, _ = e.Form.Find(e.Raw, reading)
		v, _ := e.Form.Scalar(raw)
		f := v.Float()
		s := h[key.Text()]
		if s == nil {
			s = new(struct {
				count    int
				sum, max float64
				origins  map[*flow.Origin]struct{}
			})
			s.max, s.origins = f, map[*flow.Origin]struct{}{}
			h[key.Held().Text()] = s
		}
		s.count++
		s.sum += f
		s.max = max(s.max, f)
		s.origins[e.Origin] = struct{}{}
	}
}

func BenchmarkWindow(b *testing.B) {
	batches := measurements(10000)
	perEvent := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*16), "ns/event")
	}
	b.Run("baseline: a map by hand", func(b *testing.B) {
		b.ReportAllocs()
		h := byHand{}
		for i := 0; b.Loop(); i++ {
			h.add(batches[i%len(batches)])
		}
		perEvent(b)
	})
	for _, c := range []struct {
		name, emit string
		change     func(*Window)
	}{
		{"tumbling", threeAggregates, func(*Window) {}},
		{"tumbling, quantile and distinct", `{ p = quantile(event.value, 0.99), devices = distinct(peer.port), n = count() }`, func(*Window) {}},
		{"tumbling by size, with results", threeAggregates, func(w *Window) { w.Interval, w.Size = 0, 10 }},
		{"session", threeAggregates, func(w *Window) { w.Kind, w.Interval, w.Gap = "session", 0, seconds(1000) }},
		{"by time", threeAggregates, func(w *Window) { w.Time = steptest.Value(b, "event.ts") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			s := perSite(b, 10000, c.emit, c.change)
			s.Port("out").Connect(&steptest.Discard{})
			in := s.In()
			for i := 0; b.Loop(); i++ {
				if err := in.Send(b.Context(), batches[i%len(batches)]); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b)
		})
	}
	b.Run("closing 10,000 groups", func(b *testing.B) {
		out := &steptest.Discard{}
		for b.Loop() {
			b.StopTimer()
			s := perSite(b, 10000, threeAggregates)
			s.Port("out").Connect(out)
			for _, batch := range batches {
				_ = s.In().Send(b.Context(), batch)
			}
			b.StartTimer()
			s.Finish()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10000), "ns/result")
	})
}

// A window costs little more than what one would write by hand, and takes
// events of known groups without allocating.
func TestWindowCosts(t *testing.T) {
	flowtest.Sequential(t)
	batches := measurements(10000)
	s := perSite(t, 10000, threeAggregates)
	in := s.In()
	h := byHand{}
	for range 2 {
		for _, batch := range batches {
			h.add(batch)
			if err := in.Send(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { _ = in.Send(t.Context(), batches[3]) }); n != 0 {
		t.Errorf("%v allocations for 16 events of known groups, want none", n)
	}
	// The best of several rounds, taken in turn, and of more where others use the
	// machine, too.
	const most = 5
	window, baseline := time.Duration(1<<62), time.Duration(1<<62)
	for round := 0; round < 10 || round < 300 && window > most*baseline; round++ {
		baseline = min(baseline, cputime.Of(func() {
			for _, batch := range batches {
				h.add(batch)
			}
		}))
		window = min(window, cputime.Of(func() {
			for _, batch := range batches {
				_ = in.Send(t.Context(), batch)
			}
		}))
	}
	ratio := float64(window) / float64(baseline)
	t.Logf("%v by hand, %v by a window: %.1f", baseline/10000, window/10000, ratio)
	if window > most*baseline {
		t.Errorf("a window costs %.1f of what is written by hand, want %d at most", ratio, most)
	}
}

// What the documentation says a group takes.
func TestWindowMemory(t *testing.T) {
	batches := measurements(10000)
	before := steptest.Heap()
	s := perSite(t, 10000, threeAggregates)
	for _, batch := range batches {
		if err := s.In().Send(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	each := (steptest.Heap() - before) / 10000
	t.Logf("%d bytes for each group", each)
	if each > 1024 && !flowtest.RaceDetector {
		t.Errorf("a group takes %d bytes, documented are 0.5 KiB", each)
	}
	runtime.KeepAlive(s)
}
