package testfile

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Suffix is how the names of test files end.
const Suffix = ".test.hcl"

// Tables are the parts of test files that this package does not know itself.
type Tables struct {
	Load  func() any  // a new configuration for the load block of a bench, with its defaults
	Peer  func() any  // a new configuration for the arguments of a peer block, with its defaults
	Steps []StepTable // what can stand in a peer, in order

	// Holds tells the steps that steps can stand in; Fill hands those over.
	Holds func(config any) bool
	Fill  func(config any, steps []Step)

	// Signal tells which signal a step gives, and which it waits for; "" for none.
	Signal func(config any) (gives, awaits string)

	Update bool // expected files that are not there will be written
	// Patience is how many times as long as usual may take what a file sets no time for;
	// 0 is 1.
	Patience int
}

// Patient is d with the patience asked for.
func (t *Tables) Patient(d setting.Duration) setting.Duration {
	return d * setting.Duration(max(1, t.Patience))
}

// StepTable is one kind of step: its name, and a new configuration with its
// defaults. A configuration that implements Checker is checked when it is read.
type StepTable struct {
	Name   string
	Config func() any
}

// Checker is a configuration that knows what its tags cannot say. An error
// about one argument is a *setting.Error.
type Checker interface{ Check() error }

// Kind tells what a case is.
type Kind string

// The kinds of cases, as their blocks are called.
const (
	KindTest       Kind = "test"
	KindUnit       Kind = "unit"
	KindExpression Kind = "expression"
	KindBench      Kind = "bench"
)

// File is one *.test.hcl.
type File struct {
	Path  string // absolute
	Shown string // as reports call it
	Dir   string // the folder of the file: what paths in it are relative to
	Cases []*Case
	// Report is what concerns the file as a whole: its syntax, blocks that mean
	// nothing, names that are used twice. Its cases may be fine all the same.
	Report *source.Report

	tables *Tables
	text   []byte
}

// Case is one block of a file.
type Case struct {
	File    *File
	Kind    Kind
	Name    string
	At      flow.Place
	Tags    []string
	Timeout time.Duration
	// Report holds errors when the case cannot be run.
	Report *source.Report

	block      *hclsyntax.Block // as the whole file was parsed
	relativeTo string           // the bench that it is compared with
}

var topLevel = source.Expected{Blocks: map[string]int{string(KindTest): 1, string(KindUnit): 1, string(KindExpression): 1, string(KindBench): 1}}

// Open reads the file at path and checks all of its cases.
func Open(path string, tables *Tables) *File {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	f := &File{Path: path, Shown: source.ShownPath(path), Dir: filepath.Dir(path), Report: &source.Report{}, tables: tables}
	var err error
	if f.text, err = source.Read(path); err != nil {
		f.Report.Errorf(source.NoPlace(""), "cannot read %s: %v", f.Shown, err)
		return f
	}
	body, ok := f.Report.Parse(f.Shown, f.text, false).(*hclsyntax.Body)
	if !ok {
		return f
	}
	whole := source.Region{Owner: "a test file", At: source.NoPlace(f.Shown), Body: body}
	first := map[string]hcl.Range{}
	for _, b := range f.Report.Content(whole, topLevel).Blocks {
		name := b.Labels[0]
		if at, again := first[name]; again {
			f.Report.Errorf(b.LabelsAt[0], "two cases are called %q", name).Also("the first is", at)
			continue
		}
		first[name] = b.At
		switch {
		case strings.TrimSpace(name) == "":
			f.Report.Errorf(b.LabelsAt[0], "the %s has no name", b.Kind)
			continue
		case strings.ContainsFunc(name, func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }):
			f.Report.Errorf(b.LabelsAt[0], "the name %q of the %s has characters that reports cannot show, or a slash", name, b.Kind).
				Hint("a slash is between the folder and the name: --run and reports know the case as folder/name")
			continue
		}
		block := body.Blocks[slices.IndexFunc(body.Blocks, func(x *hclsyntax.Block) bool { return x.Body == b.Body })]
		c := &Case{File: f, Kind: Kind(b.Kind), Name: name, At: placeOf(b.At), Timeout: time.Duration(tables.Patient(defaultTimeout)), block: block}
		c.check()
		f.Cases = append(f.Cases, c)
	}
	f.baselines()
	if len(f.Cases) == 0 && !f.Report.HasErrors() {
		f.Report.Errorf(source.NoPlace(f.Shown), "the file tests nothing: there is no test, unit, expression or bench in it")
	}
	return f
}

// check reads the case as it will be read when it runs.
func (c *Case) check() {
	switch c.Kind {
	case KindTest:
		t, report := c.Test(Binding{Dir: c.File.Dir})
		c.Report, c.Tags, c.Timeout = report, t.Tags, time.Duration(t.Timeout)
	case KindUnit:
		u, report := c.Unit()
		c.Report, c.Tags, c.Timeout = report, u.Tags, time.Duration(u.Timeout)
	case KindExpression:
		e, report := c.Expression()
		c.Report, c.Tags = report, e.Tags
	case KindBench:
		b, report := c.Bench(Binding{Dir: c.File.Dir})
		c.Report, c.Tags, c.Timeout = report, b.Tags, time.Duration(b.Timeout)
		if b.Limits != nil {
			c.relativeTo = b.Limits.RelativeTo
		}
	}
}

// NamedAs reports that other, a case of another file in the same folder, has the
// same name: nobody could tell them apart.
func (c *Case) NamedAs(other *Case) {
	c.Report.Errorf(c.block.DefRange(), "two cases of the folder are called %q", c.Name).Also("the first is", other.block.DefRange())
}

// region parses the case anew, for a report of its own, and returns its body:
// cases run side by side, and a report is not shared.
func (c *Case) region(r *source.Report) source.Region {
	body, ok := r.ParseAgain(c.File.Shown, c.File.text, c.block.Range()).(*hclsyntax.Body)
	if !ok || len(body.Blocks) != 1 { // it was read before
		return source.Region{Body: &hclsyntax.Body{}}
	}
	b := body.Blocks[0]
	return source.Region{Owner: string(c.Kind) + " " + strconv.Quote(c.Name), At: b.DefRange(), Body: b.Body}
}

func placeOf(r hcl.Range) flow.Place { return flow.Place{File: r.Filename, Line: r.Start.Line} }
