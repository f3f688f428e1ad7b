package avro

import (
	"strings"

	"github.com/twmb/avro"
)

// typ is what a schema says about one value.
type typ struct {
	kind     string // "record", "long", …
	logical  string
	scale    int
	fields   []field         // of a record
	items    *typ            // of an array or a map
	branches map[string]*typ // of a union, by the names that the library gives them
}

type field struct {
	name string
	typ  *typ
}

func typeOf(s *avro.Schema) *typ { return (&reader{named: map[string]*typ{}}).read(s.Root(), "") }

// reader reads a schema. named are the types that have a full name; a type may
// refer to one that it is part of.
type reader struct{ named map[string]*typ }

// read reads what stands in a namespace.
func (r *reader) read(n *avro.SchemaNode, space string) *typ {
	t := &typ{kind: n.Type, logical: n.LogicalType, scale: n.Scale}
	switch n.Type {
	case "record", "error", "enum", "fixed":
		space = r.name(t, n)
	case "array":
		t.items = r.read(n.Items, space)
	case "map":
		t.items = r.read(n.Values, space)
	case "union":
		t.branches = map[string]*typ{}
		for i := range n.Branches {
			b := &n.Branches[i]
			t.branches[r.branch(b, space)] = r.read(b, space)
		}
	default:
		if named := r.find(n.Type, space); named != nil {
			return named
		}
	}
	if n.Type == "error" {
		t.kind = "record"
	}
	for i := range n.Fields {
		f := &n.Fields[i]
		t.fields = append(t.fields, field{f.Name, r.read(&f.Type, space)})
	}
	return t
}

// name notes a type under its full name, and returns its namespace.
func (r *reader) name(t *typ, n *avro.SchemaNode) (space string) {
	full := fullName(n)
	r.named[full] = t
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		return full[:i]
	}
	return ""
}

func fullName(n *avro.SchemaNode) string {
	if n.Namespace != "" && !strings.Contains(n.Name, ".") {
		return n.Namespace + "." + n.Name
	}
	return n.Name
}

func (r *reader) find(name, space string) *typ {
	if t := r.named[space+"."+name]; t != nil && space != "" {
		return t
	}
	return r.named[name]
}

// branch is what the library calls a branch of a union.
func (r *reader) branch(n *avro.SchemaNode, space string) string {
	switch n.Type {
	case "record", "error", "enum", "fixed":
		return fullName(n)
	}
	if _, ok := r.named[space+"."+n.Type]; ok && space != "" {
		return space + "." + n.Type
	}
	return n.Type
}
