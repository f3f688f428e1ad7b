package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/load"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/signals"
	"github.com/flowrun/flowrun/flows/testfile"
)

// Figures are what one round of a bench has measured, or the medians of
// several: events per second, and microseconds.
type Figures struct {
	CPU      float64  `json:"cpu_us_per_event,omitempty"`
	P50      float64  `json:"p50_us"`
	P90      float64  `json:"p90_us"`
	P99      float64  `json:"p99_us"`
	Max      float64  `json:"max_us"`
	Rate     float64  `json:"events_per_second"`
	Baseline *Figures `json:"baseline,omitempty"` // of the bench that this one is compared with
}

// measures names the figures and the limits of them. Of a rate, more is better.
var measures = []struct {
	name, unit string
	of         func(*Figures) *float64
	limit      func(*testfile.Limits) float64
	more       bool
}{
	{"cpu_per_event", "us", func(f *Figures) *float64 { return &f.CPU }, func(l *testfile.Limits) float64 { return l.CPU }, false},
	{"p50", "us", func(f *Figures) *float64 { return &f.P50 }, func(l *testfile.Limits) float64 { return l.P50 }, false},
	{"p90", "us", func(f *Figures) *float64 { return &f.P90 }, func(l *testfile.Limits) float64 { return l.P90 }, false},
	{"p99", "us", func(f *Figures) *float64 { return &f.P99 }, func(l *testfile.Limits) float64 { return l.P99 }, false},
	{"max", "us", func(f *Figures) *float64 { return &f.Max }, func(l *testfile.Limits) float64 { return l.Max }, false},
	{"events_per_second", "/s", func(f *Figures) *float64 { return &f.Rate }, func(l *testfile.Limits) float64 { return l.Rate }, true},
}

// bench measures a case and, in turn with it, the one that it is compared with:
// machines are noisy and differ, ratios of two neighbours in time do not.
func (r *runner) bench(ctx context.Context, c *testfile.Case, res *Result) {
	b, _ := c.Bench(testfile.Binding{Dir: c.File.Dir}) // it has been checked
	cases := []*testfile.Case{c}
	if b.Limits != nil && b.Limits.RelativeTo != "" {
		cases = append(cases, c.File.Case(b.Limits.RelativeTo, testfile.KindBench))
		if cases[1].Report.HasErrors() {
			res.fail(b.Limits.At, fmt.Sprintf("the bench %q, which this one is compared with, is written wrong", cases[1].Name), "")
			return
		}
	}
	rounds := make([][]Figures, len(cases))
	for n := range b.Rounds {
		for i := range cases {
			i := (i + n) % len(cases) // each is first in every other round
			f, ok := r.round(ctx, cases[i], res)
			if !ok {
				return
			}
			rounds[i] = append(rounds[i], f)
		}
	}
	own := medians(rounds[0])
	if len(cases) > 1 {
		other := medians(rounds[1])
		own.Baseline = &other
	}
	res.Measured = &own
	for _, m := range measures {
		limit := 0.0
		if b.Limits != nil {
			limit = m.limit(b.Limits)
		}
		got, unit := *m.of(&own), " "+m.unit
		if own.Baseline != nil {
			got, unit = got / *m.of(own.Baseline), fmt.Sprintf(" times that of %q", b.Limits.RelativeTo)
		}
		switch {
		case limit == 0:
		case m.name == "cpu_per_event" && own.CPU == 0:
			res.fail(b.Limits.At, "cpu_per_event cannot be measured on this system", "")
		case m.more && !(got >= limit):
			res.fail(b.Limits.At, fmt.Sprintf("%s is %.4g%s, expected at least %.4g", m.name, got, unit, limit), own.String())
		case !m.more && !(got <= limit):
			res.fail(b.Limits.At, fmt.Sprintf("%s is %.4g%s, expected at most %.4g", m.name, got, unit, limit), own.String())
		}
	}
}

// String spells the figures in one line.
func (f *Figures) String() string {
	var all []string
	for _, m := range measures {
		s := fmt.Sprintf("%s %.4g%s", m.name, *m.of(f), m.unit)
		if f.Baseline != nil {
			s += fmt.Sprintf(" (%.2fx)", *m.of(f) / *m.of(f.Baseline))
		}
		all = append(all, s)
	}
	return strings.Join(all, "  ")
}

func medians(rounds []Figures) (f Figures) {
	for _, m := range measures {
		var v []float64
		for i := range rounds {
			v = append(v, *m.of(&rounds[i]))
		}
		slices.Sort(v)
		*m.of(&f) = (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	}
	return f
}

// round starts the processes of a bench, loads the last of them, and ends them.
// What goes wrong is told in res.
func (r *runner) round(ctx context.Context, c *testfile.Case, res *Result) (f Figures, ok bool) {
	draft, _ := c.Bench(testfile.Binding{Dir: c.File.Dir})
	dir, err := scratch(c.File.Dir, c.Name, draft.MaxFolder, draft.MaxFiles)
	if err != nil {
		res.fail(c.At, err.Error(), "")
		return f, false
	}
	lease := r.ports.Leases()
	defer lease.Release()
	b, report := c.Bench(testfile.Binding{Dir: dir, Port: lease.Take})
	if report.HasErrors() {
		res.fail(c.At, "the bench cannot be run as it is written", report.Text(false))
		removeAll(dir)
		return f, false
	}
	x := &trial{runner: r, c: c, t: b.Test(), res: res, dir: dir, signals: signals.New()}
	o := b.Load.(*load.Options)
	x.t.Timeout += o.RampUp + o.WarmUp + o.Duration
	err = x.play(ctx)
	if err == nil {
		f, err = x.load(ctx, *o)
	}
	x.stop(err)
	x.endings(err)
	if err != nil && res.Passed() { // nobody was to blame
		res.fail(c.At, err.Error(), "")
	}
	if res.Passed() {
		removeAll(dir)
		return f, true
	}
	res.Scratch = dir
	for _, p := range x.processes() {
		res.Outputs = append(res.Outputs, p.Account())
	}
	return f, false
}

// errLoad is why a round ends whose load went wrong, which has been told.
var errLoad = errors.New("the load went wrong")

// load makes the load.
func (x *trial) load(ctx context.Context, o load.Options) (f Figures, err error) {
	ctx, stop := context.WithTimeoutCause(ctx, time.Duration(x.t.Timeout), errTimeout)
	defer stop()
	if runtime.GOOS == "linux" { // costs are known there only
		o.PID = x.before[len(x.before)-1].PID()
	}
	result, err := load.Run(ctx, o)
	switch {
	case err != nil:
		return f, err
	case result.Ended == "interrupted":
		return f, x.broken(ctx, "the load has not ended", x.t.At)
	case !result.Good():
		x.res.fail(x.t.At, "the load went wrong: "+result.Wrongs(), strings.Join(result.Errors.Examples, "\n"))
		return f, errLoad
	case result.Messages == 0:
		return f, errors.New("no message came while it was measured")
	}
	f.Rate = result.MessagesPerSecond
	if t := result.Latency; t != nil {
		f.P50, f.P90, f.P99, f.Max = t.P50, t.P90, t.P99, t.Max
	}
	if result.Server != nil {
		f.CPU = result.Server.CPUPerMessage
	}
	return f, nil
}
