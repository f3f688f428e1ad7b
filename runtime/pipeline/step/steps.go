package step

import "github.com/flowrun/flowrun/runtime/flow"

// All is the table of these steps, in the order of the reference.
var All = []flow.Spec[flow.StepConfig]{
	filterSpec,
	routeSpec,
	mapSpec,
	splitSpec,
	dedupeSpec,
	throttleSpec,
	sampleSpec,
	stateSpec,
}
