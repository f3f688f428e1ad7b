package flows

import (
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/startup"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Report is all that is to be said about the flows of one run.
type Report = source.Report

// Tables are the components that flows may use.
type Tables struct {
	Connectors []flow.Spec[flow.ConnectorConfig]
	Codecs     []flow.Spec[flow.CodecConfig]
	Processors []flow.Spec[flow.ProcessorConfig]
	Steps      []flow.Spec[flow.StepConfig]
}

// Inputs are the values for the variables of all flows.
type Inputs = startup.Inputs

// Load reads and checks the flows at paths, each a file or a folder. It
// returns a File for each, in the same order, and nil when the report has
// errors.
func Load(paths []string, tables Tables, in Inputs) ([]*flow.File, *Report) {
	report := &Report{}
	checks := checks{report}
	given := startup.Read(report, in)
	var readers []*reader
	for _, path := range paths {
		r := &reader{Report: report, tables: &tables}
		if r.open(path) {
			r.Values = startup.New(report, functions(r.dir, given.Env))
			readers = append(readers, r)
		}
	}
	readers = checks.names(readers)
	for _, r := range readers {
		r.Declare(r.blocks["variable"])
	}
	checks.inputs(given, readers)
	files := make([]*flow.File, 0, len(readers))
	for _, r := range readers {
		if !r.broken {
			files = append(files, r.read(given))
		}
	}
	checks.claims(readers)
	if report.HasErrors() {
		return nil, report
	}
	return files, report
}

// reader reads one flow.
type reader struct {
	*Report
	*startup.Values
	tables *Tables

	path    string // as the user gave it
	name    string
	dir     string
	broken  bool                      // its syntax is wrong: nothing more is said about it
	misread bool                      // there are errors where components are referred to
	blocks  map[string][]source.Block // the blocks at the top, by kind, in order

	codecs     *catalogue[flow.CodecConfig, flow.CodecUse]
	pre, post  *catalogue[flow.ProcessorConfig, processor]
	connectors map[string]*connector
	pipelines  map[string]*pipeline
	edges      []edge
	file       *flow.File
}

// read goes through the flow once it is known that its syntax is right and
// what the variables of all flows are.
func (r *reader) read(given *startup.Given) *flow.File {
	r.file = &flow.File{Name: r.name, Dir: r.dir}
	r.Set(given, r.blocks["locals"])
	r.readShared()
	r.readPipelines()
	before := r.Errors()
	r.readConnectors()
	r.readConnects()
	r.misread = r.Errors() > before
	r.checkUse()
	r.checkCycles()
	r.checkDelivery()
	return r.file
}
