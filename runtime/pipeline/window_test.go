package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// play sends a script, and finishes.
func (s *stand) play(script ...string) {
	s.t.Helper()
	steptest.Play(s.t, s.In(), s.Finish, script...)
}

func TestWindow(t *testing.T) {
	tumbling := func(n int) func(*Window) {
		return func(w *Window) { w.Kind, w.Interval = "tumbling", seconds(n) }
	}
	sliding := func(n, every int) func(*Window) {
		return func(w *Window) { w.Kind, w.Interval, w.Every.Time = "sliding", seconds(n), seconds(every) }
	}
	counted := func(n, every int) func(*Window) {
		return func(w *Window) {
			w.Kind, w.Size, w.Every.Events = "tumbling", n, every
			if every > 0 {
				w.Kind = "sliding"
			}
		}
	}
	session := func(n int) func(*Window) {
		return func(w *Window) { w.Kind, w.Gap = "session", seconds(n) }
	}
	late := func(n int) func(*Window) {
		return func(w *Window) { w.Lateness = seconds(n) }
	}
	for _, test := range []struct {
		name   string
		change []func(*Window)
		group  string // an expression, event.g when there is none
		time   bool   // with time = event.t
		script []string
		want   []string
		errs   []string
	}{
		{
			name:   "tumbling, on time and without traffic",
			change: []func(*Window){tumbling(10)},
			script: []string{"+1s", "g a id 1, g b id 2, g a id 3", "+5s", "g a id 4", "+20s", "g a id 5", "+100s", "g b id 6", "finish"},
			want:   []string{"10s: g=a ids=[1 3 4]", "10s: g=b ids=[2]", "30s: g=a ids=[5]", "2m6s: g=b ids=[6]"},
		},
		{
			name:   "borders are exact",
			change: []func(*Window){tumbling(10)},
			script: []string{"id 1", "+9999ms", "id 2", "+1ms", "id 3", "+10s", "finish"},
			want:   []string{"10s: g=null ids=[1 2]", "20s: g=null ids=[3]"},
		},
		{
			name:   "the end closes early, and windows hold nothing then",
			change: []func(*Window){tumbling(10)},
			script: []string{"g a id 1, g b id 2", "+1s", "finish", "g a id 3, g a id 4, g b id 5", "g a id 6"},
			want:   []string{"1s: g=a ids=[1]", "1s: g=b ids=[2]", "1s: g=a ids=[3 4]", "1s: g=b ids=[5]", "1s: g=a ids=[6]"},
		},
		{
			name:   "groups of any type",
			change: []func(*Window){tumbling(10)},
			script: []string{"id 1, g 1 id 2, g 1.0 id 3, g 01 id 4", "+10s"},
			want:   []string{"10s: g=null ids=[1]", "10s: g=1 ids=[2]", "10s: g=1.0 ids=[3]", "10s: g=01 ids=[4]"},
		},
		{
			name:   "an event that fails counts nowhere",
			change: []func(*Window){tumbling(10)},
			script: []string{"g a, g a id 1, g b", "+10s"},
			want:   []string{"10s: g=a ids=[1]"},
			errs:   []string{"no id g=a", "no id g=b"},
		},
		{
			name:   "group_by fails",
			change: []func(*Window){tumbling(10)}, group: "1 / event.g",
			script: []string{"g 1 id 1, g 0 id 2, g 1 id 3", "+10s"},
			want:   []string{"10s: g=1 ids=[1 3]"},
			errs:   []string{"flow.hcl:1,1: division by zero g=0 id=2"},
		},
		{
			name:   "by count",
			change: []func(*Window){counted(2, 0)},
			script: []string{"g a id 1, g b id 2, g a id 3, g a id 4, g b id 5, g b id 6, g b id 7, g b id 8", "+1h", "g a id 9", "finish", "g c id 10"},
			want: []string{
				"0s: g=a ids=[1 3]", "0s: g=b ids=[2 5]", "0s: g=b ids=[6 7]", "1h0m0s: g=a ids=[4 9]", "1h0m0s: g=b ids=[8]", "1h0m0s: g=c ids=[10]",
			},
		},
		{
			name:   "sliding by count",
			change: []func(*Window){counted(4, 2)},
			script: []string{"id 1, id 2, id 3", "id 4, id 5, id 6, id 7", "finish"},
			want:   []string{"0s: g=null ids=[1 2]", "0s: g=null ids=[1 2 3 4]", "0s: g=null ids=[3 4 5 6]", "0s: g=null ids=[5 6 7]"},
		},
		{
			name:   "sliding",
			change: []func(*Window){sliding(30, 10)},
			script: []string{"g a id 1", "+10s", "g a id 2, g b id 3", "+10s", "+10s", "g a id 4", "+100s", "g a id 5", "+15s", "g a id 6", "finish"},
			want: []string{
				"10s: g=a ids=[1]", "20s: g=a ids=[1 2]", "20s: g=b ids=[3]", "30s: g=a ids=[1 2]", "30s: g=b ids=[3]", "40s: g=a ids=[2 4]", "40s: g=b ids=[3]",
				"50s: g=a ids=[4]", "1m0s: g=a ids=[4]", "2m20s: g=a ids=[5]", "2m25s: g=a ids=[5 6]",
			},
		},
		{
			name:   "session",
			change: []func(*Window){session(5)},
			script: []string{"g a id 1", "+4s", "g a id 2, g b id 3", "+4999ms", "g a id 4", "+5s", "g a id 5", "+1s", "finish"},
			want:   []string{"9s: g=b ids=[3]", "13.999s: g=a ids=[1 2 4]", "14.999s: g=a ids=[5]"},
		},
		{
			name:   "time, out of order, and late",
			change: []func(*Window){tumbling(10), late(5)}, time: true,
			script: []string{"t 1 id 1, t 14 id 2, t 9 id 3", "t 15 id 4", "t 8 id 5, t 14 id 6", "t 40 id 7"},
			want:   []string{"0s: g=null ids=[1 3]", "0s: g=null ids=[2 4 6]", "0s: g=null ids=[7]"},
		},
		{
			name:   "late goes to err",
			change: []func(*Window){tumbling(10), func(w *Window) { w.Late = "err" }}, time: true,
			script: []string{"t 5 id 1, t 10 id 2, t 9 id 3"},
			want:   []string{"0s: g=null ids=[1]", "0s: g=null ids=[2]"},
			errs:   []string{"the event is late: its window has closed t=9 id=3"},
		},
		{
			name:   "time goes on with the clock",
			change: []func(*Window){tumbling(10), late(2)}, time: true,
			script: []string{"+1s", "t 1 id 1, t 5 id 2", "+3s", "t 4 id 3", "+7s", "+10s", "t 6 id 4, t 40 id 5", "+1h"},
			want:   []string{"11s: g=null ids=[1 2 3]", "33s: g=null ids=[5]"},
		},
		{
			name:   "times of all spellings, and what is none",
			change: []func(*Window){tumbling(10)}, time: true,
			script: []string{"t 2000-01-01T01:00:05.5+01:00 id 1, t 946684809 id 2", "t x id 3, id 4, t 946684809000 id 5, t 946684927 id 6, t 2000-01-01T00:00:09Z id 7"},
			want:   []string{"0s: g=null ids=[1 2 7]"},
			errs: []string{
				"time is a string that is no time in RFC 3339, like 2026-01-02T15:04:05Z t=x id=3",
				"time is null, where a string (RFC 3339) or a number (seconds since 1970) is needed id=4",
				"time is a number, but not one of seconds since 1970: divide milliseconds by 1000 t=946684809000 id=5",
				"the event's time is more than 1m (max_ahead) ahead of the clock t=946684927 id=6",
			},
		},
		{
			name:   "times long ago",
			change: []func(*Window){tumbling(10), late(1), func(w *Window) { w.Emit = bounds{} }}, time: true,
			script: []string{"t 1751-01-01T00:00:03Z id 1, t 1751-01-01T00:00:04Z id 2, t -6899999999 id 3, t 1755-01-01T00:00:00Z id 4, t 1600-01-01T00:00:00Z id 5, t -6900000000 id 6"},
			want:   []string{"0s: [1751-01-01T00:00:00Z 1751-01-01T00:00:10Z 2]", "0s: [1751-05-07T21:20:00Z 1751-05-07T21:20:10Z 1]", "0s: [1755-01-01T00:00:00Z 1755-01-01T00:00:10Z 1]"},
			errs: []string{
				"time is a string that is no time in RFC 3339, like 2026-01-02T15:04:05Z t=1600-01-01T00:00:00Z id=5",
				"time is a number, but not one of seconds since 1970: divide milliseconds by 1000 t=-6900000000 id=6",
			},
		},
		{
			name:   "sessions by time",
			change: []func(*Window){session(5), late(100)}, time: true,
			script: []string{"t 10 id 1, t 30 id 2, t 22 id 3, t 26 id 4, t 40 id 5", "t 14 id 6"},
			want:   []string{"0s: g=null ids=[1 6]", "0s: g=null ids=[3 2 4]", "0s: g=null ids=[5]"},
		},
		{
			name:   "sliding by time, late where one window has closed",
			change: []func(*Window){sliding(20, 10)}, time: true,
			script: []string{"t 5 id 1, t 15 id 2, t 8 id 3, t 31 id 4"},
			want:   []string{"0s: g=null ids=[1]", "0s: g=null ids=[1 2]", "0s: g=null ids=[2]", "0s: g=null ids=[4]"},
		},
		{
			name:   "no room for a group",
			change: []func(*Window){tumbling(10), func(w *Window) { w.MaxGroups = 2 }},
			script: []string{"g a id 1, g b id 2, g c id 3, g a id 4", "+10s", "g c id 5", "+10s"},
			want:   []string{"10s: g=a ids=[1 4]", "10s: g=b ids=[2]", "20s: g=c ids=[5]"},
			errs:   []string{"there is no room for another group: the window keeps max_groups of them g=c id=3"},
		},
		{
			name:   "no room for a group: drop",
			change: []func(*Window){tumbling(10), func(w *Window) { w.MaxGroups, w.OnOverflow = 1, "drop" }},
			script: []string{"g a id 1, g b id 2, g a id 3", "+10s"},
			want:   []string{"10s: g=a ids=[1 3]"},
		},
		{
			name:   "no room for a group: close",
			change: []func(*Window){tumbling(10), func(w *Window) { w.MaxGroups, w.OnOverflow = 2, "close" }},
			script: []string{"g a id 1, g b id 2, g a id 3, g c id 4, g b id 5", "+10s"},
			want:   []string{"0s: g=a ids=[1 3]", "10s: g=b ids=[2 5]", "10s: g=c ids=[4]"},
		},
		{
			name:   "a full group",
			change: []func(*Window){tumbling(10), func(w *Window) { w.MaxItems = 2 }},
			script: []string{"g a id 1, g a id 2, g a id 3, g b id 4", "+10s"},
			want:   []string{"10s: g=a ids=[1 2]", "10s: g=b ids=[4]"},
			errs:   []string{"the group is full: it keeps max_items values for collect and distinct g=a id=3"},
		},
		{
			name:   "a full group: close",
			change: []func(*Window){sliding(20, 10), func(w *Window) { w.MaxItems, w.OnOverflow = 2, "close" }},
			script: []string{"g a id 1", "+10s", "g a id 2, g a id 3, g a id 4, g b id 5", "+10s", "finish"},
			want:   []string{"10s: g=a ids=[1]", "10s: g=a ids=[1 2 3]", "20s: g=a ids=[4]", "20s: g=b ids=[5]"},
		},
		{
			name:   "a full group: drop",
			change: []func(*Window){session(10), func(w *Window) { w.MaxItems, w.OnOverflow = 1, "drop" }},
			script: []string{"g a id 1, g a id 2", "+10s"},
			want:   []string{"10s: g=a ids=[1]"},
		},
		{
			name:   "origins",
			change: []func(*Window){tumbling(10)},
			script: []string{"g a id 1 from 1, g a id 2 from 2, g b id 3 from 3, g a id 4 from 1, g b id 5, g c id 6", "+10s"},
			want:   []string{"10s: g=a ids=[1 2 4] ->1,2", "10s: g=b ids=[3 5] ->3", "10s: g=c ids=[6]"},
		},
		{
			name:   "the last origin",
			change: []func(*Window){sliding(20, 10), func(w *Window) { w.Origins = "last" }},
			script: []string{"id 1 from 1, id 2 from 2", "+10s", "id 3 from 3, id 4 from 1", "+10s", "+10s"},
			want:   []string{"10s: g=null ids=[1 2] ->2", "20s: g=null ids=[1 2 3 4] ->1", "30s: g=null ids=[3 4] ->1"},
		},
		{
			name:   "no origin",
			change: []func(*Window){session(10), func(w *Window) { w.Origins = "none" }},
			script: []string{"id 1 from 1, id 2 from 2", "+10s"},
			want:   []string{"10s: g=null ids=[1 2]"},
		},
		{
			name:   "origins of several parts",
			change: []func(*Window){sliding(20, 10), func(w *Window) { w.MaxOrigins = 3 }},
			script: []string{"id 1 from 1, id 2 from 2", "+10s", "id 3 from 2, id 4 from 3, id 5 from 4", "+10s", "+10s"},
			want:   []string{"10s: g=null ids=[1 2] ->1,2", "20s: g=null ids=[1 2 3 4 5] ->1,2,3", "30s: g=null ids=[3 4 5] ->2,3,4"},
		},
		{
			name:   "the borders of windows",
			change: []func(*Window){tumbling(60), func(w *Window) { w.Emit = bounds{} }},
			script: []string{"+90s", "id 1, id 2", "+1m", "id 3"},
			want:   []string{"2m0s: [2000-01-01T00:01:00Z 2000-01-01T00:02:00Z 2]", "2m30s: [2000-01-01T00:02:00Z 2000-01-01T00:03:00Z 1]"},
		},
		{
			name:   "the borders of sliding windows",
			change: []func(*Window){sliding(60, 30), func(w *Window) { w.Emit = bounds{} }},
			script: []string{"id 1", "+30s", "id 2", "+1h"},
			want: []string{
				"30s: [1999-12-31T23:59:30Z 2000-01-01T00:00:30Z 1]", "1m0s: [2000-01-01T00:00:00Z 2000-01-01T00:01:00Z 2]", "1m30s: [2000-01-01T00:00:30Z 2000-01-01T00:01:30Z 1]",
			},
		},
		{
			name:   "the borders of sessions and counts",
			change: []func(*Window){session(10), func(w *Window) { w.Emit = bounds{} }},
			script: []string{"id 1", "+5s", "id 2", "+1h"},
			want:   []string{"15s: [2000-01-01T00:00:00Z 2000-01-01T00:00:05Z 2]"},
		},
		{
			name:   "the borders of counts",
			change: []func(*Window){counted(2, 0), func(w *Window) { w.Emit = bounds{} }},
			script: []string{"id 1", "+5s", "id 2", "+5s", "id 3"},
			want:   []string{"5s: [2000-01-01T00:00:00Z 2000-01-01T00:00:05Z 2]", "10s: [2000-01-01T00:00:10Z 2000-01-01T00:00:10Z 1]"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := windowOf(func(w *Window) {
					w.GroupBy = steptest.Where(t, "event.g")
					if test.group != "" {
						w.GroupBy = steptest.Value(t, test.group)
					}
					if test.time {
						w.Time = steptest.Where(t, "event.t")
					}
					for _, change := range test.change {
						change(w)
					}
				})
				s := set(t, true, config)
				s.run()
				s.play(test.script...)
				steptest.Check(t, "out", s.out.All(), test.want)
				var errs []string
				for _, e := range s.errs.Payloads() {
					if where := " at=flow.hcl:1,1-8 "; strings.Contains(e, "time") && !strings.Contains(e, where) {
						t.Errorf("%s: want it at %s", e, where)
					}
					_, message, _ := strings.Cut(e, "message=")
					message, rest, _ := strings.Cut(message, " at=")
					_, event, _ := strings.Cut(rest, " event=")
					event, _, _ = strings.Cut(event, " raw=")
					errs = append(errs, message+" "+event)
				}
				steptest.Check(t, "errs", errs, test.errs)
				steptest.Check(t, "held", s.Stats()[0].Held, int64(0))
				steptest.Check(t, "groups", s.steps[0].sink.(*window).groups.Len(), 0)
			})
		})
	}
}

// Windows of several groups that close at one time go out in one call.
func TestWindowsCloseTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Interval, w.GroupBy = "tumbling", seconds(1), steptest.Where(t, "event.g") }))
		s.run()
		for i := range 100 {
			_ = s.send(fmt.Sprintf("g %d id %d", i, i))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		steptest.Check(t, "calls", s.out.Calls, 1)
		steptest.Check(t, "results", len(s.out.All()), 100)
		steptest.Check(t, "counted", s.Stats()[0], StepStats{Type: "step", Label: "s0", In: 100, Out: 100})
	})
}

// More connections than max_origins are counted, and the log says that some
// get no answer. A union counts as its parts.
func TestMaxOrigins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Size, w.MaxOrigins, w.Emit = "tumbling", 5, 3, bounds{} }))
		batch := []flow.Event{steptest.Event("from 1"), steptest.Event("from 2"), steptest.Event(""), steptest.Event("from 5"), steptest.Event("from 1")}
		batch[2].Origin = &flow.Origin{Union: []*flow.Origin{steptest.Connections[2], steptest.Connections[3], steptest.Connections[1], steptest.Connections[4]}}
		if err := s.In().Send(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		got := s.out.Payloads()
		if len(got) != 1 || !strings.HasSuffix(got[0], " 5] ->1,2,3") {
			t.Errorf("got %v", got)
		}
		steptest.Check(t, "logged", s.logs.FilterMessageSnippet("max_origins").Len(), 1)
	})
}

// Many connections contribute; each is answered once.
func TestManyOrigins(t *testing.T) {
	var o origins
	for range 3 {
		for _, c := range steptest.Connections {
			o.add(c, 5000)
		}
	}
	steptest.Check(t, "origins", len(o.union().Union), len(steptest.Connections))
}

// Windows by count close in whoever brings the last event: none is lost or
// counted twice, and the results of a group are in order.
func TestManySenders(t *testing.T) {
	const senders, each, size = 8, 2000, 7
	s := set(t, false, windowOf(func(w *Window) { w.Kind, w.Size, w.GroupBy = "tumbling", size, steptest.Where(t, "event.g") }))
	s.run()
	order := &inOrderOf{last: map[string]int64{}}
	s.Port("out").Connect(order)
	var all sync.WaitGroup
	for n := range senders {
		all.Go(func() {
			for i := range each {
				// The group's events are numbered in the order in which they are taken.
				if err := s.send(fmt.Sprintf("g %d id 1", (n+i)%3), "g own"+fmt.Sprint(n)+" id "+fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	s.Finish()
	steptest.Check(t, "events", order.n, 2*senders*each)
	steptest.Check(t, "held", s.Stats()[0].Held, int64(0))
	if order.err != nil {
		t.Error(order.err)
	}
}

// inOrderOf counts the events in results, and finds a group's own out of order.
type inOrderOf struct {
	n    int
	last map[string]int64
	err  error
}

func (o *inOrderOf) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		g, _ := batch[i].Value.Object().Get("g")
		list, _ := batch[i].Value.Object().Get("ids")
		for _, v := range list.List() {
			o.n++
			if strings.HasPrefix(g.Text(), "own") {
				if v.Int() != o.last[g.Text()] {
					o.err = errors.New(g.Text() + " is out of order")
				}
				o.last[g.Text()] = v.Int() + 1
			}
		}
	}
	return nil
}

func TestWindowProblems(t *testing.T) {
	any := steptest.Where(t, "event.t")
	for _, test := range []struct {
		window      Window
		field, want string
	}{
		{Window{Kind: "tumbling", Interval: 1}, "", ""},
		{Window{Kind: "tumbling", Size: 1}, "", ""},
		{Window{Kind: "sliding", Interval: 10, Every: pace{Time: 5}, Time: any, Lateness: 1}, "", ""},
		{Window{Kind: "sliding", Size: 10, Every: pace{Events: 5}}, "", ""},
		{Window{Kind: "session", Gap: 1, Time: any}, "", ""},
		{Window{Kind: "tumbling"}, "interval", "a tumbling window needs an interval or a size"},
		{Window{Kind: "tumbling", Interval: 1, Size: 1}, "size", "a window has an interval or a size, not both"},
		{Window{Kind: "tumbling", Interval: 1, Gap: 1}, "gap", "gap is for session windows, this one is tumbling"},
		{Window{Kind: "tumbling", Interval: 1, Every: pace{Time: 1}}, "every", "every is for sliding windows, this one is tumbling"},
		{Window{Kind: "tumbling", Size: 1, Time: any}, "time", "a window with a size takes events in the order in which they come, and needs no time"},
		{Window{Kind: "tumbling", Interval: 1, Lateness: 1}, "lateness", "lateness needs time: without it, no event comes late"},
		{Window{Kind: "tumbling", Interval: 1, Time: any, Lateness: 9999}, "", ""},
		{Window{Kind: "tumbling", Interval: 1, Time: any, Lateness: 10000}, "lateness", "lateness is 10000 times interval or more: so many windows of each group would be open"},
		{Window{Kind: "sliding", Interval: 10, Every: pace{Time: 5}, Time: any, Lateness: 50000}, "lateness", "lateness is 10000 times every or more: so many windows of each group would be open"},
		{Window{Kind: "session", Gap: 2, Time: any, Lateness: 20000}, "lateness", "lateness is 10000 times gap or more: so many windows of each group would be open"},
		{Window{Kind: "session"}, "gap", "a session window needs a gap: the silence that ends it"},
		{Window{Kind: "session", Gap: 1, Interval: 1}, "interval", "a session ends with a gap and has no interval"},
		{Window{Kind: "session", Gap: 1, Size: 1}, "size", "a session ends with a gap and has no size"},
		{Window{Kind: "sliding", Interval: 10}, "every", "a sliding window needs every: how often it closes"},
		{Window{Kind: "sliding", Interval: 10, Every: pace{Events: 5}}, "every", "a window with an interval closes by time: write every as a duration, like \"10s\""},
		{Window{Kind: "sliding", Size: 10, Every: pace{Time: 5}}, "every", "a window with a size closes every so many events, not by time"},
		{Window{Kind: "sliding", Size: 10, Every: pace{Events: 3}}, "every", "size is not a multiple of every"},
		{Window{Kind: "sliding", Interval: 10, Every: pace{Time: 20}}, "every", "interval is not a multiple of every"},
		{Window{Kind: "sliding", Interval: 2000, Every: pace{Time: 1}}, "every", "interval is more than 1000 times every"},
	} {
		test.window.Emit, test.window.MaxGroups = ids{}, 1
		_, err := test.window.New(flow.StepEnv{})
		var field *setting.Error
		errors.As(err, &field)
		switch {
		case test.want == "" && err == nil:
		case field == nil || field.Field != test.field || err.Error() != test.want:
			t.Errorf("%+v: %v, want %s: %s", test.window, err, test.field, test.want)
		}
	}
	if _, err := (&Window{Kind: "tumbling", Interval: 1}).New(flow.StepEnv{}); err == nil {
		t.Error("a window without emit is accepted")
	}
}

func TestEvery(t *testing.T) {
	for text, want := range map[string]pace{"10": {Events: 10}, "10s": {Time: seconds(10)}, "0": {}, "0s": {}, "-1": {}, "x": {}} {
		var got pace
		err := got.UnmarshalText([]byte(text))
		if got != want || (err == nil) != (want != pace{}) || err == nil && got.String() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

// Windows by time close while events come from all sides: each is counted in
// one, and each connection is answered.
func TestManySendersByTime(t *testing.T) {
	const senders, each = 8, 3000
	for name, change := range map[string]func(*Window){
		"tumbling": func(w *Window) { w.Kind, w.Interval = "tumbling", setting.Duration(time.Millisecond) },
		"session":  func(w *Window) { w.Kind, w.Gap = "session", setting.Duration(time.Millisecond) },
		"by time": func(w *Window) {
			w.Kind, w.Interval, w.Time, w.Lateness = "tumbling", seconds(10), steptest.Value(t, "event.t"), seconds(99990)
		},
	} {
		s := set(t, false, windowOf(func(w *Window) {
			change(w)
			w.GroupBy, w.Emit = steptest.Value(t, "event.g"), steptest.Emit(t, `{ n = count(), sum = sum(event.id), all = distinct(event.g) }`)
		}))
		s.run()
		var n, sum int64
		answered := map[*flow.Origin]bool{}
		s.Port("out").Connect(eachEvent(func(e *flow.Event) {
			v, _ := e.Value.Object().Get("n")
			n += v.Int()
			v, _ = e.Value.Object().Get("sum")
			sum += v.Int()
			var all origins
			all.add(e.Origin, 1000)
			for _, o := range all.list {
				answered[o] = true
			}
		}))
		var all sync.WaitGroup
		for k := range senders {
			all.Go(func() {
				for i := range each {
					raw := fmt.Appendf(nil, `{"g": %d, "id": %d, "t": %d}`, i%5, i, i)
					e := flow.Event{Raw: raw, Form: jsontext.Form{}, Origin: steptest.Connections[k]}
					if err := s.In().Send(t.Context(), []flow.Event{e}); err != nil {
						t.Error(err)
					}
					clear(raw)
				}
			})
		}
		all.Wait()
		s.Finish()
		if n != senders*each || sum != senders*each*(each-1)/2 || len(answered) != senders {
			t.Errorf("%s: %d events, sum %d, %d connections", name, n, sum, len(answered))
		}
	}
}

type eachEvent func(*flow.Event)

func (f eachEvent) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		f(&batch[i])
	}
	return nil
}
