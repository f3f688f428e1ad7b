package preprocessors_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/preprocessors"
)

// The examples of the reference are flows that can be run, written as
// `flowrun fmt` writes them.
func TestExamples(t *testing.T) {
	tables := flows.Tables{Connectors: connectors.All, Codecs: codecs.All, Processors: preprocessors.All}
	for _, spec := range preprocessors.All {
		t.Run(spec.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "example.hcl")
			if err := os.WriteFile(path, []byte(spec.Example), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, report := flows.Load([]string{path}, tables, flows.Inputs{}); report.HasErrors() {
				t.Error(report.Text(false))
			}
			if formatted, _ := flows.Format(path, []byte(spec.Example)); string(formatted) != spec.Example {
				t.Errorf("formatted it reads\n%s", formatted)
			}
		})
	}
}
