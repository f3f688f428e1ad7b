package testfile

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Unit is a case that sends events through one pipeline: a `unit` block.
type Unit struct {
	Tags      []string              `hcl:"tags" doc:"words to choose cases by, with --include and --exclude"`
	Timeout   setting.Duration      `hcl:"timeout" min:"1ms" doc:"how long it may take"`
	Flow      string                `hcl:"flow" required:"true" doc:"the flow that the pipeline is in"`
	Pipeline  string                `hcl:"pipeline" required:"true" doc:"the name of the pipeline"`
	Vars      map[string]flow.Value `hcl:"vars" doc:"variables of the flow"`
	In        []flow.Value          `hcl:"in" doc:"the events that go in"`
	InFile    string                `hcl:"in_file" doc:"a file with an event in each line that goes in"`
	Out       []flow.Value          `hcl:"out" doc:"the events that leave by out"`
	OutFile   string                `hcl:"out_file" doc:"a file with an event in each line that leaves by out"`
	Ignore    []string              `hcl:"ignore" doc:"paths in events that are not compared"`
	Ports     []*Port               `hcl:"port" doc:"what leaves by another port of the pipeline"`
	Errors    []Pattern             `hcl:"errors" doc:"regular expressions for the messages of events that go wrong, in order"`
	MaxEvents int                   `hcl:"max_events" min:"1" doc:"how many events may leave the pipeline"`
	Locals    []struct{}            `hcl:"locals" doc:"named values"`

	HasOut bool // something is expected of out
	At     flow.Place
}

// Port is what leaves a pipeline by one of its ports.
type Port struct {
	Name string       `hcl:"name,label"`
	Out  []flow.Value `hcl:"out" required:"true" doc:"the events"`

	At flow.Place
}

// Unit reads the case as a unit. The result is whole when the report has no
// errors.
func (c *Case) Unit() (*Unit, *source.Report) {
	r := c.read(Binding{Dir: c.File.Dir})
	u := &Unit{Timeout: r.tables.Patient(defaultTimeout), MaxEvents: defaultMaxEvents, At: placeOf(r.region.At)}
	r.Decode(r.region, nil, nil, u)
	given := func(name string) bool { return r.given(path{name}) }
	u.HasOut = given("out") || given("out_file")
	for _, pair := range [][2]string{{"in", "in_file"}, {"out", "out_file"}} {
		if given(pair[0]) && given(pair[1]) {
			r.errorAt(path{pair[1]}, "only one of %s and %s can be given", pair[0], pair[1])
		}
	}
	if !given("in") && !given("in_file") && !r.Failed {
		r.errorAt(nil, "%s has no events: write in = [ … ], or in_file", r.region.Owner)
	}
	if !u.HasOut && len(u.Ports) == 0 && len(u.Errors) == 0 && !r.Failed {
		r.errorAt(nil, "%s expects nothing, so it could not fail", r.region.Owner).Hint("write out = [ … ]")
	}
	for _, p := range u.Ports {
		at := path{"port", p.Name}
		p.At = r.place(at)
		if p.Name == "out" || p.Name == "err" {
			r.errorAt(at, "what leaves by %s is told by the argument %s", p.Name, map[string]string{"out": "out", "err": "errors"}[p.Name])
		}
	}
	for name, file := range map[string]string{"flow": u.Flow, "in_file": u.InFile, "out_file": u.OutFile} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(inFolder(c.File.Dir, file)); errors.Is(err, os.ErrNotExist) {
			r.errorAt(path{name}, "there is no %s in the folder of the test", file).Hint("%s", source.DidYouMean(file, filesIn(c.File.Dir)))
		}
	}
	return u, r.Report
}

// Path returns a file of the case as the process can open it.
func (c *Case) Path(name string) string { return inFolder(c.File.Dir, filepath.FromSlash(name)) }

// Expression is a case that computes expressions: an `expression` block.
type Expression struct {
	Tags   []string   `hcl:"tags" doc:"words to choose cases by, with --include and --exclude"`
	Checks []*Check   `hcl:"check" doc:"an expression and its result"`
	Locals []struct{} `hcl:"locals" doc:"named values"`

	At flow.Place
}

// Check is one expression, computed for one event.
type Check struct {
	Name   string     `hcl:"name,label"`
	Expr   flow.Expr  `hcl:"expr" required:"true" doc:"the expression"`
	Event  flow.Value `hcl:"event" doc:"the event, null without it"`
	Meta   flow.Value `hcl:"meta" doc:"what the flow wrote into meta"`
	Result flow.Value `hcl:"result" doc:"the value"`
	Error  Failure    `hcl:"error" doc:"a regular expression for the message, where the expression must fail"`

	At flow.Place
}

// Failure is the pattern of an error that must come.
type Failure struct{ *regexp.Regexp }

// UnmarshalText compiles the expression.
func (f *Failure) UnmarshalText(text []byte) (err error) {
	f.Regexp, err = regexp.Compile(string(text))
	return err
}

// Expression reads the case as expressions. The result is whole when the report
// has no errors.
func (c *Case) Expression() (*Expression, *source.Report) {
	r := c.read(Binding{Dir: c.File.Dir})
	e := &Expression{At: placeOf(r.region.At)}
	r.Decode(r.region, nil, nil, e)
	if len(e.Checks) == 0 && !r.Failed {
		r.errorAt(nil, "%s checks nothing", r.region.Owner).Hint(`write check "name" { expr = …  result = … }`)
	}
	for _, check := range e.Checks {
		at := path{"check", check.Name}
		check.At = r.place(at)
		result, fails := r.given(at.then("result")), r.given(at.then("error"))
		if result == fails {
			r.errorAt(at, "check %q needs a result or an error, and not both", check.Name)
		}
		if m := check.Meta; !m.IsNull() && m.Kind() != flow.Map {
			r.errorAt(at, "meta wants an object, not %s", m.Kinds())
		}
	}
	return e, r.Report
}
