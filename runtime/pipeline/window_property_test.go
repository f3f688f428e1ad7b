package pipeline

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
)

// sample is an event of a random stream.
type sample struct {
	id, t int // t in seconds
	g     string
}

// stream is random in its groups, order, pauses, and borders.
func stream(r *rand.Rand, disorder int) []sample {
	all := make([]sample, 1+r.IntN(80))
	t := 1000 + r.IntN(50)
	for i := range all {
		switch r.IntN(10) {
		case 0:
			t += r.IntN(60)
		case 1, 2, 3:
		default:
			t += r.IntN(4)
		}
		all[i] = sample{i, max(1000, t-r.IntN(disorder+1)), string(rune('a' + r.IntN(3)))}
	}
	return all
}

// play sends a stream in batches of random size, and returns the results: for
// each group the events of its windows, in the order of the results.
func playStream(t testing.TB, r *rand.Rand, config *Window, all []sample) map[string][][]int {
	config.GroupBy, config.Time, config.MaxAhead = steptest.Where(t, "event.g"), steptest.Where(t, "event.t"), seconds(1e6)
	s := set(t, false, config)
	got := map[string][][]int{}
	s.Port("out").Connect(results{got})
	for rest := all; len(rest) > 0; {
		n := 1 + r.IntN(min(7, len(rest)))
		var batch []flow.Event
		for _, x := range rest[:n] {
			batch = append(batch, steptest.Event(fmt.Sprintf("g %s id %d t %d", x.g, x.id, x.t)))
		}
		if err := s.In().Send(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	s.Finish()
	if held := s.Stats()[0].Held; held != 0 {
		t.Fatalf("%d events are still held", held)
	}
	return got
}

// brute computes what a stream comes to by trying all windows.
func brute(all []sample, starts func(first, last int) []int, width int) map[string][][]int {
	got := map[string][][]int{}
	first, last := all[0].t, all[0].t
	for _, x := range all {
		first, last = min(first, x.t), max(last, x.t)
	}
	for _, start := range starts(first, last) {
		in := map[string][]int{}
		for _, x := range all {
			if start <= x.t && x.t < start+width {
				in[x.g] = append(in[x.g], x.id)
			}
		}
		for g, ids := range in {
			got[g] = append(got[g], ids)
		}
	}
	return got
}

func same(got, want map[string][][]int) bool {
	return maps.EqualFunc(got, want, func(a, b [][]int) bool {
		return slices.EqualFunc(a, b, func(a, b []int) bool {
			// Parts of a sliding window are in the order of time, not of arrival.
			a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
			return slices.Equal(a, b)
		})
	})
}

// Without lateness being exceeded, each event is in exactly one tumbling
// window, its own, and the windows of a group come in order.
func TestTumblingIsBruteForce(t *testing.T) {
	property(t, func(t testing.TB, r *rand.Rand) (got, want map[string][][]int, all []sample) {
		width, disorder := 1+r.IntN(20), r.IntN(15)
		all = stream(r, disorder)
		got = playStream(t, r, windowOf(func(w *Window) {
			w.Kind, w.Interval, w.Lateness = "tumbling", seconds(width), seconds(width+60)
		}), all)
		return got, brute(all, func(first, last int) (s []int) {
			for at := first / width * width; at <= last; at += width {
				s = append(s, at)
			}
			return s
		}, width), all
	})
}

// A sliding window put together of parts is what all its events come to. At
// the end of the stream, windows that would have fewer of them than the last
// one are left out.
func TestSlidingIsBruteForce(t *testing.T) {
	property(t, func(t testing.TB, r *rand.Rand) (got, want map[string][][]int, all []sample) {
		every, parts := 1+r.IntN(8), 1+r.IntN(6)
		width, disorder := every*parts, r.IntN(15)
		all = stream(r, disorder)
		// Beside groups: all groups see the end of the stream at their own
		// last event, so each is tried alone.
		got, want = map[string][][]int{}, map[string][][]int{}
		for _, g := range []string{"a", "b", "c"} {
			own := slices.DeleteFunc(slices.Clone(all), func(x sample) bool { return x.g != g })
			if len(own) == 0 {
				continue
			}
			maps.Copy(got, playStream(t, r, windowOf(func(w *Window) {
				w.Kind, w.Interval, w.Every.Time, w.Lateness = "sliding", seconds(width), seconds(every), seconds(1000)
			}), own))
			maps.Copy(want, brute(own, func(first, last int) (s []int) {
				end := last/every*every + every
				for at := first/every*every + every; at <= end; at += every {
					s = append(s, at-width)
				}
				return s
			}, width))
		}
		return got, want, all
	})
}

// Sessions are the events between silences: none is lost or counted twice, and
// they do not overlap, in whatever order their events come.
func TestSessionsAreBruteForce(t *testing.T) {
	property(t, func(t testing.TB, r *rand.Rand) (got, want map[string][][]int, all []sample) {
		gap, disorder := 1+r.IntN(12), r.IntN(40)
		all = stream(r, disorder)
		got = playStream(t, r, windowOf(func(w *Window) { w.Kind, w.Gap, w.Lateness = "session", seconds(gap), seconds(100) }), all)
		want = map[string][][]int{}
		sorted := slices.Clone(all)
		slices.SortStableFunc(sorted, func(a, b sample) int { return a.t - b.t })
		last := map[string]int{}
		for _, x := range sorted {
			if n := len(want[x.g]); n > 0 && x.t-last[x.g] < gap {
				want[x.g][n-1] = append(want[x.g][n-1], x.id)
			} else {
				want[x.g] = append(want[x.g], []int{x.id})
			}
			last[x.g] = x.t
		}
		return got, want, all
	})
}

// Windows of count take every event once, in order, whatever the batches are.
func TestCountsAreBruteForce(t *testing.T) {
	property(t, func(t testing.TB, r *rand.Rand) (got, want map[string][][]int, all []sample) {
		every, parts := 1+r.IntN(5), 1+r.IntN(4)
		all = stream(r, 0)
		config := windowOf(func(w *Window) { w.Kind, w.Size, w.Every.Events = "sliding", every*parts, every })
		config.GroupBy = steptest.Where(t, "event.g")
		s := set(t, false, config)
		got, want = map[string][][]int{}, map[string][][]int{}
		s.Port("out").Connect(results{got})
		seen := map[string][]int{}
		for i, x := range all {
			if err := s.send(fmt.Sprintf("g %s id %d", x.g, x.id)); err != nil {
				t.Fatal(err)
			}
			seen[x.g] = append(seen[x.g], x.id)
			for g, ids := range seen {
				n := len(ids)
				if full := g == x.g && n%every == 0; full || (i == len(all)-1 && n%every != 0) {
					from := max(0, (n+every-1)/every*every-every*parts)
					want[g] = append(want[g], slices.Clone(ids[from:]))
				}
			}
		}
		s.Finish()
		return got, want, all
	})
}

// Whatever is late, each event is counted in one window or dropped.
func TestNothingIsCountedTwice(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		all := stream(r, 40)
		config := windowOf(func(w *Window) {
			w.Kind, w.Interval, w.Lateness = "tumbling", seconds(1+r.IntN(20)), seconds(r.IntN(10))
		})
		if r.IntN(2) == 0 {
			config = windowOf(func(w *Window) { w.Kind, w.Gap, w.Lateness = "session", seconds(1+r.IntN(20)), seconds(r.IntN(10)) })
		}
		config.MaxGroups, config.OnOverflow, config.MaxItems = 1+r.IntN(3), []string{"drop", "close"}[r.IntN(2)], 1+r.IntN(20)
		config.GroupBy, config.Time, config.MaxAhead = steptest.Where(t, "event.g"), steptest.Where(t, "event.t"), seconds(1e6)
		s := set(t, false, config)
		got := map[string][][]int{}
		s.Port("out").Connect(results{got})
		for _, x := range all {
			if err := s.send(fmt.Sprintf("g %s id %d t %d", x.g, x.id, x.t)); err != nil {
				t.Fatal(err)
			}
		}
		s.Finish()
		counted := map[int]bool{}
		for _, windows := range got {
			for _, id := range slices.Concat(windows...) {
				if counted[id] {
					t.Fatalf("seed %d: event %d is counted twice", seed, id)
				}
				counted[id] = true
			}
		}
		if n := len(counted) + int(s.Stats()[0].Dropped); n != len(all) {
			t.Fatalf("seed %d: %d of %d events are accounted for", seed, n, len(all))
		}
	}
}

func property(t *testing.T, try func(testing.TB, *rand.Rand) (got, want map[string][][]int, all []sample)) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			got, want, all := try(t, rand.New(rand.NewPCG(seed, 0)))
			if !same(got, want) {
				var b strings.Builder
				for _, x := range all {
					fmt.Fprintf(&b, "%s %d at %d\n", x.g, x.id, x.t)
				}
				t.Fatalf("seed %d:\ngot  %v\nwant %v\n%s", seed, got, want, b.String())
			}
		})
		if t.Failed() {
			return
		}
	}
}

// results collects the events of windows by group.
type results struct{ got map[string][][]int }

func (r results) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		g, _ := batch[i].Value.Object().Get("g")
		list, _ := batch[i].Value.Object().Get("ids")
		var ids []int
		for _, v := range list.List() {
			ids = append(ids, int(v.Int()))
		}
		r.got[g.Text()] = append(r.got[g.Text()], ids)
	}
	return nil
}

// Aggregates of windows that are put together of parts, or merged, are those of
// their events.
func TestEmitIsOfItsEvents(t *testing.T) {
	const emit = `{
		ids      = collect(event.id)
		count    = count(event.t > 1010)
		sum      = sum(event.id)
		avg      = round(avg(event.id) * 1000)
		min      = min(event.t)
		max      = max(event.t)
		stdev    = round(coalesce(stdev(event.t), 0) * 1000)
		median   = quantile(event.t, 0.5)
		first    = first(event.id)
		last     = last(event.id)
		distinct = length(distinct(event.t))
		group    = group
	}`
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		all := stream(r, 0)
		config := windowOf(func(w *Window) {
			w.Kind, w.Interval, w.Every.Time = "sliding", seconds(20), seconds(5)
			switch r.IntN(4) {
			case 0:
				w.Kind, w.Interval, w.Every, w.Gap, w.Lateness = "session", 0, pace{}, seconds(5), seconds(30)
				all = stream(r, 10) // merged out of order, so that nothing but the order is lost
			case 1:
				w.Interval, w.Size, w.Every = 0, 8, pace{Events: 2}
			}
		})
		config.GroupBy, config.Emit = steptest.Value(t, "event.g"), steptest.Emit(t, emit)
		if config.Size == 0 {
			config.Time = steptest.Value(t, "event.t")
		}
		s := set(t, false, config)
		n := 0
		s.Port("out").Connect(eachEvent(func(e *flow.Event) {
			n++
			got := e.Value
			acc := config.Emit.New()
			ids, _ := got.Object().Get("ids")
			for _, id := range ids.List() {
				x := all[id.Int()]
				e := steptest.Event(fmt.Sprintf("g %s id %d t %d", x.g, x.id, x.t))
				if err := acc.Add(&e); err != nil {
					t.Fatal(err)
				}
			}
			group, _ := got.Object().Get("group")
			want, err := acc.Value(group, flow.NullValue)
			if err != nil || !want.Equal(got) {
				t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, steptest.Shown(got), steptest.Shown(want))
			}
		}))
		for _, x := range all {
			if err := s.send(fmt.Sprintf("g %s id %d t %d", x.g, x.id, x.t)); err != nil {
				t.Fatal(err)
			}
		}
		s.Finish()
		if n == 0 || s.Lost() > 0 {
			t.Fatalf("seed %d: %d results, %d lost", seed, n, s.Lost())
		}
	}
}
