package flows

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/flows/folder"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/startup"
	"github.com/flowrun/flowrun/flows/wiring"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// whole is a flow with the modules in it, as far as it could be read. All names
// in it are full: "store" of the module audit is "audit.store".
type whole struct {
	*source.Report
	file       *flowfile.File
	connectors map[string]*connector
	pipelines  map[string]*pipeline
	edges      []wiring.Edge
	folders    map[string]*folder.Folder // of modules, by source
	parts      int                       // instances of blocks so far
	misread    bool                      // there are errors where components are referred to
	drainAt    hcl.Range                 // of the block drain
	adminAt    hcl.Range                 // of the block admin
	reportsAt  hcl.Range                 // of the block telemetry
}

func newWhole(report *source.Report) *whole {
	return &whole{Report: report, file: &flowfile.File{Drain: flowfile.DefaultDrain()}, connectors: map[string]*connector{}, pipelines: map[string]*pipeline{}, folders: map[string]*folder.Folder{}}
}

// reader reads the blocks of a flow, or of one use of a module, into a whole.
// Names in it are local.
type reader struct {
	*startup.Values
	*folder.Folder
	whole  *whole
	tables *Tables
	env    map[string]string

	prefix string           // of full names: "audit."
	title  string           // what the report calls a use of a module; "" for the flow itself
	above  []*folder.Folder // the folders around this one

	codecs     *catalogue[flow.CodecConfig, codec]
	pre, post  *catalogue[flow.ProcessorConfig, processor]
	connectors map[string]*family[*connector]
	pipelines  map[string]*family[*pipeline]
	modules    map[string]*family[*module]

	inputs, outputs map[string][]wiring.End // of a module, by port
}

// newReader returns the reader of a flow.
func newReader(report *source.Report, f *folder.Folder, tables *Tables, given *startup.Given) *reader {
	r := &reader{
		Values: startup.New(report, f.Dir, given.Env),
		Folder: f,
		whole:  newWhole(report),
		tables: tables,
		env:    given.Env,
	}
	r.whole.file.Name, r.whole.file.Path, r.whole.file.Dir = f.Name, f.Shown, f.Dir
	return r
}

// read goes through the blocks once the variables have their values.
func (r *reader) read() {
	r.readSettings()
	r.readShared()
	r.readPipelines()
	before := r.Errors()
	r.readConnectors()
	r.readModules()
	r.readConnects()
	r.readUnused()
	r.readPorts()
	if r.Errors() > before {
		r.whole.misread = true
		return
	}
	r.checkUse()
}

// check looks at what concerns the flow as a whole.
func (w *whole) check() {
	f := &wiring.Flow{Report: w.Report, Connectors: map[string]wiring.Connector{}, Pipelines: map[string]wiring.Pipeline{}, Edges: w.edges}
	for name, c := range w.connectors {
		if c.block != nil {
			f.Connectors[name] = wiring.Connector{Type: c.block.Type, Shape: c.shape, Sound: c.sound}
		}
	}
	for name, p := range w.pipelines {
		f.Pipelines[name] = wiring.Pipeline{At: p.At, Passages: p.passages}
	}
	f.Check(!w.misread)
	if len(f.Connectors)+len(f.Pipelines) == 0 && !w.HasErrors() {
		w.Warnf(source.NoPlace(""), "the flow %s has nothing to run: there is no connector in it", w.file.Name)
	}
}
