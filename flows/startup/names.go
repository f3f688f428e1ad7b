package startup

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/flows/source"
)

var (
	startRoots = []string{"var", "local", "node"}
	eventRoots = []string{"event", "meta", "peer"}
	placeRoots = []string{"group", "window", "state", "topic"} // where a step or block has them
	blockRoots = []string{"connector", "pipeline", "codec", "preprocessor", "postprocessor", "module"}
)

// position tells when an expression is computed.
type position int

const (
	atStart  position = iota // read once, at the start
	perEvent                 // computed for each event
)

// checkNamesIn checks each name that e refers to, and reports those of the flow
// language that mean nothing where e stands, and at the start all others, too;
// per event, the compiler knows what else there is. At the start it is false as
// well when a name is known but its value is not. vars are names that this
// position has beside the usual ones.
func (s *Values) checkNamesIn(e hcl.Expression, what string, pos position, vars ...string) bool {
	ok := true
	for _, t := range e.Variables() {
		root, at := t.RootName(), t.SourceRange()
		switch {
		case slices.Contains(vars, root):
		case root == "var":
			ok = checkMember(s, t, s.variables, func(v *variable) bool { return pos == perEvent || v.value.IsWhollyKnown() }) && ok
		case root == "local":
			ok = checkMember(s, t, s.locals, func(l *local) bool { return pos == perEvent || l.value.IsWhollyKnown() }) && ok
		case root == "node":
			if name := source.Member(t); name != "name" {
				s.Errorf(at, "node has no %q", name).Hint("there is node.name")
				ok = false
			}
		case root == "each":
			ok = s.checkEach(t) && ok
		case slices.Contains(eventRoots, root) && pos == perEvent:
		case slices.Contains(eventRoots, root):
			s.Errorf(at, "%s is known per event only, and %s is read once, at the start", root, what).
				Hint("here stand %s and functions", strings.Join(startRoots, ", "))
			ok = false
		case slices.Contains(placeRoots, root):
			s.Errorf(at, "%s means nothing in %s", root, what).Hint("%s", whereRootStands[root])
			ok = false
		case slices.Contains(blockRoots, root):
			s.Errorf(at, "a reference to a %s cannot stand in %s", root, what)
			ok = false
		case pos == atStart: // per event, the compiler knows what else there is
			summary, hint := expr.UnknownName(t, source.Nearest(root, startRoots), startRoots)
			s.Errorf(at, "%s", summary).Hint("%s", hint)
			ok = false
		}
	}
	return s.checkFunctions(e, pos) && ok
}

var whereRootStands = map[string]string{
	"group":  "it is the key of a group, in emit of a window step",
	"window": "it is the window itself, in emit of a window step",
	"topic":  "it is what a client asks for, in allow of a topics block",
	"state":  "it is what a state step keeps, in update and emit",
}

func (s *Values) checkEach(t hcl.Traversal) bool {
	name := source.Member(t)
	switch {
	case !s.each:
		s.Errorf(t.SourceRange(), "each means nothing here: the block has no for_each")
	case name != "key" && name != "value":
		s.Errorf(t.SourceRange(), "each has no %q", name).Hint("there are each.key and each.value")
	default:
		return true
	}
	return false
}

func checkMember[T any](s *Values, t hcl.Traversal, members map[string]T, known func(T) bool) bool {
	name := source.Member(t)
	if m, ok := members[name]; ok {
		return known(m)
	}
	root := t.RootName()
	kind := map[string]string{"var": "variable", "local": "local value"}[root]
	if name == "" {
		s.Errorf(t.SourceRange(), "%s needs a name: %s.<name>", root, root)
		return false
	}
	s.Errorf(t.SourceRange(), "there is no %s %q", kind, name).
		Hint("%s", source.DidYouMeanRef(name, root+".", slices.Collect(maps.Keys(members))))
	return false
}

// checkFunctions reports calls of functions that are not there. Those in JSON
// strings are seen by the evaluation alone; per event, the compiler knows.
func (s *Values) checkFunctions(e hcl.Expression, pos position) bool {
	node, native := e.(hclsyntax.Node)
	if !native || pos == perEvent {
		return true
	}
	ok := true
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		call, is := n.(*hclsyntax.FunctionCallExpr)
		if !is {
			return nil
		}
		if _, known := s.context.Functions[call.Name]; !known {
			s.Errorf(call.NameRange, "there is no function %s()", call.Name).
				Hint("%s", expr.SuggestFunction(call.Name, source.Nearest(call.Name, slices.Collect(maps.Keys(s.context.Functions)))))
			ok = false
		}
		return nil
	})
	return ok
}
