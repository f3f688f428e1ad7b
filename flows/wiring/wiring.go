// Package wiring looks at a flow as a whole, when all of its edges are known: for
// circles that events would never leave, and for replies that have nowhere to
// go. It finds what no single block can be blamed for.
//
//	cycles    circles of pipelines alone
//	delivery  who gets an event, edge by edge, and what about that has no effect
//	arrivals  from which connections events can come to a place
//	passage   what a step does to the way back of an event
package wiring

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// Flow is what is connected to what, by the full names of a [flowfile.File].
type Flow struct {
	*source.Report
	Connectors map[string]Connector
	Pipelines  map[string]Pipeline
	Edges      []Edge
}

// Connector is what matters of a connector.
type Connector struct {
	Type  string
	Shape flow.Shape
	Sound bool // its configuration is right, so that Shape means something
}

// Pipeline is what matters of a pipeline.
type Pipeline struct {
	At       hcl.Range
	Passages []Passage // what its steps do, in their order
}

// End is a port that an edge starts from or leads to.
type End struct {
	flowfile.PortRef
	At   hcl.Range
	Text string // as it is written, without a port that goes without saying
}

// Edge is a connect block, or a part of one between two modules in its via.
type Edge struct {
	*flowfile.ConnectBlock
	Sources, Targets []End                      // From and To, and where they stand
	Before           []End                      // the from of the block, in a part behind a module
	Within           string                     // what it was found in: see Report.Within
	Arguments        map[string]source.Argument // of the block, where the part has any
}

// Check reports what is wrong. With an edge missing, because there are problems
// where components are referred to, complete is false: then only circles can be
// told.
func (f *Flow) Check(complete bool) {
	f.cycles()
	if complete {
		f.delivery()
	}
}
