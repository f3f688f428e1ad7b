package reference

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

// tables are those of the command.
var tables = flows.Tables{
	Connectors: connectors.All,
	Codecs:     codecs.All,
	Processors: preprocessors.All,
	Steps:      pipeline.Steps,
}

// TestPagesAreFresh compares the pages of the reference in the repository with
// what the code says now.
func TestPagesAreFresh(t *testing.T) {
	all := Of(tables)
	for _, p := range pages {
		text, err := os.ReadFile(filepath.Join("../../../..", filepath.FromSlash(p.path)))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(text), p.markdown(all)); diff != "" {
			t.Errorf("%s is stale (-page +code); write it with `go run ./cmd/flowrun doc --write .`\n%s", p.path, diff)
		}
	}
}

// TestReferenceIsComplete wants every component and argument explained.
func TestReferenceIsComplete(t *testing.T) {
	for _, c := range Of(tables) {
		what := c.Kind + " " + c.Name
		if c.Kind == "function" || c.Kind == "aggregate" {
			functionIsComplete(t, c)
			continue
		}
		if c.Kind == "module" {
			c.Example = `source = "std/` + c.Name + ` "` // all are used alike
		}
		for part, text := range map[string]string{"summary": c.Summary, "documentation": c.Doc, "example": strings.TrimSpace(c.Example)} {
			if text == "" {
				t.Errorf("%s has no %s", what, part)
			}
		}
		if !strings.Contains(c.Example, `"`+c.Name+`"`) && !strings.Contains(c.Example, c.Name+` "`) && !strings.Contains(c.Example, c.Name+" {") {
			t.Errorf("the example of %s does not use it:\n%s", what, c.Example)
		}
		for _, a := range c.Arguments {
			if a.Doc == "" {
				t.Errorf("%s: argument %s is not explained", what, a.Name)
			}
			if a.Type == "" {
				t.Errorf("%s: argument %s has no type", what, a.Name)
			}
		}
	}
	for _, a := range commonArguments() {
		if a.Doc == "" || a.Type == "" {
			t.Errorf("common argument %s is not explained", a.Name)
		}
	}
}

func functionIsComplete(t *testing.T, c Component) {
	if c.Summary == "" || c.Group == "" == (c.Kind == "function") || len(c.Calls) == 0 {
		t.Errorf("%s is not explained: %+v", c.Name, c)
	}
	for _, e := range c.Calls {
		if !strings.Contains(e.Call, c.Name+"(") || e.Result == "" == (c.Kind == "function") {
			t.Errorf("the example of %s does not use it: %+v", c.Name, e)
		}
	}
}

// TestConnectIsWhole: what is told of connect by hand is what is read.
func TestConnectIsWhole(t *testing.T) {
	var told []string
	for _, a := range connectArguments {
		told = append(told, a.Name)
	}
	if diff := cmp.Diff(flows.ConnectArguments, told); diff != "" {
		t.Errorf("the arguments of connect (-read +told):\n%s", diff)
	}
}
