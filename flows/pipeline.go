package flows

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/runtime/flow"
)

// pipeline is a pipeline block as far as it could be read.
type pipeline struct {
	nested
	block *flow.PipelineBlock
	sound bool // all of its ports are known
	fed   bool // something can flow in
	used  bool // something refers to it
}

// Ports that every pipeline has.
var pipelinePorts = []string{"in", "out", "err"}

func (r *reader) readPipelines() {
	r.pipelines = map[string]*pipeline{}
	for _, b := range r.blocks["pipeline"] {
		name := b.labels[0]
		b.owner = "pipeline " + quote(name)
		if !r.validName(b, 0) {
			continue
		}
		if first := r.pipelines[name]; first != nil {
			r.twice(b, first.at)
			continue
		}
		p := &pipeline{nested: b, block: &flow.PipelineBlock{Name: name, At: placeOf(b.at)}}
		r.pipelines[name] = p
		r.readSteps(p)
		r.file.Pipelines = append(r.file.Pipelines, p.block)
	}
}

func (r *reader) readSteps(p *pipeline) {
	e := expected{blocks: map[string]int{}, later: slices.Concat(laterSteps, laterCommon)}
	for _, spec := range r.tables.Steps {
		e.blocks[spec.Name] = 1
	}
	before := r.count(false)
	labels := map[string]hcl.Range{}
	for _, b := range r.content(p.region, e).blocks {
		label := b.labels[0]
		b.owner = b.kind + " " + quote(label)
		if first, again := labels[label]; again {
			r.errorf(b.at, "two steps of %s are called %q", p.owner, label).also("the first is", first)
		}
		labels[label] = b.at
		for i := range r.tables.Steps {
			if r.tables.Steps[i].Name == b.kind {
				r.readStep(p, b, &r.tables.Steps[i])
			}
		}
	}
	p.sound = r.count(false) == before
}

func (r *reader) readStep(p *pipeline, b nested, spec *flow.Spec[flow.StepConfig]) {
	config := spec.Config()
	d := r.decoder()
	d.decode(b.region, nil, "", nil, laterArguments[spec.Name], config)
	if d.failed {
		return
	}
	for _, port := range config.Ports() {
		switch {
		case slices.Contains(pipelinePorts, port):
			r.errorf(b.at, "%s cannot have a port %q: every pipeline has one", b.owner, port)
		case !hclsyntax.ValidIdentifier(port):
			r.errorf(b.at, "%s: %q is no name for a port: a name is a letter, then letters, digits, _ and -", b.owner, port)
		case !slices.Contains(p.block.Ports, port):
			p.block.Ports = append(p.block.Ports, port)
		}
	}
	p.block.Steps = append(p.block.Steps, flow.StepBlock{Type: spec.Name, Label: b.labels[0], At: placeOf(b.at), Config: config})
}
