package testfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Expect is what must be true at the end of a test.
type Expect struct {
	Outcome
	Files     []*FileContent  `hcl:"file" doc:"what a file must hold"`
	Processes []*NamedOutcome `hcl:"process" doc:"how a process of before must end"`
}

// Outcome is how a process must end, and what it must have printed.
type Outcome struct {
	ExitCode Whole    `hcl:"exit_code" doc:"the exit code, 0 without it"`
	Signal   string   `hcl:"signal" oneof:"SIGABRT|SIGHUP|SIGINT|SIGKILL|SIGPIPE|SIGQUIT|SIGSEGV|SIGTERM" doc:"the signal that must end it"`
	Stdout   *Content `hcl:"stdout" doc:"what it must print on standard output"`
	Stderr   *Content `hcl:"stderr" doc:"what it must print on standard error"`

	At flow.Place
}

// NamedOutcome is the outcome of a process of before.
type NamedOutcome struct {
	Name string `hcl:"name,label"`
	Outcome
}

// FileContent is what a file of the scratch folder must hold.
type FileContent struct {
	Path   string `hcl:"path,label"`
	Exists Flag   `hcl:"exists" doc:"false: the file must not be there"`
	Content
}

// Content is what a text must be like.
type Content struct {
	Equals    string       `hcl:"equals" doc:"the file beside the test that it must be equal to"`
	Events    []flow.Value `hcl:"events" doc:"the values that it must hold, one a line"`
	Text      Inline       `hcl:"text" doc:"the text that it must be"`
	Format    string       `hcl:"format" oneof:"text|json|ndjson|bytes" doc:"how it is compared; text without it, ndjson with events"`
	Unordered bool         `hcl:"unordered" doc:"the order of lines or events does not matter"`
	Ignore    []string     `hcl:"ignore" doc:"paths in events that are not compared: \"ts\", \"peer.id\", \"items.*.ts\""`
	Contains  []string     `hcl:"contains" doc:"texts that must be in it"`
	Matches   []Pattern    `hcl:"matches" doc:"regular expressions that a line must match"`
	Absent    []string     `hcl:"absent" doc:"texts that must not be in it"`
	Count     Whole        `hcl:"count" doc:"how many lines or events it must hold"`

	HasEvents bool // events is given, if only as an empty list
	At        flow.Place
}

// Whole is a whole number that may be left out.
type Whole struct {
	Given bool
	N     int
}

// UnmarshalText reads the number.
func (w *Whole) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a whole number", text)
	}
	*w = Whole{true, n}
	return nil
}

// Flag is true or false, or left out.
type Flag struct{ Given, True bool }

// UnmarshalText reads true or false.
func (f *Flag) UnmarshalText(text []byte) error {
	if s := string(text); s != "true" && s != "false" {
		return errors.New("it is true or false")
	}
	*f = Flag{true, string(text) == "true"}
	return nil
}

// Inline is a text that may be left out.
type Inline struct {
	Given bool
	Text  string
}

// UnmarshalText takes the text.
func (t *Inline) UnmarshalText(text []byte) error {
	*t = Inline{true, string(text)}
	return nil
}

// expect checks the block expect.
func (r *reading) expect(t *Test, c *Case) {
	e := t.Expect
	empty := func(o *Outcome) bool {
		return !o.ExitCode.Given && o.Signal == "" && o.Stdout == nil && o.Stderr == nil
	}
	if empty(&e.Outcome) && len(e.Files)+len(e.Processes) == 0 && !r.Failed {
		r.errorAt(path{"expect"}, "expect is empty: it would always be met").Hint("write exit_code = 0, or what files and outputs must hold")
	}
	if t.Run == nil && !empty(&e.Outcome) {
		r.errorAt(path{"expect"}, "the test has no run, whose end this could be about").Hint(`write process "name" { … } for a process of before`)
	}
	r.outcome(&e.Outcome, path{"expect"}, c)
	var names []string
	for _, b := range t.Before {
		names = append(names, b.Name)
	}
	for _, p := range e.Processes {
		at := path{"expect", "process", p.Name}
		if !slices.Contains(names, p.Name) {
			r.errorAt(at, "there is no before %q", p.Name).Hint("%s", source.DidYouMean(p.Name, names))
		}
		if empty(&p.Outcome) && !r.Failed {
			r.errorAt(at, "process %q is empty: it would always be met", p.Name).Hint("write exit_code = 0, or what it must print")
		}
		r.outcome(&p.Outcome, at, c)
	}
	for _, f := range e.Files {
		at := path{"expect", "file", f.Path}
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			r.errorAt(at, "file %q is not in the folder of the test", f.Path)
		}
		absent := f.Exists.Given && !f.Exists.True
		switch {
		case absent && !f.empty():
			r.errorAt(at.then("exists"), "file %q must not be there, so there is nothing to look at in it", f.Path)
		case !f.Exists.Given:
			r.content(&f.Content, fmt.Sprintf("file %q", f.Path), at, c)
		case !f.empty():
			r.content(&f.Content, fmt.Sprintf("file %q", f.Path), at, c)
		}
		f.At = r.place(at)
	}
}

func (r *reading) outcome(o *Outcome, at path, c *Case) {
	o.At = r.place(at)
	if o.ExitCode.Given && o.Signal != "" {
		r.errorAt(at.then("signal"), "a process that a signal ends has no exit code: write only one of the two")
	}
	if o.ExitCode.N > 255 {
		r.errorAt(at.then("exit_code"), "an exit code is at most 255")
	}
	if o.Stdout != nil {
		r.content(o.Stdout, "stdout", at.then("stdout"), c)
	}
	if o.Stderr != nil {
		r.content(o.Stderr, "stderr", at.then("stderr"), c)
	}
}

// empty reports whether nothing is asked of the content.
func (k *Content) empty() bool {
	return k.Equals == "" && !k.HasEvents && !k.Text.Given && len(k.Contains)+len(k.Matches)+len(k.Absent) == 0 && !k.Count.Given
}

// compared names the arguments that say what a content is compared with.
var compared = []string{"equals", "events", "text"}

// content checks what is expected of a content.
func (r *reading) content(k *Content, what string, at path, c *Case) {
	k.At = r.place(at)
	given := func(name string) bool { return r.given(at.then(name)) }
	k.HasEvents = given("events")
	var with []string
	for _, name := range compared {
		if given(name) {
			with = append(with, name)
		}
	}
	switch {
	case k.empty() && !r.Failed:
		r.errorAt(at, "%s is empty: it would always be met", what).
			Hint("write equals, events, text, contains, matches, absent or count into it")
	case len(with) > 1:
		r.errorAt(at.then(with[1]), "%s is compared with one thing: %s or %s", what, with[0], with[1])
	case len(with) == 0 && (k.Unordered || given("ignore")):
		r.errorAt(at, "%s is compared with nothing, so unordered and ignore have no meaning", what).Hint("write equals, events or text into it")
	}
	if k.Format == "" {
		if k.Format = "text"; k.HasEvents {
			k.Format = "ndjson"
		}
	} else if k.HasEvents && k.Format != "ndjson" {
		r.errorAt(at.then("format"), "events are compared as ndjson")
	}
	values := k.Format == "json" || k.Format == "ndjson"
	if len(k.Ignore) > 0 && !values {
		r.errorAt(at.then("ignore"), "ignore is for the formats json and ndjson, not for %s", k.Format)
	}
	if k.Format == "bytes" && k.Unordered {
		r.errorAt(at.then("unordered"), "bytes have an order")
	}
	for _, ignored := range k.Ignore {
		if ignored == "" || strings.Contains("."+ignored+".", "..") {
			r.errorAt(at.then("ignore"), "%q is no path: write names, indexes and * with dots between them", ignored)
		}
	}
	for _, texts := range [][]string{k.Contains, k.Absent} {
		for _, text := range texts {
			if text == "" {
				r.errorAt(at, "%s looks for an empty text, which is in every text", what)
			}
		}
	}
	if k.Equals == "" {
		return
	}
	if !filepath.IsLocal(filepath.FromSlash(k.Equals)) {
		r.errorAt(at.then("equals"), "%s is not in the folder of the test", k.Equals)
		return
	}
	if info, err := os.Stat(filepath.Join(c.File.Dir, filepath.FromSlash(k.Equals))); err != nil || !info.Mode().IsRegular() {
		if c.File.tables.Update && errors.Is(err, os.ErrNotExist) {
			return
		}
		r.errorAt(at.then("equals"), "there is no file %s beside the test", k.Equals).
			Hint("%s", source.DidYouMean(k.Equals, filesIn(c.File.Dir))).
			Hint("flowrun test integration --update writes it from what the test makes")
	}
}
