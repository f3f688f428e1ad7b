package compare_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
)

func pattern(t *testing.T, text string) testfile.Pattern {
	t.Helper()
	var p testfile.Pattern
	if err := p.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return p
}

func values(t *testing.T, text string) []flow.Value {
	t.Helper()
	all, err := compare.Parse([]byte(text), "ndjson", "events")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCheck compares the first lines of what is found; "" where all is as
// expected.
func TestCheck(t *testing.T) {
	text := func(s string) testfile.Inline { return testfile.Inline{Given: true, Text: s} }
	events := func(s string) []flow.Value { return values(t, s) }
	for name, c := range map[string]struct {
		expect testfile.Content
		got    string
		want   string
	}{
		"text":                 {testfile.Content{Text: text("a\nb\n"), Format: "text"}, "a\nb\n", ""},
		"other text":           {testfile.Content{Text: text("a\nb\n"), Format: "text"}, "a\nc\n", `it is not the expected text: line 2 is "c", not "b"`},
		"a line less":          {testfile.Content{Text: text("a\nb\n"), Format: "text"}, "a\n", `it is not the expected text: line 2 is "", not "b"`},
		"no end of line":       {testfile.Content{Text: text("a\n"), Format: "text"}, "a", `it is not the expected text: line 1 ends with "", not with "\n"`},
		"a carriage return":    {testfile.Content{Text: text("a\n"), Format: "text"}, "a\r\n", `it is not the expected text: line 1 ends with "\r\n", not with "\n"`},
		"empty":                {testfile.Content{Text: text(""), Format: "text"}, "", ""},
		"not empty":            {testfile.Content{Text: text(""), Format: "text"}, "a", `it is not the expected text: line 1 is "a", not ""`},
		"lines in any order":   {testfile.Content{Text: text("a\nb\n"), Format: "text", Unordered: true}, "b\na", ""},
		"lines too often":      {testfile.Content{Text: text("a\nb\n"), Format: "text", Unordered: true}, "b\na\na\n", `it is not the expected text: line 2 is "a", not "b"`},
		"bytes":                {testfile.Content{Text: text("a\x00"), Format: "bytes"}, "a\x00", ""},
		"other bytes":          {testfile.Content{Text: text("a\x00"), Format: "bytes"}, "a\x01", "it is not the expected text: byte 2 is 0x01, not 0x00"},
		"more bytes":           {testfile.Content{Text: text("a"), Format: "bytes"}, "ab", "it is not the expected text: it goes on after byte 1"},
		"json":                 {testfile.Content{Text: text(`{"a":1,"b":[2]}`), Format: "json"}, "{\n\"b\":[2.0], \"a\":1e0}", ""},
		"other json":           {testfile.Content{Text: text(`{"a":1,"b":[2]}`), Format: "json"}, `{"a":1,"b":[3]}`, "it is not the expected text: b[0] is 3, not 2"},
		"more json":            {testfile.Content{Text: text(`{"a":1}`), Format: "json"}, `{"a":1,"b":null}`, "it is not the expected text: b = null was not expected"},
		"less json":            {testfile.Content{Text: text(`{"a":{"x":1}}`), Format: "json"}, `{"a":{}}`, "it is not the expected text: a.x is missing, expected 1"},
		"a shorter list":       {testfile.Content{Text: text(`[1,2]`), Format: "json"}, `[1]`, "it is not the expected text: it has 1 elements, not 2"},
		"a list in any order":  {testfile.Content{Text: text(`[1,2,2]`), Format: "json", Unordered: true}, `[2,1,2.0]`, ""},
		"no json":              {testfile.Content{Text: text(`1`), Format: "json"}, `{`, "it is not JSON: "},
		"bad expectation":      {testfile.Content{Text: text(`{`), Format: "json"}, `1`, "expected: the expected text is not JSON: "},
		"a number is no text":  {testfile.Content{Text: text(`1`), Format: "json"}, `"1"`, `it is not the expected text: it is "1", not 1`},
		"events":               {testfile.Content{Events: events("1\n[2]"), HasEvents: true, Format: "ndjson"}, "1.0\n\n[ 2 ]", ""},
		"no events":            {testfile.Content{HasEvents: true, Format: "ndjson"}, "", ""},
		"events, none wanted":  {testfile.Content{HasEvents: true, Format: "ndjson"}, "1\n", "it is not the expected events: it holds 1 more than the 0 expected"},
		"too few events":       {testfile.Content{Events: events("1\n2"), HasEvents: true, Format: "ndjson"}, "1\n", "it is not the expected events: it holds 1 of the 2 expected"},
		"events in any order":  {testfile.Content{Events: events("1\n2"), HasEvents: true, Format: "ndjson", Unordered: true}, "2\n1", ""},
		"an event twice":       {testfile.Content{Events: events("1\n2"), HasEvents: true, Format: "ndjson", Unordered: true}, "2\n1\n1", "it is not the expected events: 1 was not expected"},
		"an event is no JSON":  {testfile.Content{Events: events("1"), HasEvents: true, Format: "ndjson"}, "1\nx\n", "line 2 of it is not JSON: "},
		"ignored":              {testfile.Content{Events: events(`{"a":1,"t":5,"p":{"id":1,"x":2},"l":[{"t":1,"v":1},{"v":2}]}`), HasEvents: true, Format: "ndjson", Ignore: []string{"t", "p.id", "l.*.t"}}, `{"l":[{"v":1},{"v":2,"t":9}],"a":1,"p":{"x":2}}`, ""},
		"not ignored":          {testfile.Content{Events: events(`{"p":{"id":1,"x":2}}`), HasEvents: true, Format: "ndjson", Ignore: []string{"id"}}, `{"p":{"id":2,"x":2}}`, "it is not the expected events: p.id is 2, not 1"},
		"contains":             {testfile.Content{Contains: []string{"b"}, Format: "text"}, "abc", ""},
		"does not contain":     {testfile.Content{Contains: []string{"d"}, Format: "text"}, "abc", `it does not contain "d"`},
		"matches a line":       {testfile.Content{Matches: []testfile.Pattern{pattern(t, "^b$")}, Format: "text"}, "a\nb\nc", ""},
		"matches no line":      {testfile.Content{Matches: []testfile.Pattern{pattern(t, "^b$")}, Format: "text"}, "abc", `no line of it matches "^b$"`},
		"absent":               {testfile.Content{Absent: []string{"d"}, Format: "text"}, "abc", ""},
		"not absent":           {testfile.Content{Absent: []string{"c"}, Format: "text"}, "a\nb\nc", `it must not contain "c", and does in line 3`},
		"lines":                {testfile.Content{Count: testfile.Whole{Given: true, N: 2}, Format: "text"}, "a\nb", ""},
		"no lines":             {testfile.Content{Count: testfile.Whole{Given: true}, Format: "text"}, "", ""},
		"lines, none wanted":   {testfile.Content{Count: testfile.Whole{Given: true}, Format: "text"}, "a", "it holds 1 lines, not 0"},
		"a count of events":    {testfile.Content{Count: testfile.Whole{Given: true, N: 2}, Format: "ndjson"}, "1\n\n2\n", ""},
		"a count of elements":  {testfile.Content{Count: testfile.Whole{Given: true, N: 3}, Format: "json"}, "[1,2]", "it holds 2 events, not 3"},
		"a count of no events": {testfile.Content{Count: testfile.Whole{Given: true, N: 3}, Format: "ndjson"}, "{", "line 1 of it is not JSON: "},
	} {
		content := &compare.Content{What: "it", Got: []byte(c.got), Expect: &c.expect}
		found, rewrite := content.Check()
		got := ""
		if len(found) > 0 {
			got = found[0].Message
		}
		if len(found) > 1 || rewrite != "" || c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q (%d in all), expected %q", name, got, len(found), c.want)
		}
	}
}

// TestFirst compares values as peers do: whole, in part, less what is ignored.
func TestFirst(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ignore    []string
		part      bool
		is        string
	}{
		{`{"a":1,"b":[1,2]}`, `{"b":[1,2.0],"a":1e0}`, nil, false, ""},
		{`{"a":1}`, `{"a":2}`, nil, false, "a is 2, not 1"},
		{`{"a":{"b":null}}`, `{"a":{}}`, nil, false, "a.b is missing, expected null"},
		{`{}`, `{"a":1}`, nil, false, "a = 1 was not expected"},
		{`{}`, `{"a":1}`, nil, true, ""},
		{`[{"a":1}]`, `[{"a":1,"b":2}]`, nil, true, ""},
		{`{"l":[{"a":1}]}`, `{"l":[{"a":2,"b":2}]}`, nil, true, "l[0].a is 2, not 1"},
		{`[1]`, `[1,2]`, nil, true, "it has 2 elements, not 1"},
		{`{"l":[{"id":1,"ts":2}]}`, `{"l":[{"id":1}],"ts":3}`, []string{"ts", "l.*.ts"}, false, ""},
		{`{"l":[{"id":1,"ts":2}]}`, `{"l":[{"id":1,"ts":3}]}`, []string{"ts"}, false, "l[0].ts is 3, not 2"},
		{`1`, `{"a":1}`, nil, false, `it is {"a":1}, not 1`},
	} {
		want, got := values(t, c.want)[0], values(t, c.got)[0]
		if is := compare.First(compare.Without(want, c.ignore), compare.Without(got, c.ignore), c.part); is != c.is {
			t.Errorf("%s and %s: %q, not %q", c.want, c.got, is, c.is)
		}
	}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct{ want, got, is string }{
		{"abc", "abd", "byte 3 is 'd', not 'c'"},
		{"a\n", "a\r\n", "byte 2 is 0x0d, not 0x0a"},
		{"abc", "ab", "it ends after byte 2 of 3"},
		{"ab", "abc", "it goes on after byte 2"},
		{"", "a", "it goes on after byte 0"},
	} {
		if is := compare.Bytes([]byte(c.want), []byte(c.got)); is != c.is {
			t.Errorf("%q and %q: %s", c.want, c.got, is)
		}
	}
}

func TestExpectedFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "e.txt"), []byte("a\nb\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	expect := &testfile.Content{Equals: "e.txt", Format: "text"}
	c := &compare.Content{What: "it", Got: []byte("a\nx\n"), Expect: expect, Dir: dir}
	found, rewrite := c.Check()
	if len(found) != 1 || rewrite != "" || found[0].Detail != "--- e.txt\n+++ it\n@@ -1,2 +1,2 @@\n a\n-b\n+x" {
		t.Errorf("%+v, %q", found, rewrite)
	}
	c.Update = true
	if found, rewrite := c.Check(); len(found) > 0 || rewrite != filepath.Join(dir, "e.txt") {
		t.Errorf("%+v, %q", found, rewrite)
	}
	c.Got = []byte("a\nb\n")
	if found, rewrite := c.Check(); len(found) > 0 || rewrite != "" {
		t.Errorf("%+v, %q", found, rewrite)
	}
}

// TestBounds makes texts that differ a lot, late, and in long lines.
func TestBounds(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	many := strings.Repeat("line\n", 200_000)
	for name, pair := range map[string][2]string{
		"long lines": {long, long + "y"},
		"many lines": {many + "a\n" + many, many + "b\n" + many},
		"all differ": {strings.Repeat("a\n", 10_000), strings.Repeat("b\n", 10_000)},
		"binary":     {"\x00\x1b[31m\xff", "\x00\x1b[32m\xfe\xef\xbf\xbe"},
	} {
		expect := &testfile.Content{Text: testfile.Inline{Given: true, Text: pair[0]}, Format: "text", Contains: []string{"not there"}, Absent: []string{pair[1][:1]}}
		c := &compare.Content{What: "it", Got: []byte(pair[1]), Expect: expect}
		found, _ := c.Check()
		if len(found) != 3 {
			t.Errorf("%s: %d differences", name, len(found))
		}
		for _, m := range found {
			if len(m.Message) > 2000 || len(m.Detail) > 30_000 || strings.Count(m.Detail, "\n") > 60 {
				t.Errorf("%s: %d and %d bytes, %d lines", name, len(m.Message), len(m.Detail), strings.Count(m.Detail, "\n"))
			}
			if strings.ContainsAny(m.Message+m.Detail, "\x00\x1b\uffff\ufffe") {
				t.Errorf("%s: what cannot be printed is shown: %q", name, m)
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("a\nb", "a\nc", "text", "a.*")
	f.Add(`{"a":[1,{"b":2}]}`, `{"a":[1,{"b":3}]}`, "ndjson", "a.*.b")
	f.Add(`[1,2]`, `[2,1]`, "json", "0")
	f.Add("\xff\x00", "\xfe", "bytes", "")
	f.Fuzz(func(t *testing.T, want, got, format, ignore string) {
		expect := &testfile.Content{Text: testfile.Inline{Given: true, Text: want}, Format: format, Unordered: len(ignore)%2 == 0}
		if ignore != "" {
			expect.Ignore = []string{ignore}
		}
		found, _ := (&compare.Content{What: "it", Got: []byte(got), Expect: expect}).Check()
		if want == got && len(found) > 0 && format != "json" && format != "ndjson" {
			t.Errorf("%q is not itself: %v", want, found)
		}
	})
}
