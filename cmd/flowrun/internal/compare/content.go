// Package compare compares what flows have made or said with what was expected
// of it: texts, bytes and values, whole or in part. What it finds is told in two
// forms: a line that says where the first difference is, and lines that show it.
// Both are bounded, whatever the texts are like. The runner compares outputs and
// files, peers the messages that come.
//
//	content     all that is expected of one text
//	values      events: in order or not, less the paths that are ignored
//	difference  what is shown of a difference
package compare

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Content is a text, and what is expected of it.
type Content struct {
	What   string // as reports call it: `file "out.ndjson"`
	Got    []byte
	Expect *testfile.Content
	Dir    string // where expected files are
	Update bool   // they are to be rewritten where they differ
}

// Mismatch is one thing that is not as expected.
type Mismatch struct {
	Message string
	Detail  string // lines: a diff, or the text
}

// Check returns what is not as expected, and the path of an expected file that
// is to be rewritten.
func (c *Content) Check() (found []Mismatch, rewrite string) {
	k := c.Expect
	tell := func(detail, format string, args ...any) {
		found = append(found, Mismatch{fmt.Sprintf(format, args...), detail})
	}
	for _, text := range k.Contains {
		if !bytes.Contains(c.Got, []byte(text)) {
			tell(c.excerpt(), "%s does not contain %q", c.What, text)
		}
	}
	for _, re := range k.Matches {
		if !re.Match(c.Got) {
			tell(c.excerpt(), "no line of %s matches %q", c.What, re.Text)
		}
	}
	for _, text := range k.Absent {
		if i := bytes.Index(c.Got, []byte(text)); i >= 0 {
			line := 1 + bytes.Count(c.Got[:i], []byte("\n"))
			tell(around(c.Got, line), "%s must not contain %q, and does in line %d", c.What, text, line)
		}
	}
	if k.Count.Given {
		if n, of, err := c.count(); err != nil {
			tell("", "%v", err)
		} else if n != k.Count.N {
			tell(c.excerpt(), "%s holds %d %s, not %d", c.What, n, of, k.Count.N)
		}
	}
	if m, differs := c.equals(); differs {
		if c.Update && k.Equals != "" {
			return found, filepath.Join(c.Dir, filepath.FromSlash(k.Equals))
		}
		found = append(found, m)
	}
	return found, ""
}

// equals compares the whole with an expected file, events or a text.
func (c *Content) equals() (m Mismatch, differs bool) {
	k := c.Expect
	want, name := []byte(k.Text.Text), "the expected text"
	switch {
	case k.Equals != "":
		name = k.Equals
		var err error
		if want, err = os.ReadFile(filepath.Join(c.Dir, filepath.FromSlash(k.Equals))); err != nil {
			return Mismatch{Message: fmt.Sprintf("cannot read the expected %s: %v", k.Equals, err)}, true
		}
	case k.HasEvents:
		return c.values(k.Events, "the expected events")
	case !k.Text.Given:
		return m, false
	}
	switch k.Format {
	case "bytes":
		if bytes.Equal(c.Got, want) {
			return m, false
		}
		return Mismatch{fmt.Sprintf("%s is not %s: %s", c.What, name, Bytes(want, c.Got)), hexDiff(want, c.Got)}, true
	case "json", "ndjson":
		events, err := Parse(want, k.Format, name)
		if err != nil {
			return Mismatch{Message: "expected: " + err.Error()}, true
		}
		return c.values(events, name)
	}
	got := c.Got
	if k.Unordered {
		want, got = sortLines(want), sortLines(got)
	}
	if bytes.Equal(got, want) {
		return m, false
	}
	return Mismatch{fmt.Sprintf("%s is not %s: %s", c.What, name, firstLine(want, got)), textDiff(name, want, c.What, got)}, true
}

// values compares the text as values.
func (c *Content) values(want []flow.Value, name string) (m Mismatch, differs bool) {
	k := c.Expect
	got, err := Parse(c.Got, k.Format, c.What)
	if err != nil {
		return Mismatch{err.Error(), c.excerpt()}, true
	}
	if k.Format == "json" && k.Unordered {
		want, got = elements(want), elements(got)
	}
	return Values(c.What, name, want, got, k.Ignore, k.Unordered)
}

// count counts events, elements or lines.
func (c *Content) count() (n int, of string, err error) {
	switch c.Expect.Format {
	case "bytes":
		return len(c.Got), "bytes", nil
	case "text":
		n = bytes.Count(c.Got, []byte("\n"))
		if len(c.Got) > 0 && c.Got[len(c.Got)-1] != '\n' {
			n++
		}
		return n, "lines", nil
	}
	values, err := Parse(c.Got, c.Expect.Format, c.What)
	if c.Expect.Format == "json" {
		values = elements(values)
	}
	return len(values), "events", err
}

func sortLines(text []byte) []byte {
	lines := slices.Collect(bytes.Lines(text))
	if n := len(lines); n > 0 && !bytes.HasSuffix(lines[n-1], []byte("\n")) {
		lines[n-1] = append(slices.Clone(lines[n-1]), '\n')
	}
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, nil)
}
