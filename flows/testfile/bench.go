package testfile

import (
	"regexp"
	"slices"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Bench is a case that makes load for a process and measures both: a `bench`
// block. Each round has processes, ports and a folder of its own.
type Bench struct {
	Tags         []string          `hcl:"tags" doc:"words to choose cases by, with --include and --exclude"`
	Timeout      setting.Duration  `hcl:"timeout" min:"1ms" doc:"how long each round may take, beside the time that is measured"`
	Env          map[string]string `hcl:"env" doc:"environment variables of all processes"`
	MaxOutput    setting.Size      `hcl:"max_output" min:"1KiB" max:"1GiB" doc:"how much a process may print on each of its outputs"`
	MaxFolder    setting.Size      `hcl:"max_folder" min:"1KiB" max:"64GiB" doc:"how large the folder may be that is copied"`
	MaxFiles     int               `hcl:"max_files" min:"1" max:"10000000" doc:"how many files and folders may be in it"`
	Rounds       int               `hcl:"rounds" min:"1" max:"1000" doc:"how often it is measured; what counts is the median"`
	Certificates []*Certificate    `hcl:"certificate" doc:"a throw-away certificate"`
	Before       []*Before         `hcl:"before" doc:"started in this order, each when the one before it is ready"`
	Run          *Run              `hcl:"run" required:"true" doc:"the process that is measured; a flow is ready when it listens"`
	Locals       []struct{}        `hcl:"locals" doc:"named values"`
	Loads        []struct{}        `hcl:"load" doc:"what is sent, and how"`
	Limits       *Limits           `hcl:"expect" doc:"what it may take at most"`

	Load any // of Tables.Load, filled
	At   flow.Place
}

// Limits are what a bench may take at most: microseconds or, with RelativeTo,
// multiples of what the other one takes.
type Limits struct {
	RelativeTo string  `hcl:"relative_to" doc:"the name of another bench of the file: it is measured in turn with this one, and limits are multiples of what it takes"`
	CPU        float64 `hcl:"cpu_per_event" doc:"processor time of run for each message that came back, in microseconds (Linux only)"`
	P50        float64 `hcl:"p50" doc:"time to the answer that half of the messages do not exceed, in microseconds"`
	P90        float64 `hcl:"p90" doc:"the same of nine in ten"`
	P99        float64 `hcl:"p99" doc:"the same of 99 in 100"`
	Max        float64 `hcl:"max" doc:"the longest time to an answer, in microseconds"`
	Rate       float64 `hcl:"events_per_second" doc:"at least so many messages come back in a second"`

	At flow.Place
}

const defaultRounds = 3

// Bench reads the case as a bench. The result is whole when the report has no
// errors.
func (c *Case) Bench(b Binding) (*Bench, *source.Report) {
	r := c.read(b)
	x := &Bench{
		Timeout: r.tables.Patient(defaultTimeout), MaxOutput: defaultMaxOutput, MaxFolder: defaultMaxFolder, MaxFiles: defaultMaxFiles,
		Rounds: defaultRounds, At: placeOf(r.region.At),
	}
	r.Decode(r.region, nil, nil, x)
	r.certificates(x.Certificates)
	waited := false
	for _, p := range x.Before {
		at := path{"before", p.Name}
		r.program(&p.Program, at, c, waited)
		r.ready(p.Ready, at)
		waited = waited || p.Wait
	}
	if x.Run != nil {
		r.program(&x.Run.Program, path{"run"}, c, waited)
		r.ready(x.Run.Ready, path{"run"})
		if x.Run.Ready == nil && x.Run.Flow != "" {
			x.Run.Ready = &Ready{Log: Pattern{listening, listening.String()}, Timeout: r.tables.Patient(defaultReady), At: x.Run.At}
		}
	}
	if l := x.Limits; l != nil {
		l.At = r.place(path{"expect"})
		limits := 0
		for _, one := range []struct {
			name string
			v    float64
		}{{"cpu_per_event", l.CPU}, {"p50", l.P50}, {"p90", l.P90}, {"p99", l.P99}, {"max", l.Max}, {"events_per_second", l.Rate}} {
			if at := (path{"expect", one.name}); r.given(at) {
				if limits++; !(one.v > 0) && !r.Failed { // nor NaN
					r.errorAt(at, "the limit %s is not above 0", one.name)
				}
			}
		}
		if limits == 0 && !r.Failed {
			r.errorAt(path{"expect"}, "expect of %s sets no limit", r.region.Owner).Hint("write cpu_per_event = 5, or p99, events_per_second …")
		}
	}
	r.load(x, c)
	return x, r.Report
}

// listening is what a flow says when it is ready.
var listening = regexp.MustCompile(`(?m) listens on `)

// load reads the load block.
func (r *reading) load(x *Bench, c *Case) {
	if len(r.loads) == 0 {
		if !r.Failed {
			r.errorAt(nil, "%s makes no load", r.region.Owner).Hint(`write load { url = "ws://127.0.0.1:${local.port}" }`)
		}
		return
	}
	if len(r.loads) > 1 {
		r.Report.Errorf(r.loads[1].DefRange(), "%s has a second load", r.region.Owner).Also("the first is", r.loads[0].DefRange())
	}
	b := r.loads[0]
	x.Load = c.File.tables.Load()
	r.configure(x.Load, source.Region{Owner: "load", At: b.DefRange(), Body: b.Body})
}

// Test is the bench as a test that starts its processes, run as the last.
func (x *Bench) Test() *Test {
	t := &Test{
		Timeout: x.Timeout, Env: x.Env, MaxOutput: x.MaxOutput, MaxFolder: x.MaxFolder,
		Certificates: x.Certificates, Before: x.Before, At: x.At,
	}
	t.Before = append(t.Before, &Before{Name: "run", Program: x.Run.Program, Ready: x.Run.Ready})
	return t
}

// baselines checks that the benches which others are compared with are there.
func (f *File) baselines() {
	for _, c := range f.Cases {
		if c.relativeTo == "" {
			continue
		}
		var names []string
		for _, other := range f.Cases {
			if other != c && other.Kind == KindBench {
				names = append(names, other.Name)
			}
		}
		if !slices.Contains(names, c.relativeTo) {
			c.Report.Errorf(c.region(c.Report).At, "there is no other bench %q to compare with", c.relativeTo).Hint("%s", source.DidYouMean(c.relativeTo, names))
		}
	}
}

// Case returns the case of a kind and a name, nil when there is none.
func (f *File) Case(name string, kind Kind) *Case {
	for _, c := range f.Cases {
		if c.Name == name && c.Kind == kind {
			return c
		}
	}
	return nil
}
