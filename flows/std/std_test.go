package std_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/flows/std"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

var tables = flows.Tables{
	Connectors: connectors.All,
	Codecs:     codecs.All,
	Processors: preprocessors.All,
	Steps:      pipeline.Steps,
}

// uses are edges that use each module as it is meant to be used, with the
// arguments that it must have. What the modules do is in tests/cli.
var uses = map[string]struct{ arguments, edges string }{
	"passthrough":         {"", `via = [module.it]`},
	"exit_on_word":        {"", `via = [module.it]`},
	"rate_limit_per_peer": {"rate = 10", `via = [module.it]`},
	"dead_letter_file":    {`path = "dead.ndjson"`, `to = [connector.edge, module.it]`},
	"dedupe_by_field":     {"", `via = [module.it]`},
	"heartbeat":           {"", `from = [connector.edge, module.it]`},
}

func TestModulesAreFlows(t *testing.T) {
	for _, name := range std.Names() {
		use, ok := uses[name]
		if !ok {
			t.Errorf("%s is used by no test", name)
		}
		edge := map[string]string{"from": "connector.edge", "to": "connector.edge"}
		argument, value, _ := strings.Cut(use.edges, " = ")
		edge[argument] = value
		text := "connector \"ws_server\" \"edge\" {\n  url = \"127.0.0.1:4242\"\n  codec = \"json\"\n}\n" +
			"module \"it\" {\n  source = \"std/" + name + "\"\n  " + use.arguments + "\n}\nconnect \"use\" {\n"
		for argument, value := range edge {
			text += "  " + argument + " = " + value + "\n"
		}
		text += "  deliver = \"broadcast\"\n}\n"
		path := filepath.Join(t.TempDir(), "flow.hcl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, report := flows.Load([]string{path}, tables, flows.Inputs{}); report.Text(false) != "" {
			t.Errorf("%s:\n%s", name, report.Text(false))
		}
	}
}

func TestModulesAreReadable(t *testing.T) {
	for _, name := range std.Names() {
		text, ok := std.Module(name)
		if !ok {
			t.Errorf("%s is listed and not there", name)
		}
		formatted, report := flows.Format(name+".hcl", text)
		if !bytes.Equal(formatted, text) {
			t.Errorf("%s is not as flowrun fmt writes it\n%s", name, report.Text(false))
		}
		if !bytes.HasPrefix(text, []byte("# ")) || !bytes.Contains(text, []byte("\nflow {\n  description = \"")) {
			t.Errorf("%s does not say what it is for", name)
		}
		for _, block := range strings.Split(string(text), "\nvariable ")[1:] {
			if body, _, _ := strings.Cut(block, "\n}"); !strings.Contains(body, "description = ") {
				t.Errorf("%s: a variable is not described: %.20s", name, block)
			}
		}
	}
	if _, ok := std.Module("../std/passthrough"); ok {
		t.Error("a path is no name")
	}
}
