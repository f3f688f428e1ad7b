package wiring

import (
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/hashicorp/hcl/v2"
)

// stage is an instance of a pipeline: the shared one, where edge is nil, or
// the one at a position in the via of an edge.
type stage struct {
	pipeline string
	edge     *flowfile.ConnectBlock
	position int
}

// cycles reports circles of pipelines alone: an event would never leave
// them. A circle through a connector is a reply, and fine.
func (f *Flow) cycles() {
	next := f.stages()
	const visiting, done = 1, 2
	state := map[stage]int{}
	reported := map[hcl.Range]bool{}
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
				first := f.Pipelines[slices.Min(names)[len("pipeline."):]]
				if circle := strings.Join(names, " -> "); !reported[first.At] {
					reported[first.At] = true
					f.Errorf(first.At, "events would go round for ever: %s", circle).Hint("a circle must pass a connector")
				}
			case done:
			default:
				visit(n, way)
			}
		}
		state[s] = done
	}
	for _, e := range f.Edges {
		b := e.ConnectBlock
		for _, s := range entry(b) {
			if state[s] == 0 {
				visit(s, nil)
			}
		}
	}
}

// entry lists the pipeline instances that an edge leads into first.
func entry(b *flowfile.ConnectBlock) (list []stage) {
	if len(b.Via) > 0 {
		return []stage{{b.Via[0], b, 0}}
	}
	return targets(b)
}

func targets(b *flowfile.ConnectBlock) (list []stage) {
	for _, to := range b.To {
		if to.Kind == "pipeline" {
			list = append(list, stage{pipeline: to.Name})
		}
	}
	return list
}

// stages tells for each pipeline instance which ones it hands events to.
func (f *Flow) stages() map[stage][]stage {
	next := map[stage][]stage{}
	instances := map[string][]stage{}
	for name := range f.Pipelines {
		instances[name] = append(instances[name], stage{pipeline: name})
	}
	for _, e := range f.Edges {
		b := e.ConnectBlock
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
	for _, e := range f.Edges {
		b := e.ConnectBlock
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
