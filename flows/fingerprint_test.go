package flows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/flows/fingerprint"
	"github.com/flowrun/flowrun/runtime/flow"
)

const printed = `
variable "limit" {
  type    = number
  default = 5
}
variable "token" {
  type      = string
  default   = "hunter2"
  sensitive = true
}
locals {
  names = { a = "alice" }
}
connector "ws_server" "edge" {
  url     = "127.0.0.1:4242"
  codec   = "json"
  token   = var.token
  headers = { a = "1", b = "2" }
  topics {
    subscribe = event.join
  }
}
connector "file" "out" {
  path  = "out.json"
  mode  = "append"
  codec = "json"
}
pipeline "p" {
  filter "few" {
    where = (event.n < var.limit || event.name == local.names.a) && event.tags[0] != "x"
  }
  map "m" {
    event = { n = event.n, all = [for t in event.tags : upper(t) if t != ""], who = "${event.name}!" }
  }
}
connect "c" {
  from  = connector.edge
  via   = [pipeline.p]
  where = event.kind == "k"
  to    = connector.out
}
connect "d" {
  from    = connector.edge
  to      = connector.edge
  deliver = "topic"
  topic   = event.symbol
}
`

// prints are the fingerprints of a flow by what has them.
func prints(t *testing.T, in flows.Inputs, path string) map[string]flow.Fingerprint {
	t.Helper()
	files, report := flows.Load([]string{path}, tables, in)
	if report.HasErrors() {
		t.Fatal(report.Text(false))
	}
	all := map[string]flow.Fingerprint{}
	for _, c := range files[0].Connectors {
		all["connector."+c.Name] = c.Fingerprint
	}
	for _, p := range files[0].Pipelines {
		all["pipeline."+p.Name] = p.Fingerprint
	}
	for _, c := range files[0].Connects {
		all["connect."+c.Name] = c.Fingerprint
	}
	return all
}

func printsOf(t *testing.T, text string, in flows.Inputs) map[string]flow.Fingerprint {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return prints(t, in, path)
}

// TestFingerprints: what is written otherwise is the same, what does something
// else is not.
func TestFingerprints(t *testing.T) {
	before := printsOf(t, printed, flows.Inputs{})
	for _, c := range []struct {
		name, old, new string
		in             flows.Inputs
		changes        string // what has another fingerprint
	}{
		{name: "comments and layout", old: `pipeline "p" {`, new: "# what it does\npipeline \"p\" {\n\n"},
		{name: "comments in expressions", old: `|| event.name`, new: "|| /* or so */ event . name"},
		{name: "parentheses", old: `event.tags[0] != "x"`, new: `((event.tags[0]) != "x")`},
		{name: "an index spelled as a key", old: `event.kind`, new: `event["kind"]`},
		{name: "a quoted key", old: `{ n = event.n`, new: `{ "n" = event.n`},
		{name: "lines in an object", old: `event.n, all`, new: "event.n\n all"},
		{name: "a default that is given", old: `codec   = "json"`, new: "codec = { name = \"json\" }\n max_message = \"1MiB\"\n on_decode_error = \"err\""},
		{name: "another spelling of a value", old: `codec   = "json"`, new: "codec = \"json\"\n max_message = \"1024KiB\""},
		{name: "the order of keys", old: `{ a = "1", b = "2" }`, new: `{ b = "2", a = "1" }`},
		{name: "a value instead of its name", old: `var.limit ||`, new: `(4 + 1) ||`},
		{name: "a variable that has the same value", in: flows.Inputs{Vars: []string{"limit=5.0"}}},
		{name: "another description", old: `variable "limit" {`, new: "variable \"limit\" {\n description = \"at most\""},

		{name: "another value of a variable", in: flows.Inputs{Vars: []string{"limit=6"}}, changes: "pipeline.p"},
		{name: "another value of a local", old: `"alice"`, new: `"bob"`, changes: "pipeline.p"},
		{name: "another secret", in: flows.Inputs{Vars: []string{"token=hunter3"}}, changes: "connector.edge"},
		{name: "another operator", old: `event.n <`, new: `event.n <=`, changes: "pipeline.p"},
		{name: "another field", old: `event.tags[0]`, new: `event.tags[1]`, changes: "pipeline.p"},
		{name: "another function", old: `upper(`, new: `lower(`, changes: "pipeline.p"},
		{name: "a condition less", old: ` if t != ""`, new: ``, changes: "pipeline.p"},
		{name: "another label", old: `"few"`, new: `"some"`, changes: "pipeline.p"},
		{name: "another key", old: `{ n = event.n`, new: `{ m = event.n`, changes: "pipeline.p"},
		{name: "another text", old: `}!"`, new: `}?"`, changes: "pipeline.p"},
		{name: "another port", old: `4242`, new: `4243`, changes: "connector.edge"},
		{name: "another header", old: `b = "2"`, new: `b = "3"`, changes: "connector.edge"},
		{name: "another codec", old: `codec   = "json"`, new: `codec = "string"`, changes: "connector.edge"},
		{name: "a processor more", old: `codec   = "json"`, new: "codec = \"json\"\n preprocessors = [\"remove_empty\"]", changes: "connector.edge"},
		{name: "a common argument", old: `codec   = "json"`, new: "codec = \"json\"\n required = false", changes: "connector.edge"},
		{name: "another path", old: `out.json`, new: `other.json`, changes: "connector.out"},
		{name: "another condition", old: `event.kind == "k"`, new: `event.kind == "l"`, changes: "connect.c"},
		{name: "another policy", old: `where = event.kind`, new: "best_effort = true\n where = event.kind", changes: "connect.c"},
		{name: "another topic", old: `event.symbol`, new: `event.name`, changes: "connect.d"},
		{name: "another way to subscribe", old: `event.join`, new: `event.name`, changes: "connector.edge"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := replaceOnce(t, printed, c.old, c.new)
			after := printsOf(t, text, c.in)
			for what, print := range before {
				if changed := after[what] != print; changed != (what == c.changes) {
					t.Errorf("%s changed: %v", what, changed)
				}
			}
		})
	}
}

// TestVolatile: what is computed anew for each event is not a value of the start.
func TestVolatile(t *testing.T) {
	text := `
connector "file" "out" {
  path  = "out.json"
  mode  = "append"
  codec = "json"
}
connector "file" "in" {
  path  = "in.json"
  mode  = "read"
  codec = "json"
}
pipeline "p" {
  map "m" {
    event = { id = uuid(), at = now(), n = event.n }
  }
}
connect "c" {
  from = connector.in
  via  = [pipeline.p]
  to   = connector.out
}
`
	if a, b := printsOf(t, text, flows.Inputs{}), printsOf(t, text, flows.Inputs{}); a["pipeline.p"] != b["pipeline.p"] {
		t.Error("a flow differs from itself")
	}
}

// TestFingerprintsOfJSON: both syntaxes say the same.
func TestFingerprintsOfJSON(t *testing.T) {
	native := printsOf(t, `
connector "file" "in" {
  path  = "in.json"
  mode  = "read"
  codec = "json"
}
connector "file" "out" {
  path  = "out.json"
  mode  = "append"
  codec = "json"
}
connect "c" {
  from  = connector.in
  where = event.n > 1
  to    = connector.out
}
`, flows.Inputs{})
	path := filepath.Join(t.TempDir(), "x.hcl.json")
	if err := os.WriteFile(path, []byte(`{
  "connector": {"file": {
    "in":  {"path": "in.json", "mode": "read", "codec": "json"},
    "out": {"path": "out.json", "mode": "append", "codec": "json"}}},
  "connect": {"c": {"from": "connector.in", "where": "${event.n > 1}", "to": "connector.out"}}
}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, print := range prints(t, flows.Inputs{}, path) {
		if native[what] != print {
			t.Errorf("%s differs", what)
		}
	}
}

func replaceOnce(t *testing.T, text, old, with string) string {
	t.Helper()
	if old == "" {
		return text
	}
	before, after, found := strings.Cut(text, old)
	if !found {
		t.Fatalf("%q is not in the flow", old)
	}
	return before + with + after
}

// TestFingerprintNeedsValues: a configuration that cannot be compared is found
// at once.
func TestFingerprintNeedsValues(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a function was taken for a value")
		}
	}()
	fingerprint.Of("", struct {
		F func() `hcl:"f"`
	}{func() {}})
}
