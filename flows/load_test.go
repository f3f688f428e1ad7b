package flows_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

// compare tells flows apart by what they do, not by where they stand.
var compare = cmp.Options{
	cmpopts.IgnoreTypes(flow.Place{}, flow.Fingerprint{}, func() flow.Codec { return nil }, func() flow.Processor { return nil }),
	cmp.Comparer(func(a, b setting.Secret) bool { return a.Reveal() == b.Reveal() }),
	cmp.Comparer(func(a, b flow.Expr) bool { return (a == nil) == (b == nil) }),
	cmpopts.EquateEmpty(),
}

func load(t *testing.T, in flows.Inputs, paths ...string) []*flowfile.File {
	t.Helper()
	files, report := flows.Load(paths, tables, in)
	if text := report.Text(false); text != "" {
		t.Fatal(text)
	}
	return files
}

// loadText loads a flow that is not in a file yet.
func loadText(t *testing.T, in flows.Inputs, text string) ([]*flowfile.File, *flows.Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return flows.Load([]string{path}, tables, in)
}

func common(change func(*flowfile.Common)) flowfile.Common {
	c := flowfile.DefaultCommon()
	if change != nil {
		change(&c)
	}
	return c
}

func processors(names ...string) (uses []flow.ProcessorUse) {
	for _, name := range names {
		uses = append(uses, flow.ProcessorUse{Type: name, Text: name != "gzip"})
	}
	return uses
}

func TestLoad(t *testing.T) {
	dir, err := filepath.Abs("testdata/good")
	if err != nil {
		t.Fatal(err)
	}
	json := flow.CodecUse{Type: "json", Text: true}
	port := func(kind, name, port string) flowfile.PortRef {
		return flowfile.PortRef{Kind: kind, Name: name, Port: port}
	}
	set := flow.Expr(anyExpr{})
	want := &flowfile.File{
		Name: "all", Description: "all there is", Dir: dir,
		Drain: flowfile.Drain{
			Delay: setting.Duration(time.Second), Spread: setting.Duration(2 * time.Second), Timeout: setting.Duration(time.Minute),
			Code: 1012, Reason: "come back", Message: `{"bye":true}`,
		},
		Connectors: []*flowfile.ConnectorBlock{
			{
				Type: "ws_server", Name: "edge", Codec: json,
				Common: common(func(c *flowfile.Common) { c.OnDecode = "drop"; c.Reconnect.MaxRetries = 3 }),
				Config: &wsServer{
					URL:        endpoint.URL{Scheme: "ws", Host: "127.0.0.1", Port: 4242, Path: "/live"},
					Backlog:    12,
					Headers:    map[string]string{"Server": "flowrun", "Twice": "ABAB"},
					Token:      setting.SecretOf("x-hunter2"),
					MaxMessage: 2 << 20,
					Utf8:       "lenient",
					Timeout:    setting.Duration(48 * time.Hour),
					Queue:      setting.Queue{MaxEvents: 5, Overflow: "drop_oldest"},
				},
				Pre:  processors("separate", "gzip", "separate"),
				Post: processors("separate"),
			},
			{
				Type: "ws_client", Name: "feed", Codec: flow.CodecUse{Type: "string", Text: true}, Common: common(nil),
				Config: &wsClient{
					URL:     endpoint.URL{Scheme: "wss", Host: "example.net", Port: 1},
					Headers: map[string]setting.Secret{"Authorization": setting.SecretOf("hunter2")},
					OnOpen:  []setting.Secret{setting.SecretOf(`{"a":1}`), setting.SecretOf("hello")},
				},
			},
			{
				Type: "file", Name: "in", Codec: json, Common: common(nil),
				Config: &file{Path: setting.Path(filepath.Join(dir, "in/a.json")), Mode: "read"},
				Pre:    processors("separate"), // implied: a file carries bytes
			},
			{
				Type: "stdio", Name: "console", Codec: json, Common: common(nil), Config: &stdio{},
				Pre:  processors("separate", "remove_empty"),
				Post: processors("separate"),
			},
			{Type: "exit", Name: "stop", Codec: json, Common: common(nil), Config: &exit{Code: 3}},
		},
		Pipelines: []*flowfile.PipelineBlock{{
			Name: "slim", Ports: []string{"exit", "rest"},
			Steps: []flowfile.StepBlock{
				{Type: "filter", Label: "some", Config: &step.Filter{Where: set}},
				{Type: "route", Label: "kind", Config: &step.Route{Mode: "first", Port: []step.RoutePort{
					{Name: "exit", Where: set}, {Name: "rest"},
				}}},
			},
		}},
		Connects: []*flowfile.ConnectBlock{
			{
				Name: "one", Via: []string{"slim", "slim"}, Where: set,
				From: []flowfile.PortRef{port("connector", "edge", "out"), port("connector", "in", "out")},
				To:   []flowfile.PortRef{port("connector", "feed", "in")},
			},
			{
				Name: "two",
				From: []flowfile.PortRef{port("pipeline", "slim", "exit")},
				To:   []flowfile.PortRef{port("connector", "stop", "in"), port("connector", "feed", "in")},
			},
			{
				Name: "three",
				From: []flowfile.PortRef{port("connector", "feed", "err"), port("pipeline", "slim", "err")},
				To:   []flowfile.PortRef{port("connector", "console", "in"), port("connector", "feed", "in")},
			},
			{
				Name: "four",
				From: []flowfile.PortRef{port("connector", "console", "out")},
				To:   []flowfile.PortRef{port("pipeline", "slim", "in")},
			},
		},
	}
	for _, name := range []string{"all.hcl", "all.hcl.json"} {
		want.Path = filepath.Join("testdata/good", name)
		files := load(t, flows.Inputs{}, filepath.Join("testdata/good", name))
		if diff := cmp.Diff(want, files[0], compare); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

type anyExpr struct{ flow.Expr }

func TestWhere(t *testing.T) {
	files := load(t, flows.Inputs{}, "testdata/good/all.hcl")
	where := files[0].Pipelines[0].Steps[0].Config.(*step.Filter).Where
	for value, want := range map[int64]bool{1: true, 2: false} {
		e := flow.Event{Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "a", Value: flow.IntOf(value)}))}
		if got, err := where.Test(&e); err != nil || got != want {
			t.Errorf("a = %d: %v, %v", value, got, err)
		}
	}
	if at := where.At(); at != "testdata/good/all.hcl:71,13-25" {
		t.Errorf("At: %s", at)
	}
	if at := files[0].Connectors[0].At; at != (flow.Place{File: "testdata/good/all.hcl", Line: 26}) {
		t.Errorf("place of a connector: %v", at)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.hcl":       `connector "exit" "a" {}`,
		"b.hcl":       "connector \"stdio\" \"b\" {\n codec = \"json\"\n}",
		"c.hcl.json":  `{"connect": {"c": {"from": "connector.b", "to": "connector.a"}}}`,
		"d.test.hcl":  `test "x" {}`,
		"notes.json":  `{}`,
		"expected.md": ``,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := load(t, flows.Inputs{}, dir)[0]
	if f.Name != filepath.Base(dir) || f.Dir != dir || len(f.Connectors) != 2 || len(f.Connects) != 1 {
		t.Errorf("%+v", f)
	}
}

func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"one.hcl": "code = 3", "two.hcl": "code = 4", "three.json": `{"code": 5}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	const text = `
variable "code" {
  type    = number
  default = 1
}
connector "exit" "a" {
  code = var.code
}
connector "stdio" "b" {
  codec = "json"
}
connect "c" {
  from = connector.b
  to   = connector.a
}
`
	env := []string{"FLOWRUN_VAR_code=2", "FLOWRUN_VAR_other=9", "HOME=/"}
	for want, in := range map[int]flows.Inputs{
		1: {Env: []string{"CODE=7"}},
		2: {Env: env},
		3: {Env: env, VarFiles: []string{file("two.hcl"), file("one.hcl")}},
		4: {Env: env, VarFiles: []string{file("one.hcl"), file("two.hcl")}},
		5: {VarFiles: []string{file("one.hcl"), file("three.json")}},
		6: {Env: env, VarFiles: []string{file("one.hcl")}, Vars: []string{"code=6"}},
		8: {Vars: []string{"code=6", "code=8"}},
	} {
		files, report := loadText(t, in, text)
		if s := report.Text(false); s != "" {
			t.Fatal(s)
		}
		if got := files[0].Connectors[0].Config.(*exit).Code; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

// TestStartUpExpressions evaluates expressions in the place of a header.
func TestStartUpExpressions(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": "text\n", "t.tmpl": "%{for n in names}${upper(n)} %{endfor}!"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := flows.Inputs{
		Env:  []string{"NAME=value", "EMPTY="},
		Vars: []string{`list=["a", "b"]`, `object={ port = 1, hosts = ["x"] }`, "text=1e3", "on=true"},
	}
	for expr, want := range map[string]string{
		`var.text`:                 "1e3",
		`var.object.port + 1`:      "2",
		`var.object.name`:          "anonymous",
		`join("-", var.list)`:      "a-b",
		`var.on ? "yes" : "no"`:    "yes",
		`env("NAME")`:              "value",
		`env("NONE", "other")`:     "other",
		`env("NONE", 5) + 1`:       "6",
		`env("EMPTY", "x")`:        "",
		`trimspace(file("a.txt"))`: "text",
		`fileexists("a.txt")`:      "true",
		`fileexists("b.txt")`:      "false",
		`templatefile("t.tmpl", { names = ["a", "b"] })`: "A B !",
		`replace("a1b2", "/[0-9]/", "#")`:                "a#b#",
		`replace("a.b", ".", "-")`:                       "a-b",
		`length("日本")`:                                   "2",
		`length({ a = 1 })`:                              "1",
		`length(var.list)`:                               "2",
		`startswith("abc", "ab") && endswith("abc", "bc") && strcontains("abc", "b")`: "true",
		`sha256("")`:                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		`md5("")`:                           "d41d8cd98f00b204e9800998ecf8427e",
		`sha1("")`:                          "da39a3ee5e6b4b0d3255bfef95601890afd80709",
		`base64decode(base64encode("abc"))`: "abc",
		`urlencode("a b&c")`:                "a+b%26c",
		`jsonencode({ b = 1, a = [true, null] })`:              `{"a":[true,null],"b":1}`,
		`tostring(try(local.none.x, 7))`:                       "7",
		`can(local.none.x)`:                                    "false",
		`[for i, l in local.loop : "${i}${l}" if l != "b"][0]`: "0a",
		`[for l in local.loop : l][1]`:                         "b",
		`reverse(["a", "b"])[0]`:                               "b",
		`node.name != ""`:                                      "true",
		`merge({ a = 1 }, { b = 2 }).b`:                        "2",
		`formatdate("YYYY", "2020-01-02T03:04:05Z")`:           "2020",
	} {
		path := filepath.Join(dir, "x.hcl")
		text := `
variable "list" {
  type = list(string)
}
variable "object" {
  type = object({ port = number, hosts = set(string), name = optional(string, "anonymous") })
}
variable "text" {}
variable "on" {
  type = bool
}
locals {
  loop = var.list
  none = {}
}
connector "ws_server" "a" {
  url     = "127.0.0.1:1"
  codec   = "json"
  headers = { X = ` + expr + ` }
}
connect "a" {
  from = connector.a
  to   = connector.a
}
`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files, report := flows.Load([]string{path}, tables, in)
		if files == nil {
			t.Errorf("%s:\n%s", expr, report.Text(false))
			continue
		}
		if got := files[0].Connectors[0].Config.(*wsServer).Headers["X"]; got != want {
			t.Errorf("%s = %q, want %q", expr, got, want)
		}
	}
}

// TestSecretsStaySecret looks for a value, and for what was made of it.
func TestSecretsStaySecret(t *testing.T) {
	_, report := loadText(t, flows.Inputs{Vars: []string{"token=hunter2hunter2"}}, `
variable "token" {
  sensitive = true
}
locals {
  derived = upper(var.token)
}
connector "exit" "a" {
  delay = local.derived
  code  = "x${local.derived}"
}
connector "file" "b" {
  path  = "hunter2hunter2"
  mode  = local.derived
  codec = local.derived
}
`)
	for _, text := range []string{report.Text(false), report.Text(true), string(report.JSON())} {
		if !strings.Contains(text, "sensitive") || strings.Contains(strings.ToLower(text), "hunter2") {
			t.Errorf("a secret is out:\n%s", text)
		}
	}
}

// TestByteOrderMark: a mark before the text is no part of it.
func TestByteOrderMark(t *testing.T) {
	_, report := loadText(t, flows.Inputs{}, "\uFEFFconnector \"exit\" \"a\" {}\n")
	want := "x.hcl:1,1-21: warning: nothing is connected to connector.a\n   1 | connector \"exit\" \"a\" {}\n     | ^^^^^^^^^^^^^^^^^^^^\n\nno errors, 1 warning\n"
	_, got, _ := strings.Cut(report.Text(false), "x.hcl")
	if diff := cmp.Diff(want, "x.hcl"+got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReportForms(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	text := "connector \"exit\" \"a\" {\n  cod = 1\n}\n"
	if err := os.WriteFile("x.hcl", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, report := flows.Load([]string{filepath.Join(dir, "x.hcl"), "none.hcl"}, tables, flows.Inputs{})
	wantJSON := `[
  {
    "severity": "error",
    "summary": "cannot read the flow none.hcl: no such file or directory"
  },
  {
    "severity": "error",
    "file": "x.hcl",
    "range": {
      "start": {
        "line": 2,
        "column": 3,
        "byte": 25
      },
      "end": {
        "line": 2,
        "column": 6,
        "byte": 28
      }
    },
    "summary": "exit \"a\" has no argument \"cod\"",
    "detail": "did you mean \"code\"?"
  }
]
`
	if diff := cmp.Diff(wantJSON, string(report.JSON())); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	coloured := report.Text(true)
	plain := coloured
	for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[34m"} {
		plain = strings.ReplaceAll(plain, code, "")
	}
	if diff := cmp.Diff(report.Text(false), plain); diff != "" || plain == coloured {
		t.Errorf("colours change the text (-without +with):\n%s", diff)
	}
	if good := new(flows.Report); good.HasErrors() || good.Text(false) != "" || string(good.JSON()) != "[]\n" {
		t.Errorf("an empty report: %q, %s", good.Text(false), good.JSON())
	}
}

func TestFormat(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"a.hcl", "connector \"x\"   \"y\" {\na=1\n  bcd = [ 1,2 ]\n}", "connector \"x\" \"y\" {\n  a   = 1\n  bcd = [1, 2]\n}"},
		{"a.hcl", "\uFEFFa=1\n", "a = 1\n"},
		{"a.hcl.json", "\uFEFF{}", "{}\n"},
		{"a.hcl.json", `{"b":[1,{}],"a":1e3}`, "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": 1e3\n}\n"},
	} {
		got, report := flows.Format(test.name, []byte(test.in))
		if diff := cmp.Diff(test.want, string(got)); diff != "" || report.HasErrors() {
			t.Errorf("%s (-want +got):\n%s%s", test.name, diff, report.Text(false))
		}
	}
	for name, text := range map[string]string{"a.hcl": "a = {", "a.hcl.json": "{"} {
		if got, report := flows.Format(name, []byte(text)); got != nil || !report.HasErrors() {
			t.Errorf("%s: wrong syntax is formatted: %q", name, got)
		}
	}
}

func seeds(f *testing.F) {
	f.Helper()
	for _, pattern := range []string{"testdata/*.txtar", "testdata/graphs/*.txtar", "testdata/good/*", "examples/*.hcl", "std/*.hcl"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for _, part := range bytes.Split(text, []byte("\n-- ")) {
				if _, body, ok := bytes.Cut(part, []byte(" --\n")); ok {
					part = body
				}
				f.Add(part, bytes.HasPrefix(bytes.TrimSpace(part), []byte("{")))
			}
		}
	}
}

// FuzzLoad: whatever stands in a file, it is read or reported.
func FuzzLoad(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte, json bool) {
		path := filepath.Join(t.TempDir(), "x.hcl")
		if json {
			path += ".json"
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		files, report := flows.Load([]string{path}, tables, flows.Inputs{})
		if report.HasErrors() != (files == nil) || report.HasErrors() != strings.Contains(report.Text(false), "error: ") {
			t.Errorf("%d files and:\n%s", len(files), report.Text(false))
		}
		report.JSON()
	})
}

// FuzzFormat: what is formatted is formatted.
func FuzzFormat(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte, json bool) {
		name := "x.hcl"
		if json {
			name += ".json"
		}
		once, report := flows.Format(name, text)
		if once == nil {
			if !report.HasErrors() {
				t.Fatal("neither text nor errors")
			}
			return
		}
		twice, report := flows.Format(name, once)
		if !bytes.Equal(once, twice) {
			t.Errorf("%q becomes %q, then %q\n%s", text, once, twice, report.Text(false))
		}
	})
}
