package wiring

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Passage is what a step does to the way back of the events that pass it.
type Passage struct {
	ports           []string
	wrote           map[string]bool
	meta, withdrawn bool // the meta, or the origins, end here
}

// PassageOf tells it from the configuration of a step, and from meta, what it
// writes into meta; nil when it writes nothing.
func PassageOf(config flow.StepConfig, meta hcl.Expression) Passage {
	p := Passage{ports: config.Ports()}
	if f, ok := config.(flow.Forgetter); ok {
		p.meta, p.withdrawn = f.Forgets()
	}
	if meta != nil {
		p.wrote = addressed(meta)
	}
	return p
}

// addressed lists the types of connectors under which meta may hold a peer.
// What is not written out may hold any.
func addressed(meta hcl.Expression) map[string]bool {
	types := map[string]bool{}
	items, diags := hcl.ExprMap(meta)
	if diags.HasErrors() {
		return map[string]bool{anyType: true}
	}
	for _, item := range items {
		name, plain := source.PlainKey(item.Key)
		if !plain {
			name = anyType
		}
		fields, diags := hcl.ExprMap(item.Value)
		if diags.HasErrors() {
			types[name] = true
		}
		for _, f := range fields {
			if field, plain := source.PlainKey(f.Key); !plain || field == "peer" && !isNull(f.Value) {
				types[name] = true
			}
		}
	}
	return types
}

func isNull(e hcl.Expression) bool {
	v, diags := e.Value(nil)
	return !diags.HasErrors() && v.IsNull()
}
