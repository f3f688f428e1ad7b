package flows

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/wiring"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// pipeline is a pipeline block as far as it could be read.
type pipeline struct {
	source.Block
	block *flowfile.PipelineBlock
	sound bool // all of its ports are known
	fed   bool // something can flow in
	used  bool // something refers to it

	passages []wiring.Passage // what its steps do to the way back
}

// Ports that every pipeline has.
var pipelinePorts = []string{"in", "out", "err"}

func (r *reader) readPipelines() {
	r.pipelines = readFamilies(r, "pipeline", 0, (*reader).readPipeline)
}

func (r *reader) readPipeline(b source.Block, name string) *pipeline {
	p := &pipeline{Block: b, block: &flowfile.PipelineBlock{Name: r.prefix + name, At: placeOf(b.At)}}
	r.whole.pipelines[p.block.Name] = p
	r.readSteps(p)
	r.whole.file.Pipelines = append(r.whole.file.Pipelines, p.block)
	return p
}

func (r *reader) readSteps(p *pipeline) {
	e := source.Expected{Noun: "step", Blocks: map[string]int{}, Arguments: []string{"for_each"}}
	for _, spec := range r.tables.Steps {
		e.Blocks[spec.Name] = 1
	}
	before := r.Errors()
	labels := map[string]hcl.Range{}
	var end source.Block // a step that hands nothing on
	told := false
	for _, b := range r.Content(p.Region, e).Blocks {
		label := b.Labels[0]
		b.Owner = b.Kind + " " + quote(label)
		if first, again := labels[label]; again {
			r.Errorf(b.At, "two steps of %s are called %q", p.Owner, label).Also("the first is", first)
		}
		labels[label] = b.At
		if end.Owner != "" && !told {
			told = true
			r.Warnf(b.At, "no event comes to %s: %s takes them all", b.Owner, end.Owner).Also("that one is", end.At)
		}
		for i := range r.tables.Steps {
			if r.tables.Steps[i].Name == b.Kind && r.readStep(p, b, &r.tables.Steps[i]) {
				end = b
			}
		}
	}
	p.sound = r.Errors() == before
}

// readStep adds a step to the pipeline, and reports whether it ends there: it
// hands nothing on.
func (r *reader) readStep(p *pipeline, b source.Block, spec *flow.Spec[flow.StepConfig]) (ends bool) {
	config := spec.Config()
	d := r.decoder()
	arguments := d.Decode(b.Region, nil, laterArguments[spec.Name], config)
	before := r.Errors()
	for _, port := range config.Ports() {
		at, ok := d.Places["port."+port]
		if !ok {
			at = b.At
		}
		switch {
		case slices.Contains(pipelinePorts, port):
			r.Errorf(at, "%s cannot have a port %q: every pipeline has one", b.Owner, port)
		case !hclsyntax.ValidIdentifier(port):
			r.Errorf(at, "%s: %q is no name for a port: a name is a letter, then letters, digits, _ and -", b.Owner, port)
		case !slices.Contains(p.block.Ports, port):
			p.block.Ports = append(p.block.Ports, port)
		}
	}
	if d.Failed || r.Errors() > before {
		return false
	}
	nowhere := flow.StepEnv{
		Label:    b.Labels[0],
		Next:     &flow.Port{},
		Port:     func(string) flow.Sink { return &flow.Port{} },
		Problems: &flow.Problems{},
	}
	if _, err := config.New(nowhere); err != nil {
		d.Refused(b.Owner, b.At, err)
		return false
	}
	p.passages = append(p.passages, wiring.PassageOf(config, arguments["meta"].Expr))
	p.block.Fingerprint = r.fingerprint(p.block.Fingerprint, spec.Name, b.Labels[0], config)
	p.block.Steps = append(p.block.Steps, flowfile.StepBlock{Type: spec.Name, Label: b.Labels[0], At: placeOf(b.At), Config: config})
	ender, ok := config.(flow.Ender)
	return ok && ender.Ends()
}
