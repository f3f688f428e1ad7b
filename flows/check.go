package flows

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/runtime/flow"
)

// checkNames reports flows of the same name: logs, metrics and connection ids
// could not tell them apart.
func (r *Report) checkNames(readers []*reader) {
	first := map[string]*reader{}
	for _, f := range readers {
		other := first[f.name]
		switch {
		case other == nil:
			first[f.name] = f
		case other.path == f.path:
			r.errorf(noPlace(""), "the flow %s is given twice", f.path)
		default:
			r.errorf(noPlace(""), "two flows are called %q: %s and %s", f.name, other.path, f.path).
				hint("a flow is called like its file or folder: rename one")
		}
	}
}

// checkUse warns of what stands in the flow to no effect.
func (r *reader) checkUse() {
	for _, c := range r.connectors {
		if !c.used && c.block != nil {
			r.warnf(c.at, "nothing is connected to connector.%s", c.block.Name)
		}
	}
	for name, p := range r.pipelines {
		switch {
		case !p.used:
			r.warnf(p.at, "nothing is connected to pipeline.%s", name)
		case !p.fed:
			r.warnf(p.at, "nothing flows into pipeline.%s", name).hint("name it in to or via of a connect block")
		}
	}
	checkShared(r, r.codecs)
	checkShared(r, r.pre)
	checkShared(r, r.post)
}

func checkShared[C, U any](r *reader, c *catalogue[C, U]) {
	for name, s := range c.blocks {
		if !s.used {
			r.warnf(s.at, "%s.%s is not used", c.kind, name)
		}
	}
}

// stage is an instance of a pipeline: the shared one, where edge is nil, or
// the one at a position in the via of an edge.
type stage struct {
	pipeline string
	edge     *flow.ConnectBlock
	position int
}

// checkCycles reports circles of pipelines alone: an event would never leave
// them. A circle through a connector is a reply, and fine.
func (r *reader) checkCycles() {
	next := r.stages()
	const visiting, done = 1, 2
	state := map[stage]int{}
	reported := map[string]bool{}
	var visit func(s stage, way []stage)
	visit = func(s stage, way []stage) {
		way = append(way, s)
		state[s] = visiting
		for _, n := range next[s] {
			switch state[n] {
			case visiting:
				names := []string{}
				for _, w := range append(way[slices.Index(way, n):], n) {
					names = append(names, "pipeline."+w.pipeline)
				}
				first := r.pipelines[slices.Min(names)[len("pipeline."):]]
				if circle := strings.Join(names, " -> "); !reported[first.block.Name] {
					reported[first.block.Name] = true
					r.errorf(first.at, "events would go round for ever: %s", circle).hint("a circle must pass a connector")
				}
			case done:
			default:
				visit(n, way)
			}
		}
		state[s] = done
	}
	for _, b := range r.file.Connects {
		for _, s := range entry(b) {
			if state[s] == 0 {
				visit(s, nil)
			}
		}
	}
}

// entry lists the pipeline instances that an edge leads into first.
func entry(b *flow.ConnectBlock) (list []stage) {
	if len(b.Via) > 0 {
		return []stage{{b.Via[0], b, 0}}
	}
	return targets(b)
}

func targets(b *flow.ConnectBlock) (list []stage) {
	for _, to := range b.To {
		if to.Kind == "pipeline" {
			list = append(list, stage{pipeline: to.Name})
		}
	}
	return list
}

// stages tells for each pipeline instance which ones it hands events to.
func (r *reader) stages() map[stage][]stage {
	next := map[stage][]stage{}
	instances := map[string][]stage{}
	for name := range r.pipelines {
		instances[name] = append(instances[name], stage{pipeline: name})
	}
	for _, b := range r.file.Connects {
		for i, name := range b.Via {
			s := stage{name, b, i}
			instances[name] = append(instances[name], s)
			if i+1 < len(b.Via) {
				next[s] = append(next[s], stage{b.Via[i+1], b, i + 1})
			} else {
				next[s] = append(next[s], targets(b)...)
			}
		}
	}
	for _, b := range r.file.Connects {
		for _, from := range b.From {
			switch {
			case from.Kind != "pipeline":
			case from.Port == "out": // that of the shared instance only
				s := stage{pipeline: from.Name}
				next[s] = append(next[s], entry(b)...)
			default:
				for _, s := range instances[from.Name] {
					next[s] = append(next[s], entry(b)...)
				}
			}
		}
	}
	return next
}

// checkClaims reports connectors, of one flow or of several, that want the
// same piece of the machine.
func (r *Report) checkClaims(readers []*reader) {
	type held struct {
		flow.Claim
		by *connector
		at hcl.Range
	}
	claims := map[string][]held{}
	for _, f := range readers {
		if f.file == nil {
			continue
		}
		for _, block := range f.file.Connectors {
			c := f.connectors[block.Name]
			for _, claim := range c.shape.Claims {
				at, ok := c.places[claim.Field]
				if !ok {
					at = c.at
				}
				mine := held{claim, c, at}
				for _, other := range claims[claim.Resource] {
					if other.Part != claim.Part && other.Terms == claim.Terms {
						continue
					}
					what := strings.TrimSpace(claim.Resource + claim.Part)
					if other.Part != claim.Part {
						what = claim.Resource + " with other settings (TLS)"
					}
					r.errorf(at, "%s wants %s, which %s has already", c.owner, what, other.by.owner).also("that one is", other.at)
					break
				}
				claims[claim.Resource] = append(claims[claim.Resource], mine)
			}
		}
	}
}
