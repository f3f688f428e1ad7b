package flows

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

// reference is a port that a connect block names, and where.
type reference struct {
	flow.PortRef
	at hcl.Range
}

// references reads an argument that holds one reference or a list of them.
// They are names, not values: nothing is evaluated.
func (r *reader) references(a source.Argument) []reference {
	exprs, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		exprs = []hcl.Expression{a.Expr}
	}
	if len(exprs) == 0 {
		r.Errorf(a.Expr.Range(), "%s is empty", a.Name)
	}
	var list []reference
	for _, e := range exprs {
		ref, ok := r.reference(e, a.Name)
		if !ok {
			continue
		}
		for _, other := range list {
			if other.PortRef == ref.PortRef {
				r.Errorf(ref.at, "%s stands in %s twice", ref.short(a.Name), a.Name)
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
		p := r.Errorf(ref.at, "%s wants a reference, like connector.edge", argument)
		if v, diags := e.Value(nil); !diags.HasErrors() && looksLikeReference(v) {
			p.Hint("write it without quotes")
		}
		return ref, false
	}
	var names []string
	for _, step := range t[1:] {
		attr, plain := step.(hcl.TraverseAttr)
		if !plain {
			r.Errorf(ref.at, "an index in a reference is %s", source.NotYet)
			return ref, false
		}
		names = append(names, attr.Name)
	}
	switch ref.Kind = t.RootName(); {
	case ref.Kind == "connector" || ref.Kind == "pipeline":
	case ref.Kind == "module":
		r.Errorf(ref.at, "module is %s", source.NotYet)
		return ref, false
	default:
		r.Errorf(ref.at, "%q is no reference: %s wants connector.<name> or pipeline.<name>", ref.Kind, argument).
			Hint("%s", r.suggestReference(ref.Kind, names))
		return ref, false
	}
	if len(names) == 0 || len(names) > 2 {
		r.Errorf(ref.at, "a reference is %s.<name> or %s.<name>.<port>", ref.Kind, ref.Kind)
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
	if len(names) > 0 && r.connectors[names[0]] != nil {
		return "did you mean connector." + names[0] + "?"
	}
	if best := source.Nearest(kind, []string{"connector", "pipeline"}); best != "" && len(names) > 0 {
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
		p := r.Errorf(ref.at, "there is no %s", component)
		other := map[string]string{"connector": "pipeline", "pipeline": "connector"}[ref.Kind]
		if (other == "pipeline" && r.pipelines[ref.Name] != nil) || (other == "connector" && r.connectors[ref.Name] != nil) {
			p.Hint("did you mean %s.%s?", other, ref.Name)
		} else {
			p.Hint("%s", source.DidYouMeanRef(ref.Name, ref.Kind+".", names))
		}
		return false
	case !sound || slices.Contains(ports, ref.Port):
		return true
	case argument == "from" && ref.Port == "in":
		r.Errorf(ref.at, "%s takes events at its port in; from wants a port that gives some", component).Hint("%s", source.DidYouMeanRef("", component+".", ports))
	case argument == "to" && ref.Kind == "connector" && len(ports) == 0:
		r.Errorf(ref.at, "%s takes no events: %s only brings some in", component, r.connectors[ref.Name].Owner)
	case argument == "to" && ref.Port != "in":
		r.Errorf(ref.at, "events cannot be sent to %s.%s: they go into its port in", component, ref.Port).Hint("write to = %s", component)
	case argument == "from" && ref.Kind == "connector" && ref.Port == "out":
		r.Errorf(ref.at, "%s gives no events: %s only takes some", component, r.connectors[ref.Name].Owner).
			Hint("its problems are at %s.err", component)
	default:
		r.Errorf(ref.at, "%s has no port %q", component, ref.Port).Hint("%s", source.DidYouMeanRef(ref.Port, component+".", ports))
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
