package flows

import (
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/wiring"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// resolve finds the ports that a reference means and checks that they are there
// on that side.
func (r *reader) resolve(ref reference, argument string) (list []wiring.End) {
	switch ref.kind {
	case "connector":
		eachOf(r, ref, r.connectors, func(c *connector, text string) {
			c.used = true
			if r.checkPort(ref, argument, text, connectorPorts(c.shape, argument), c.sound, c) {
				list = append(list, ref.end(c.full, text, argument))
			}
		})
	case "pipeline":
		eachOf(r, ref, r.pipelines, func(p *pipeline, text string) {
			p.used = true
			p.fed = p.fed || argument != "from"
			if r.checkPort(ref, argument, text, pipelineSide(p.block.Ports, argument), p.sound, nil) {
				list = append(list, ref.end(p.block.Name, text, argument))
			}
		})
	case "module":
		eachOf(r, ref, r.modules, func(m *module, text string) {
			m.used = true
			if r.checkPort(ref, argument, text, m.ports(argument), m.folder != nil, nil) {
				list = append(list, standFor(wiring.End{At: ref.at, Text: ref.spell(text, argument)}, m.ends(ref.port, argument))...)
			}
		})
	}
	return list
}

// end is the port of the component with the full name.
func (f reference) end(full, component, argument string) wiring.End {
	return wiring.End{PortRef: flowfile.PortRef{Kind: f.kind, Name: full, Port: f.port}, At: f.at, Text: f.spell(component, argument)}
}

// spell adds the port to the text of a component where one would write it.
func (f reference) spell(component, argument string) string {
	if f.port == defaultPort(argument) {
		return component
	}
	return component + "." + f.port
}

// eachOf calls use for the instances that a reference means, with their
// spelling, or reports that there are none.
func eachOf[T any](r *reader, ref reference, families map[string]*family[T], use func(member T, text string)) {
	text := ref.kind + "." + ref.name
	f := families[ref.name]
	switch {
	case f == nil:
		r.nothingCalled(ref, sortedNames(families))
	case !f.sound:
	case !f.keyed && (ref.all || ref.key != nil):
		r.Errorf(ref.at, "%s has no for_each, so there is only one", text).Hint("write %s", text)
	case !f.keyed:
		use(f.members[""], text)
	case ref.all:
		for _, key := range f.keys {
			use(f.members[key], f.spell(text, key))
		}
	case ref.key == nil:
		key := "<key>"
		if len(f.keys) > 0 {
			key = quote(f.keys[0])
		}
		r.Errorf(ref.at, "%s has for_each: say which instance is meant", text).Hint("write %s[%s] for one, %s[*] for all", text, key, text)
	default:
		v, ok := r.Evaluate(ref.key, "the index of a reference")
		if !ok {
			return
		}
		key, err := convert.Convert(v, cty.String)
		if err != nil || key.IsNull() || key.IsMarked() {
			r.Errorf(ref.key.Range(), "the index of a reference is a string that is not sensitive")
			return
		}
		if !slices.Contains(f.keys, key.AsString()) {
			p := r.Errorf(ref.at, "there is no %s", f.spell(text, key.AsString()))
			switch best := source.Nearest(key.AsString(), f.keys); {
			case best != "":
				p.Hint("did you mean %s?", f.spell(text, best))
			case len(f.keys) == 0:
				p.Hint("its for_each is empty")
			default:
				p.Hint("%s", source.DidYouMeanRef("", "", f.spellings(text)))
			}
			return
		}
		use(f.members[key.AsString()], f.spell(text, key.AsString()))
	}
}

// spell is the instance of a key as one would refer to it.
func (f *family[T]) spell(text, key string) string {
	if !f.keyed {
		return text
	}
	return text + "[" + quote(key) + "]"
}

func (f *family[T]) spellings(text string) (all []string) {
	for _, key := range f.keys {
		all = append(all, f.spell(text, key))
	}
	return all
}

func (r *reader) nothingCalled(ref reference, names []string) {
	p := r.Errorf(ref.at, "there is no %s.%s", ref.kind, ref.name)
	if others := r.kindsOf(ref.name); len(others) > 0 {
		p.Hint("did you mean %s.%s?", others[0], ref.name)
	} else {
		p.Hint("%s", source.DidYouMeanRef(ref.name, ref.kind+".", names))
	}
}

// checkPort reports a port that is not on that side of a component; c is set
// for connectors.
func (r *reader) checkPort(ref reference, argument, component string, ports []string, sound bool, c *connector) bool {
	switch {
	case !sound || slices.Contains(ports, ref.port):
		return true
	case argument == "from" && ref.port == "in" && ref.kind != "module":
		r.Errorf(ref.at, "%s takes events at its port in; from wants a port that gives some", component).Hint("%s", source.DidYouMeanRef("", component+".", ports))
	case argument == "to" && c != nil && len(ports) == 0:
		r.Errorf(ref.at, "%s takes no events: %s only brings some in", component, c.Owner)
	case argument == "to" && ref.port != "in" && ref.kind != "module":
		r.Errorf(ref.at, "events cannot be sent to %s.%s: they go into its port in", component, ref.port).Hint("write to = %s", component)
	case argument == "from" && c != nil && ref.port == "out":
		r.Errorf(ref.at, "%s gives no events: %s only takes some", component, c.Owner).
			Hint("its problems are at %s.err", component)
	case ref.kind == "module":
		side := map[string]string{"from": "output"}[argument]
		if side == "" {
			side = "input"
		}
		r.Errorf(ref.at, "%s has no %s %q", component, side, ref.port).Hint("%s", source.DidYouMeanRef(ref.port, component+".", ports))
	default:
		r.Errorf(ref.at, "%s has no port %q", component, ref.port).Hint("%s", source.DidYouMeanRef(ref.port, component+".", ports))
	}
	return false
}

func connectorPorts(s flow.Shape, argument string) (ports []string) {
	switch {
	case argument == "from" && s.Out:
		return []string{"out", "err"}
	case argument == "from":
		return []string{"err"}
	case s.In:
		return []string{"in"}
	}
	return nil
}

func pipelineSide(named []string, argument string) []string {
	if argument == "from" {
		return append([]string{"out", "err"}, named...)
	}
	return []string{"in"}
}
