package main

import (
	"testing"

	"github.com/flowrun/flowrun/flows/fingerprint"
	"github.com/flowrun/flowrun/runtime/flow"
)

// TestConfigurationsCanBeCompared: a reload can tell whether a component has
// changed.
func TestConfigurationsCanBeCompared(t *testing.T) {
	compare(t, tables.Connectors)
	compare(t, tables.Codecs)
	compare(t, tables.Processors)
	compare(t, tables.Steps)
}

func compare[C any](t *testing.T, specs []flow.Spec[C]) {
	for _, spec := range specs {
		t.Run(spec.Name, func(t *testing.T) {
			if a, b := fingerprint.Of("", spec.Config()), fingerprint.Of("", spec.Config()); a != b {
				t.Error("two configurations with the defaults differ")
			}
		})
	}
}
