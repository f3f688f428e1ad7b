package flows

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/runtime/flow"
)

// reference is a port that a connect block names, and where.
type reference struct {
	flow.PortRef
	at hcl.Range
}

// references reads an argument that holds one reference or a list of them.
// They are names, not values: nothing is evaluated.
func (r *reader) references(a argument) []reference {
	exprs, diags := hcl.ExprList(a.expr)
	if diags.HasErrors() {
		exprs = []hcl.Expression{a.expr}
	}
	if len(exprs) == 0 {
		r.errorf(a.expr.Range(), "%s is empty", a.name)
	}
	var list []reference
	for _, e := range exprs {
		ref, ok := r.reference(e, a.name)
		if !ok {
			continue
		}
		for _, other := range list {
			if other.PortRef == ref.PortRef {
				r.errorf(ref.at, "%s stands in %s twice", ref.short(a.name), a.name)
			}
		}
		list = append(list, ref)
	}
	return list
}

// short spells a reference as one would write it in the argument name.
func (f reference) short(name string) string {
	if f.Port == defaultPort(name) {
		return f.Kind + "." + f.Name
	}
	return f.String()
}

func defaultPort(argument string) string {
	if argument == "from" {
		return "out"
	}
	return "in"
}

// reference reads connector.edge, connector.edge.err or pipeline.slim.rest.
func (r *reader) reference(e hcl.Expression, argument string) (ref reference, ok bool) {
	ref.at = e.Range()
	t, diags := hcl.AbsTraversalForExpr(e)
	if diags.HasErrors() {
		p := r.errorf(ref.at, "%s wants a reference, like connector.edge", argument)
		if v, diags := e.Value(nil); !diags.HasErrors() && looksLikeReference(v) {
			p.hint("write it without quotes")
		}
		return ref, false
	}
	var names []string
	for _, step := range t[1:] {
		attr, plain := step.(hcl.TraverseAttr)
		if !plain {
			r.errorf(ref.at, "an index in a reference is %s", notYet)
			return ref, false
		}
		names = append(names, attr.Name)
	}
	switch ref.Kind = t.RootName(); {
	case ref.Kind == "connector" || ref.Kind == "pipeline":
	case ref.Kind == "module":
		r.errorf(ref.at, "module is %s", notYet)
		return ref, false
	default:
		r.errorf(ref.at, "%q is no reference: %s wants connector.<name> or pipeline.<name>", ref.Kind, argument).
			hint("%s", r.suggestReference(ref.Kind, names))
		return ref, false
	}
	if len(names) == 0 || len(names) > 2 {
		r.errorf(ref.at, "a reference is %s.<name> or %s.<name>.<port>", ref.Kind, ref.Kind)
		return ref, false
	}
	ref.Name, ref.Port = names[0], defaultPort(argument)
	if len(names) == 2 {
		ref.Port = names[1]
	}
	return ref, r.resolve(ref, argument)
}

// suggestReference guesses what from = edge or from = conector.edge meant.
func (r *reader) suggestReference(kind string, names []string) string {
	if len(names) == 0 {
		switch {
		case r.connectors[kind] != nil:
			return "did you mean connector." + kind + "?"
		case r.pipelines[kind] != nil:
			return "did you mean pipeline." + kind + "?"
		}
	}
	if best := nearest(kind, []string{"connector", "pipeline"}); best != "" && len(names) > 0 {
		return "did you mean " + best + "." + names[0] + "?"
	}
	return ""
}

// resolve checks that the component is there and has the port on that side.
func (r *reader) resolve(ref reference, argument string) bool {
	var names, ports []string
	var sound bool
	switch ref.Kind {
	case "connector":
		names = sortedNames(r.connectors)
		if c := r.connectors[ref.Name]; c != nil {
			c.used = true
			ports, sound = connectorPorts(c.shape, argument), c.sound
		}
	case "pipeline":
		names = sortedNames(r.pipelines)
		if p := r.pipelines[ref.Name]; p != nil {
			p.used = true
			p.fed = p.fed || argument != "from"
			ports, sound = pipelineSide(p.block.Ports, argument), p.sound
		}
	}
	component := ref.Kind + "." + ref.Name
	switch {
	case !slices.Contains(names, ref.Name):
		p := r.errorf(ref.at, "there is no %s", component)
		other := map[string]string{"connector": "pipeline", "pipeline": "connector"}[ref.Kind]
		if (other == "pipeline" && r.pipelines[ref.Name] != nil) || (other == "connector" && r.connectors[ref.Name] != nil) {
			p.hint("did you mean %s.%s?", other, ref.Name)
		} else {
			p.hint("%s", didYouMeanRef(ref.Name, ref.Kind+".", names))
		}
		return false
	case !sound || slices.Contains(ports, ref.Port):
		return true
	case argument == "from" && ref.Port == "in":
		r.errorf(ref.at, "%s takes events at its port in; from wants a port that gives some", component).hint("%s", didYouMeanRef("", component+".", ports))
	case argument == "to" && ref.Kind == "connector" && len(ports) == 0:
		r.errorf(ref.at, "%s takes no events: %s only brings some in", component, r.connectors[ref.Name].owner)
	case argument == "to" && ref.Port != "in":
		r.errorf(ref.at, "to wants %s alone: events go into its port in, and %q is none", component, ref.Port)
	case argument == "from" && ref.Kind == "connector" && ref.Port == "out":
		r.errorf(ref.at, "%s gives no events: %s only takes some", component, r.connectors[ref.Name].owner).
			hint("its problems are at %s.err", component)
	default:
		r.errorf(ref.at, "%s has no port %q", component, ref.Port).hint("%s", didYouMeanRef(ref.Port, component+".", ports))
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
