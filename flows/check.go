package flows

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/startup"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// checks are those that concern several flows.
type checks struct{ *source.Report }

// names reports flows of the same name, since logs, metrics and connection ids
// could not tell them apart, and returns those that differ.
func (r checks) names(readers []*reader) (distinct []*reader) {
	first := map[string]*reader{}
	for _, f := range readers {
		other := first[f.Name]
		switch {
		case other == nil:
			first[f.Name] = f
			distinct = append(distinct, f)
		case other.Shown == f.Shown:
			r.Errorf(source.NoPlace(""), "the flow %s is given twice", f.Shown)
		default:
			r.Errorf(source.NoPlace(""), "two flows are called %q: %s and %s", f.Name, other.Shown, f.Shown).
				Hint("a flow is called like its file or folder: rename one")
			distinct = append(distinct, f)
		}
	}
	return distinct
}

// checkUse warns of what stands in these blocks to no effect.
func (r *reader) checkUse() {
	for name, f := range r.connectors {
		for _, key := range f.keys {
			if c := f.members[key]; !c.used && c.block != nil {
				r.Warnf(c.At, "nothing is connected to %s", f.spell("connector."+name, key))
			}
		}
	}
	for name, f := range r.pipelines {
		for _, key := range f.keys {
			switch p := f.members[key]; {
			case !p.used:
				r.Warnf(p.At, "nothing is connected to %s", f.spell("pipeline."+name, key))
			case !p.fed:
				r.Warnf(p.At, "nothing flows into %s", f.spell("pipeline."+name, key)).Hint("name it in to or via of a connect block")
			}
		}
	}
	for name, f := range r.modules {
		for _, key := range f.keys {
			if m := f.members[key]; !m.used && m.hasPorts() {
				r.Warnf(m.At, "nothing is connected to %s", f.spell("module."+name, key))
			}
		}
	}
	checkShared(r, r.codecs)
	checkShared(r, r.pre)
	checkShared(r, r.post)
}

func checkShared[C, U any](r *reader, c *catalogue[C, U]) {
	for name, s := range c.blocks {
		if !s.used {
			r.Warnf(s.at, "%s.%s is not used", c.kind, name)
		}
	}
}

// claims reports connectors, of one flow or of several, that want the
// same piece of the machine.
func (r checks) claims(readers []*reader) {
	type held struct {
		flow.Claim
		by *connector
		at hcl.Range
	}
	claims := map[string][]held{}
	for _, f := range readers {
		for _, block := range f.whole.file.Connectors {
			c := f.whole.connectors[block.Name]
			for _, claim := range c.shape.Claims {
				port := flowfile.PortRef{Kind: "connector", Name: block.Name, Port: claim.Port}
				if claim.Port != "" && !slices.ContainsFunc(f.whole.file.Connects, func(b *flowfile.ConnectBlock) bool {
					return slices.Contains(b.From, port) || slices.Contains(b.To, port)
				}) {
					continue
				}
				at, ok := c.places[claim.Field]
				if !ok {
					at = c.At
				}
				mine := held{claim, c, at}
				for _, other := range claims[claim.Resource] {
					if other.Part != claim.Part && other.Terms == claim.Terms {
						continue
					}
					what := source.Shorten(claim.Resource+claim.Part, ".")
					if other.Part != claim.Part {
						what = claim.Resource + " with other settings (tls, proxy_protocol)"
					}
					r.Errorf(at, "%s wants %s, which %s has already", c.title(), what, other.by.title()).Also("that one is", other.at)
					break
				}
				claims[claim.Resource] = append(claims[claim.Resource], mine)
			}
		}
	}
}

// title is how the report calls a connector of many: those of modules and of
// for_each with their full name.
func (c *connector) title() string {
	if name := c.Labels[1]; name != c.full {
		return c.Labels[0] + " " + c.full
	}
	return c.Owner
}

// inputs reports values that no flow asked for.
func (r checks) inputs(given *startup.Given, readers []*reader) {
	var declared []string
	for _, f := range readers {
		if f.Broken {
			return
		}
		declared = append(declared, f.Variables()...)
	}
	given.CheckUse(r.Report, declared)
}
