package flows

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/runtime/flow"
)

// validName checks that label i of b can be written in a reference.
func (r *reader) validName(b nested, i int) bool {
	if hclsyntax.ValidIdentifier(b.labels[i]) {
		return true
	}
	r.errorf(b.labelsAt[i], "%q is no name: a name is a letter, then letters, digits, _ and -", b.labels[i])
	return false
}

func (r *reader) twice(b nested, first hcl.Range) {
	r.errorf(b.at, "%s is defined twice", b.owner).also("the first is", first)
}

// catalogue is one kind of codec or processor: the table, and the blocks of
// this flow that configure a row of it. U is what a use of one is.
type catalogue[C, U any] struct {
	kind   string // as blocks and references call it
	specs  []flow.Spec[C]
	later  []string
	build  func(spec *flow.Spec[C], g region, at hcl.Range) (U, bool)
	blocks map[string]*shared[U]
}

// shared is a codec or processor block.
type shared[U any] struct {
	at   hcl.Range
	use  U
	ok   bool
	used bool
}

// processor is a processor as configured, in both directions.
type processor struct {
	name    string
	frames  bool
	text    bool
	in, out func() flow.Processor
}

// readShared reads the codec, preprocessor and postprocessor blocks.
func (r *reader) readShared() {
	r.codecs = &catalogue[flow.CodecConfig, flow.CodecUse]{kind: "codec", specs: r.tables.Codecs, later: laterCodecs, build: r.buildCodec}
	r.pre = &catalogue[flow.ProcessorConfig, processor]{kind: "preprocessor", specs: r.tables.Processors, later: laterProcessors, build: r.buildProcessor}
	r.post = &catalogue[flow.ProcessorConfig, processor]{kind: "postprocessor", specs: r.tables.Processors, later: laterProcessors, build: r.buildProcessor}
	readBlocks(r, r.codecs)
	readBlocks(r, r.pre)
	readBlocks(r, r.post)
}

func readBlocks[C, U any](r *reader, c *catalogue[C, U]) {
	c.blocks = map[string]*shared[U]{}
	for _, b := range r.blocks[c.kind] {
		typ, name := b.labels[0], b.labels[1]
		b.owner = c.kind + " " + quote(name)
		if !r.validName(b, 1) {
			continue
		}
		if first := c.blocks[name]; first != nil {
			r.twice(b, first.at)
			continue
		}
		s := &shared[U]{at: b.at}
		c.blocks[name] = s
		if spec := findSpec(r, c.specs, c.later, c.kind, typ, b.labelsAt[0]); spec != nil {
			b.owner = c.kind + " " + quote(typ)
			s.use, s.ok = c.build(spec, b.region, b.at)
		}
	}
}

// findSpec finds a row of a table by its name, or reports that there is none.
func findSpec[C any](r *reader, specs []flow.Spec[C], laterNames []string, kind, name string, at hcl.Range) *flow.Spec[C] {
	var names []string
	for i := range specs {
		if specs[i].Name == name {
			return &specs[i]
		}
		names = append(names, specs[i].Name)
	}
	if later(laterNames, name) {
		r.errorf(at, "the %s %q is %s", kind, name, notYet)
	} else {
		r.errorf(at, "there is no %s %q", kind, name).hint("%s", didYouMean(name, names))
	}
	return nil
}

// use reads a place where a codec or processor stands: "json",
// { name = "json", sort_keys = true } or codec.<name>. ok is false when it has
// been reported.
func (c *catalogue[C, U]) use(r *reader, e hcl.Expression) (use U, ok bool) {
	if t, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() && slices.Contains(blockRoots, t.RootName()) {
		return c.refer(r, t, e.Range())
	}
	if g, isObject := objectRegion(c.kind, e); isObject {
		return c.inline(r, g)
	}
	v, ok := r.evaluate(e, "a "+c.kind)
	if !ok {
		return use, false
	}
	v, _ = v.UnmarkDeep()
	switch {
	case !v.IsNull() && v.Type() == cty.String:
		spec := findSpec(r, c.specs, c.later, c.kind, v.AsString(), e.Range())
		if spec == nil {
			return use, false
		}
		return c.build(spec, region{owner: c.kind + " " + quote(spec.Name), at: e.Range()}, e.Range())
	case !v.IsNull() && (v.Type().IsObjectType() || v.Type().IsMapType()):
		g := region{owner: c.kind, at: e.Range()}
		for it := v.ElementIterator(); it.Next(); {
			key, element := it.Element()
			g.items = append(g.items, hcl.KeyValuePair{Key: hcl.StaticExpr(key, e.Range()), Value: hcl.StaticExpr(element, e.Range())})
		}
		return c.inline(r, g)
	}
	r.errorf(e.Range(), "a %s is wanted here, not %s", c.kind, describe(v)).
		hint("write \"<type>\", { name = \"<type>\", … } or %s.<name>", c.kind)
	return use, false
}

func (c *catalogue[C, U]) refer(r *reader, t hcl.Traversal, at hcl.Range) (use U, ok bool) {
	if t.RootName() != c.kind {
		r.errorf(at, "a %s is wanted here, not a %s", c.kind, t.RootName()).hint("%s", didYouMeanRef("", c.kind+".", sortedNames(c.blocks)))
		return use, false
	}
	name := member(t)
	if len(t) != 2 || name == "" {
		r.errorf(at, "a reference to a %s is %s.<name>", c.kind, c.kind)
		return use, false
	}
	s := c.blocks[name]
	if s == nil {
		r.errorf(at, "there is no %s.%s", c.kind, name).hint("%s", didYouMeanRef(name, c.kind+".", sortedNames(c.blocks)))
		return use, false
	}
	s.used = true
	return s.use, s.ok
}

// inline configures a row of the table by an object.
func (c *catalogue[C, U]) inline(r *reader, g region) (use U, ok bool) {
	for i, item := range g.items {
		key, diags := item.Key.Value(nil)
		if diags.HasErrors() || key.Type() != cty.String || key.IsNull() || key.IsMarked() || key.AsString() != "name" {
			continue
		}
		v, ok := r.evaluate(item.Value, "a "+c.kind)
		if !ok {
			return use, false
		}
		if v, _ = v.Unmark(); v.IsNull() || v.Type() != cty.String {
			r.errorf(item.Value.Range(), "name wants a string, not %s", describe(v))
			return use, false
		}
		spec := findSpec(r, c.specs, c.later, c.kind, v.AsString(), item.Value.Range())
		if spec == nil {
			return use, false
		}
		g.items = slices.Delete(slices.Clone(g.items), i, i+1)
		g.owner = c.kind + " " + quote(spec.Name)
		return c.build(spec, g, g.at)
	}
	r.errorf(g.at, "the %s needs a name", c.kind).hint("write { name = \"<type>\", … }")
	return use, false
}

func (r *reader) buildCodec(spec *flow.Spec[flow.CodecConfig], g region, at hcl.Range) (flow.CodecUse, bool) {
	config := spec.Config()
	d := r.decoder()
	d.decode(g, nil, "", nil, laterArguments[spec.Name], config)
	if d.failed {
		return flow.CodecUse{}, false
	}
	codec, err := config.New()
	if err != nil {
		d.refused(g, at, err)
		return flow.CodecUse{}, false
	}
	return flow.CodecUse{Type: spec.Name, New: codec, Text: config.Text()}, true
}

func (r *reader) buildProcessor(spec *flow.Spec[flow.ProcessorConfig], g region, at hcl.Range) (processor, bool) {
	config := spec.Config()
	d := r.decoder()
	d.decode(g, nil, "", nil, laterArguments[spec.Name], config)
	if d.failed {
		return processor{}, false
	}
	in, out, err := config.New()
	if err != nil {
		d.refused(g, at, err)
		return processor{}, false
	}
	return processor{spec.Name, config.Frames(), config.Text(), in, out}, true
}

// refused reports what a component says of its configuration, at the argument
// that it names.
func (d *decoder) refused(g region, at hcl.Range, err error) {
	where, hidden := at, false
	if fe := (*flow.FieldError)(nil); errors.As(err, &fe) {
		for path := fe.Field; path != ""; {
			if d.sensitive[path] {
				hidden = true
			}
			if rng, ok := d.places[path]; ok {
				where = rng
				break
			}
			path = path[:max(0, strings.LastIndexAny(path, ".["))]
		}
		if hidden {
			d.fail(where, "%s: the value of %s, which is sensitive, is not accepted", g.owner, fe.Field)
			return
		}
	}
	d.fail(where, "%s: %s", g.owner, d.shorten(err.Error()))
}

// shorten spells the paths of the flow's folder as the user does.
func (r *reader) shorten(text string) string {
	shown := shownPath(r.dir)
	if shown == "." {
		return strings.ReplaceAll(text, r.dir+"/", "")
	}
	return strings.ReplaceAll(text, r.dir+"/", shown+"/")
}
