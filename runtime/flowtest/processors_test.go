package flowtest_test

import (
	"testing"

	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

func TestProcessors(t *testing.T) {
	for _, spec := range preprocessors.All {
		t.Run(spec.Name, func(t *testing.T) { flowtest.Processor(t, spec) })
	}
}
