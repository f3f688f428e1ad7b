package connectors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/exit"
	"github.com/flowrun/flowrun/connectors/log"
	"github.com/flowrun/flowrun/connectors/metronome"
	"github.com/flowrun/flowrun/connectors/null"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

func TestTable(t *testing.T) {
	var names []string
	for _, spec := range connectors.All {
		names = append(names, spec.Name)
		if spec.Summary == "" || spec.Doc == "" || spec.Config == nil {
			t.Errorf("connector %s lacks summary, doc or config", spec.Name)
		}
		if !strings.Contains(spec.Example, `connector "`+spec.Name+`"`) {
			t.Errorf("the example of connector %s does not use it", spec.Name)
		}
		if a, b := spec.Config(), spec.Config(); a == b && spec.Name != "null" && spec.Name != "stdio" {
			t.Errorf("connector %s gives out one configuration twice", spec.Name)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("names are not unique: %q", names)
	}
}

// Connectors without a world of their own behave alike; the others have the
// suite in their own tests.
func TestConformance(t *testing.T) {
	for name, config := range map[string]flow.ConnectorConfig{
		"exit":      &exit.Config{Graceful: true},
		"log":       &log.Config{Level: "info", MaxLength: 100},
		"metronome": &metronome.Config{Interval: 3_600_000_000_000},
		"null":      &null.Config{},
	} {
		t.Run(name, func(t *testing.T) {
			flowtest.Connector(t, func(*testing.T) flow.ConnectorConfig { return config })
		})
	}
}
