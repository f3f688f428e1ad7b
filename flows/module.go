package flows

import (
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/folder"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/startup"
	"github.com/flowrun/flowrun/flows/wiring"
)

// module is an instance of a module block. Its folder is read once for each
// use: for the one that from and to mean, and for each place in via.
type module struct {
	source.Block
	reader    *reader // of the block
	name      string  // audit, audit["ams"]
	arguments map[string]source.Argument
	folder    *folder.Folder // nil when it cannot be read
	shared    *reader        // the use that is not in via; nil when there is none
	uses      []*reader
	edges     map[string]int // uses in via, by edge
	used      bool
	read      bool // the folder, for one use at least
}

// readModules reads the module blocks. Beside its uses in via, a module is
// there once where from or to speak of that one, and where nothing else does.
func (r *reader) readModules() {
	r.modules = readFamilies(r, "module", 0, (*reader).readModule)
	inVia, named := r.mentioned()
	done := map[string]bool{}
	for _, b := range r.Blocks["module"] {
		name := b.Labels[0]
		f := r.modules[name]
		if f == nil || done[name] || inVia[name] && !named[name] {
			continue
		}
		done[name] = true
		for _, m := range f.all() {
			m.shared = m.use(r.whole, m.name)
		}
	}
}

func (r *reader) readModule(b source.Block, name string) *module {
	m := &module{Block: b, reader: r, name: name, arguments: r.All(b.Region), edges: map[string]int{}}
	delete(m.arguments, "for_each")
	if a, ok := m.arguments["source"]; ok {
		m.folder = r.moduleFolder(a)
		delete(m.arguments, "source")
	} else {
		r.Errorf(b.At, "%s needs the argument source", b.Owner).Hint(`source = "./folder", or "std/<name>" of the library`)
	}
	return m
}

// readUnused reads the modules that are not there for what is wrong with them
// only: for_each is empty, or that of the edges that pass them.
func (r *reader) readUnused() {
	for _, name := range sortedNames(r.modules) {
		f := r.modules[name]
		for _, m := range slices.Concat(f.all(), f.aside) {
			if !m.read {
				m.use(newWhole(r.Report), m.name)
				break
			}
		}
	}
}

// mentioned tells which modules stand in via, and which are named in from and
// to in a way that only the shared use can answer.
func (r *reader) mentioned() (inVia, named map[string]bool) {
	inVia, named = map[string]bool{}, map[string]bool{}
	for _, b := range slices.Concat(r.Blocks["connect"], r.Blocks["input"], r.Blocks["output"]) {
		for _, argument := range []string{"from", "via", "to"} {
			a, ok := source.Peek(b.Region, argument)
			if !ok {
				continue
			}
			for _, e := range expressions(a) {
				parts, ok := steps(e)
				if !ok || len(parts) < 2 || parts[0].name != "module" {
					continue
				}
				name, last := parts[1].name, parts[len(parts)-1].name
				switch {
				case argument == "via":
					inVia[name] = true
				case argument == "to" || len(parts) == 2 || last == "" || last == "out":
					named[name] = true
				}
			}
		}
	}
	return inVia, named
}

// inVia is a use of the module in the via of an edge, and what it is called
// there: audit, then audit#2.
func (m *module) inVia(w *whole, edge string) (use *reader, as string) {
	m.edges[edge]++
	as, here := m.name, "@"+edge
	if n := m.edges[edge]; n > 1 {
		again := "#" + strconv.Itoa(n)
		as, here = as+again, here+again
	}
	return m.use(w, m.name+here), as
}

// use reads the module's folder as a part of w; its components have names that
// begin with name.
func (m *module) use(w *whole, name string) *reader {
	r := m.reader
	m.read = true
	if m.folder == nil || !r.room(m.At, 1) {
		return &reader{}
	}
	u := &reader{
		Values: startup.New(r.Report, m.folder.Dir, r.env),
		Folder: m.folder,
		whole:  w,
		tables: r.tables,
		env:    r.env,
		prefix: r.prefix + name + ".",
		title:  "module " + r.prefix + name + " (" + source.Line(m.At) + ")",
		above:  append(slices.Clone(r.above), r.Folder),
	}
	if w == r.whole {
		m.uses = append(m.uses, u)
	}
	leave := r.Within(u.title)
	u.Declare(u.Blocks["variable"])
	leave()
	leave = r.Within(r.title)
	arguments := m.evaluate(u)
	leave()
	defer r.Within(u.title)()
	u.SetArguments(arguments, m.Owner, u.Blocks["locals"])
	u.read()
	return u
}

// evaluate computes the arguments of the module for one use.
func (m *module) evaluate(u *reader) map[string]startup.Argument {
	r := m.reader
	values := map[string]startup.Argument{}
	known, meant := u.Variables(), map[string]bool{}
	for _, name := range sortedNames(m.arguments) {
		a := m.arguments[name]
		if !slices.Contains(known, name) {
			r.Errorf(a.At, "%s has no argument %q", m.Owner, name).Hint("%s", source.DidYouMean(name, known))
			meant[source.Nearest(name, known)] = true
			continue
		}
		value := startup.Argument{Value: cty.DynamicVal, At: a.Expr.Range()}
		if v, ok := r.Evaluate(a.Expr, name); ok {
			value.Value = v
		}
		values[name] = value
	}
	required := u.Required()
	for _, name := range sortedNames(required) {
		if _, given := values[name]; given || meant[name] {
			continue
		}
		p := r.Errorf(m.At, "%s needs the argument %s", m.Owner, name)
		if about := required[name]; about != "" {
			p.Hint("%s: %s", name, about)
		}
	}
	return values
}

// ports are those that from or to may name.
func (m *module) ports(argument string) (names []string) {
	if m.folder == nil {
		return nil
	}
	kind := "input"
	if argument == "from" {
		kind = "output"
	}
	for _, b := range m.folder.Blocks[kind] {
		if !slices.Contains(names, b.Labels[0]) {
			names = append(names, b.Labels[0])
		}
	}
	return names
}

func (m *module) hasPorts() bool { return len(m.ports("to"))+len(m.ports("from")) > 0 }

// ends is what a port of the module stands for. As with pipelines, the ports
// other than in and out join all uses.
func (m *module) ends(port, argument string) (list []wiring.End) {
	switch {
	case argument == "from" && port != "out":
		for _, u := range m.uses {
			list = append(list, u.outputs[port]...)
		}
	case m.shared == nil:
	case argument == "from":
		return m.shared.outputs[port]
	default:
		return m.shared.inputs[port]
	}
	return list
}

// readPorts reads the input and output blocks.
func (r *reader) readPorts() {
	r.inputs, r.outputs = r.portsOf("input", "to"), r.portsOf("output", "from")
}

func (r *reader) portsOf(kind, argument string) map[string][]wiring.End {
	all := map[string][]wiring.End{}
	first := map[string]hcl.Range{}
	for _, b := range r.Blocks[kind] {
		name := b.Labels[0]
		b.Owner = kind + " " + quote(name)
		if !r.ValidName(b, 0) {
			continue
		}
		if at, again := first[name]; again {
			r.Twice(b, at)
			continue
		}
		first[name] = b.At
		if r.above == nil {
			r.Warnf(b.At, "%s has no effect: this flow is not used as a module", b.Owner)
		}
		c := r.Content(b.Region, source.Expected{Arguments: []string{argument, "description"}})
		r.Require(b.Region, c, argument)
		if a, ok := c.Arguments["description"]; ok {
			r.Constant(a, cty.String)
		}
		if a, ok := c.Arguments[argument]; ok {
			all[name] = r.ends(a)
		}
	}
	return all
}
