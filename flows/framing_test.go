package flows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

// A codec brings its framing along, for the directions that name no processors.
func TestFraming(t *testing.T) {
	tables := flows.Tables{Connectors: connectors.All, Codecs: codecs.All, Processors: preprocessors.All, Steps: pipeline.Steps}
	for _, test := range []struct{ connector, pre, post string }{
		{`connector "ws_server" "c" {
			url   = "127.0.0.1:1"
			codec = "json"
		}`, "", ""},
		{`connector "stdio" "c" {
			codec = "json"
		}`, "separate", "separate"},
		{`connector "stdio" "c" {
			codec         = "msgpack"
			preprocessors = []
		}`, "msgpack_stream", "msgpack_stream"},
		{`connector "ws_server" "c" {
			url   = "127.0.0.1:1"
			codec = "json_lines"
		}`, "separate", "separate"},
		{`connector "ws_server" "c" {
			url           = "127.0.0.1:1"
			codec         = "json_lines"
			preprocessors = true ? null : ["gzip"] # null is as if it were not there
		}`, "separate", "separate"},
		{`connector "ws_server" "c" {
			url            = "127.0.0.1:1"
			codec          = "json_lines"
			preprocessors  = ["gzip", "separate"]
			postprocessors = []
		}`, "gzip separate", ""},
		{`connector "ws_server" "c" {
			url   = "127.0.0.1:1"
			codec = { name = "msgpack", date_key = "date" }
		}`, "msgpack_stream", ""},
		{`connector "ws_server" "c" {
			url   = "127.0.0.1:1"
			codec = { name = "bgp", format = "exa" }
		}`, "separate", "separate"},
	} {
		path := filepath.Join(t.TempDir(), "a.hcl")
		text := test.connector + "\nconnect \"x\" {\n  from = connector.c\n  to = connector.c\n}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, report := flows.Load([]string{path}, tables, flows.Inputs{})
		if report.HasErrors() {
			t.Fatal(report.Text(false))
		}
		c := loaded[0].Connectors[0]
		names := func(uses []flow.ProcessorUse) string {
			var all []string
			for _, use := range uses {
				all = append(all, use.Type)
			}
			return strings.Join(all, " ")
		}
		if pre, post := names(c.Pre), names(c.Post); pre != test.pre || post != test.post {
			t.Errorf("%s has %q and %q, want %q and %q", test.connector, pre, post, test.pre, test.post)
		}
	}
}
