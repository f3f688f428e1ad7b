package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

func at(line, column, from, length int) hcl.Range {
	return hcl.Range{
		Filename: "x.hcl",
		Start:    hcl.Pos{Line: line, Column: column, Byte: from},
		End:      hcl.Pos{Line: line, Column: column + length, Byte: from + length},
	}
}

func TestExcerpt(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		at   hcl.Range
		hide []hcl.Range
		say  string // a secret
		want string
	}{
		"plain":          {text: "a = 1\nb = 2\n", at: at(2, 5, 10, 1), want: "b = 2\n    ^"},
		"empty range":    {text: "a = 1\n", at: at(1, 3, 2, 0), want: "a = 1\n  ^"},
		"end of line":    {text: "a =\r\nb", at: at(1, 4, 3, 1), want: "a =\n   ^"},
		"end of file":    {text: "a =", at: at(1, 4, 3, 0), want: "a =\n   ^"},
		"several lines":  {text: "a = [\n1]", at: at(1, 5, 4, 4), want: "a = [\n    ^"},
		"tab":            {text: "\ta = 1", at: at(1, 2, 1, 1), want: "    a = 1\n    ^"},
		"wide":           {text: `"é" = 1`, at: at(1, 7, 7, 1), want: "\"é\" = 1\n      ^"},
		"no character":   {text: "a\x00\xff b", at: at(1, 5, 4, 1), want: "a\uFFFD\uFFFD b\n    ^"},
		"hidden":         {text: `a = "secret" b`, at: at(1, 14, 13, 1), hide: []hcl.Range{at(1, 5, 4, 8)}, want: "a = (secret) b\n             ^"},
		"hidden itself":  {text: `a = "x"`, at: at(1, 5, 4, 3), hide: []hcl.Range{at(1, 5, 4, 3)}, want: "a = (secret)\n    ^^^^^^^^"},
		"inside hidden":  {text: `a = "xyz"`, at: at(1, 7, 6, 1), hide: []hcl.Range{at(1, 5, 4, 5)}, want: "a = (secret)\n    ^^^^^^^^"},
		"text":           {text: `a = "hunter2, hunter2" + b`, at: at(1, 26, 25, 1), say: "hunter2", want: "a = \"(secret), (secret)\" + b\n                           ^"},
		"short text":     {text: `a = "1"`, at: at(1, 1, 0, 1), say: "1", want: "a = \"1\"\n^"},
		"long":           {text: strings.Repeat("x", 100) + "!" + strings.Repeat("y", 200), at: at(1, 101, 100, 1), want: "…" + strings.Repeat("x", 40) + "!" + strings.Repeat("y", 118) + "…\n" + strings.Repeat(" ", 41) + "^"},
		"long, at start": {text: strings.Repeat("x", 300), at: at(1, 1, 0, 300), want: strings.Repeat("x", 160) + "…\n" + strings.Repeat("^", 161)},
	} {
		r := &Report{files: map[string]file{"x.hcl": {text: []byte(test.text)}}, hidden: test.hide}
		r.HideText(test.say)
		line, start, width, ok := r.excerpt(test.at)
		got := line + "\n" + strings.Repeat(" ", start) + strings.Repeat("^", width)
		if diff := cmp.Diff(test.want, got); diff != "" || !ok {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	r := &Report{files: map[string]file{"x.hcl": {text: []byte("a")}}}
	for _, rng := range []hcl.Range{{}, {Filename: "x.hcl"}, at(9, 1, 99, 1), {Filename: "y.hcl", Start: hcl.InitialPos}} {
		if line, _, _, ok := r.excerpt(rng); ok {
			t.Errorf("%v: %q", rng, line)
		}
	}
}

func TestOrder(t *testing.T) {
	r := &Report{}
	r.Parse("b.hcl", []byte("a = 1\n"), false)
	r.Parse("a.hcl", []byte("a = 1\n"), false)
	range1 := func(name string, line int) hcl.Range {
		return hcl.Range{Filename: name, Start: hcl.Pos{Line: line, Column: 1}}
	}
	r.Errorf(range1("a.hcl", 1), "four")
	r.Errorf(range1("b.hcl", 2), "three").Hint("").Hint("do %d", 1).Also("see", range1("a.hcl", 1))
	r.Warnf(range1("b.hcl", 1), "two")
	r.Errorf(NoPlace(""), "one")
	r.Errorf(NoPlace(""), "one").Hint("not twice")
	want := `error: one

b.hcl:1,1: warning: two

b.hcl:2,1: error: three
   = do 1
   = see at a.hcl:1,1

a.hcl:1,1: error: four

3 errors, 1 warning
`
	var lines []string // without the excerpts
	for line := range strings.Lines(r.Text(false)) {
		if !strings.Contains(line, " |") {
			lines = append(lines, strings.Replace(line, "     = ", "   = ", 1))
		}
	}
	if diff := cmp.Diff(want, strings.Join(lines, "")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"ws_server", "ws_client", "file", "url", "delay"}
	for given, want := range map[string]string{
		"ws-server": `did you mean "ws_server"?`,
		"WS_Server": `did you mean "ws_server"?`,
		"wsserver":  `did you mean "ws_server"?`,
		"ulr":       `did you mean "url"?`,
		"dealy":     `did you mean "delay"?`,
		"flie":      `did you mean "file"?`,
		"delayed":   `did you mean "delay"?`,
		"ws_serv":   `did you mean "ws_server"?`,
		"ws_srv":    `did you mean "ws_server"?`,
		"wcln":      "there are delay, file, url, ws_client and ws_server",
		"x":         "there are delay, file, url, ws_client and ws_server",
		"kafka":     "there are delay, file, url, ws_client and ws_server",
		"":          "there are delay, file, url, ws_client and ws_server",
	} {
		if got := DidYouMean(given, names); got != want {
			t.Errorf("%q: %s", given, got)
		}
	}
	if got := DidYouMeanRef("edg", "connector.", []string{"edge"}) + DidYouMeanRef("x", "a.", []string{"long"}) + DidYouMean("x", nil); got != "did you mean connector.edge?there is a.long" {
		t.Error(got)
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for path, want := range map[string]string{
		"a.hcl":                     "a.hcl",
		"./b/../a.hcl":              "a.hcl",
		filepath.Join(dir, "a.hcl"): "a.hcl",
		"/":                         "/",
	} {
		if got := ShownPath(path); got != want {
			t.Errorf("%s is shown as %s", path, got)
		}
	}
	if got := Shorten("cannot read "+dir+"/b/c.pem: no", dir+"/b"); got != "cannot read b/c.pem: no" {
		t.Error(got)
	}
	if got := Shorten("cannot read "+dir+"/c.pem: no", "."); got != "cannot read c.pem: no" {
		t.Error(got)
	}
	if err := os.WriteFile("large.hcl", make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read("large.hcl"); err == nil || err.Error() != "it is longer than 4MiB" {
		t.Errorf("a large file: %v", err)
	}
	if _, err := Read("none.hcl"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
