package pipeline

import (
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

// Steps is the table of steps, in the order of the reference.
var Steps = slices.Concat(step.All, []flow.Spec[flow.StepConfig]{windowSpec, batchSpec})
