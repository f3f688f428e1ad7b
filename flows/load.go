package flows

import (
	"github.com/flowrun/flowrun/flows/folder"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/startup"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// Report is all that is to be said about the flows of one run.
type Report = source.Report

// Tables are the components that flows may use.
type Tables struct {
	Connectors []flow.Spec[flow.ConnectorConfig]
	Codecs     []flow.Spec[flow.CodecConfig]
	Processors []flow.Spec[flow.ProcessorConfig]
	Steps      []flow.Spec[flow.StepConfig]
	// Admin says what of the settings of the admin API cannot be used: a
	// *setting.Error for each argument. nil when nobody knows.
	Admin func(flowfile.Admin) error
	// Telemetry says likewise what of the settings of a collector cannot be used.
	Telemetry func(flowfile.OTLP) error
}

// Inputs are the values for the variables of all flows.
type Inputs = startup.Inputs

// Load reads and checks the flows at paths, each a file or a folder. It
// returns a File for each, in the same order, and nil when the report has
// errors.
func Load(paths []string, tables Tables, in Inputs) ([]*flowfile.File, *Report) {
	report := &Report{}
	checks := checks{report}
	given := startup.Read(report, in)
	var readers []*reader
	for _, path := range paths {
		if f := folder.Open(report, path); f != nil {
			readers = append(readers, newReader(report, f, &tables, given))
		}
	}
	readers = checks.names(readers)
	for _, r := range readers {
		r.Declare(r.Blocks["variable"])
	}
	checks.inputs(given, readers)
	files := make([]*flowfile.File, 0, len(readers))
	for _, r := range readers {
		if !r.Broken {
			r.Set(given, r.Blocks["locals"])
			r.read()
			r.whole.check()
			files = append(files, r.whole.file)
		}
	}
	checks.claims(readers)
	checks.drains(readers)
	checks.admins(readers)
	checks.collectors(readers)
	if report.HasErrors() {
		return nil, report
	}
	return files, report
}
