package flows

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/flows/source"
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

// Inputs are the values for the variables of all flows; each flow takes what
// it declares. What is later in this list wins over what is earlier: a
// variable's default, Env, VarFiles in their order, Vars in theirs.
type Inputs struct {
	Vars     []string // "name=value", as of --var
	VarFiles []string // paths of files with HCL arguments, or of .json files
	Env      []string // as os.Environ returns it; FLOWRUN_VAR_x is the variable x
}

// Load reads and checks the flows at paths, each a file or a folder. It
// returns a File for each, in the same order, and nil when the report has
// errors.
func Load(paths []string, tables Tables, in Inputs) ([]*flow.File, *Report) {
	report := &Report{}
	checks := checks{report}
	inputs := readInputs(report, in)
	var readers []*reader
	for _, path := range paths {
		r := &reader{Report: report, tables: &tables, inputs: inputs}
		if r.open(path) {
			readers = append(readers, r)
		}
	}
	readers = checks.names(readers)
	for _, r := range readers {
		r.declare()
	}
	checks.inputs(inputs, readers)
	files := make([]*flow.File, 0, len(readers))
	for _, r := range readers {
		if !r.broken {
			files = append(files, r.read())
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
	tables *Tables
	inputs *inputs

	path    string // as the user gave it
	name    string
	dir     string
	broken  bool                      // its syntax is wrong: nothing more is said about it
	misread bool                      // there are errors where components are referred to
	blocks  map[string][]source.Block // the blocks at the top, by kind, in order

	start     *hcl.EvalContext // var, local, node and the functions
	variables map[string]*variable
	locals    map[string]*local

	codecs     *catalogue[flow.CodecConfig, flow.CodecUse]
	pre, post  *catalogue[flow.ProcessorConfig, processor]
	connectors map[string]*connector
	pipelines  map[string]*pipeline
	edges      []edge
	file       *flow.File
}

// read goes through the flow once it is known that its syntax is right and
// what the variables of all flows are.
func (r *reader) read() *flow.File {
	r.file = &flow.File{Name: r.name, Dir: r.dir}
	r.setVariables()
	r.setLocals()
	r.validateVariables()
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
