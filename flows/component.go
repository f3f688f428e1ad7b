package flows

import (
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/decode"
	"github.com/flowrun/flowrun/flows/fingerprint"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

// catalogue is one kind of codec or processor: the table, and the blocks of
// this flow that configure a row of it. U is what a use of one is.
type catalogue[C, U any] struct {
	kind   string // as blocks and references call it
	specs  []flow.Spec[C]
	build  func(r *reader, spec *flow.Spec[C], g source.Region, at hcl.Range) (U, bool)
	blocks map[string]*shared[U]
}

// shared is a codec or processor block.
type shared[U any] struct {
	at   hcl.Range
	use  U
	ok   bool
	used bool
}

// codec is a codec as configured.
type codec struct {
	flow.CodecUse
	framing func(stream bool) (in, out string) // nil when it has none of its own
}

// framed is implemented by configurations of codecs whose messages have a usual
// framing. A connector uses it in a direction for which the flow names no
// processors.
type framed interface {
	// Framing returns the processor in each direction as a flow would write it,
	// `"separate"` or `{ name = "separate", skip_empty = true }`, and "" for
	// none. stream says whether the connector carries bytes, not messages.
	Framing(stream bool) (in, out string)
}

// processor is a processor as configured, in both directions.
type processor struct {
	name    string
	frames  bool
	text    bool
	in, out func() flow.Processor
	print   flow.Fingerprint
}

// readShared reads the codec, preprocessor and postprocessor blocks.
func (r *reader) readShared() {
	r.codecs = &catalogue[flow.CodecConfig, codec]{kind: "codec", specs: r.tables.Codecs, build: (*reader).buildCodec}
	r.pre = &catalogue[flow.ProcessorConfig, processor]{kind: "preprocessor", specs: r.tables.Processors, build: (*reader).buildProcessor}
	r.post = &catalogue[flow.ProcessorConfig, processor]{kind: "postprocessor", specs: r.tables.Processors, build: (*reader).buildProcessor}
	readBlocks(r, r.codecs)
	readBlocks(r, r.pre)
	readBlocks(r, r.post)
}

func readBlocks[C, U any](r *reader, c *catalogue[C, U]) {
	c.blocks = map[string]*shared[U]{}
	for _, b := range r.Blocks[c.kind] {
		typ, name := b.Labels[0], b.Labels[1]
		b.Owner = c.kind + " " + quote(name)
		if !r.ValidName(b, 1) {
			continue
		}
		if first := c.blocks[name]; first != nil {
			r.Twice(b, first.at)
			continue
		}
		s := &shared[U]{at: b.At}
		c.blocks[name] = s
		if spec := findSpec(r, c.specs, nil, c.kind, typ, b.LabelsAt[0]); spec != nil {
			b.Owner = c.kind + " " + quote(typ)
			s.use, s.ok = c.build(r, spec, b.Region, b.At)
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
	switch {
	case slices.Contains(laterNames, name):
		r.Errorf(at, "the %s %q is %s", kind, name, source.NotYet)
	case kind == "codec" && isNamed(r.tables.Processors, name):
		r.Errorf(at, "there is no codec %q", name).Hint("it is a processor, which comes before a codec: preprocessors = [%q], codec = \"…\"", name)
	case kind != "codec" && isNamed(r.tables.Codecs, name):
		r.Errorf(at, "there is no %s %q", kind, name).Hint("it is a codec: codec = %q", name)
	default:
		r.Errorf(at, "there is no %s %q", kind, name).Hint("%s", source.DidYouMean(name, names))
	}
	return nil
}

func isNamed[C any](specs []flow.Spec[C], name string) bool {
	return slices.ContainsFunc(specs, func(s flow.Spec[C]) bool { return s.Name == name })
}

// use reads a place where a codec or processor stands: "json",
// { name = "json", sort_keys = true } or codec.<name>. ok is false when it has
// been reported.
func (c *catalogue[C, U]) use(r *reader, e hcl.Expression) (use U, ok bool) {
	if t, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() && slices.Contains(referenceRoots, t.RootName()) {
		return c.refer(r, t, e.Range())
	}
	if g, isObject := source.ObjectRegion(c.kind, e); isObject {
		return c.inline(r, g)
	}
	v, ok := r.Evaluate(e, "a "+c.kind)
	if !ok {
		return use, false
	}
	switch v, marks := v.Unmark(); {
	case len(marks) > 0:
		r.Errorf(e.Range(), "a %s cannot be sensitive", c.kind)
		return use, false
	case !v.IsNull() && v.Type() == cty.String:
		spec := findSpec(r, c.specs, nil, c.kind, v.AsString(), e.Range())
		if spec == nil {
			return use, false
		}
		return c.build(r, spec, source.Region{Owner: c.kind + " " + quote(spec.Name), At: e.Range()}, e.Range())
	case !v.IsNull() && (v.Type().IsObjectType() || v.Type().IsMapType()):
		g := source.Region{Owner: c.kind, At: e.Range()}
		for it := v.ElementIterator(); it.Next(); {
			key, element := it.Element()
			g.Items = append(g.Items, hcl.KeyValuePair{Key: hcl.StaticExpr(key, e.Range()), Value: hcl.StaticExpr(element, e.Range())})
		}
		return c.inline(r, g)
	}
	r.Errorf(e.Range(), "a %s is wanted here, not %s", c.kind, decode.Describe(v)).
		Hint("write \"<type>\", { name = \"<type>\", … } or %s.<name>", c.kind)
	return use, false
}

func (c *catalogue[C, U]) refer(r *reader, t hcl.Traversal, at hcl.Range) (use U, ok bool) {
	if t.RootName() != c.kind {
		r.Errorf(at, "a %s is wanted here, not a %s", c.kind, t.RootName()).Hint("%s", source.DidYouMeanRef("", c.kind+".", sortedNames(c.blocks)))
		return use, false
	}
	name := source.Member(t)
	if len(t) != 2 || name == "" {
		r.Errorf(at, "a reference to a %s is %s.<name>", c.kind, c.kind)
		return use, false
	}
	s := c.blocks[name]
	if s == nil {
		r.Errorf(at, "there is no %s.%s", c.kind, name).Hint("%s", source.DidYouMeanRef(name, c.kind+".", sortedNames(c.blocks)))
		return use, false
	}
	s.used = true
	return s.use, s.ok
}

// inline configures a row of the table by an object.
func (c *catalogue[C, U]) inline(r *reader, g source.Region) (use U, ok bool) {
	for i, item := range g.Items {
		key, diags := item.Key.Value(nil)
		if diags.HasErrors() || key.Type() != cty.String || key.IsNull() || key.IsMarked() || key.AsString() != "name" {
			continue
		}
		v, ok := r.Evaluate(item.Value, "a "+c.kind)
		if !ok {
			return use, false
		}
		if v.IsMarked() {
			r.Errorf(item.Value.Range(), "the name of a %s cannot be sensitive", c.kind)
			return use, false
		}
		if v.IsNull() || v.Type() != cty.String {
			r.Errorf(item.Value.Range(), "name wants a string, not %s", decode.Describe(v))
			return use, false
		}
		spec := findSpec(r, c.specs, nil, c.kind, v.AsString(), item.Value.Range())
		if spec == nil {
			return use, false
		}
		g.Items = slices.Delete(slices.Clone(g.Items), i, i+1)
		g.Owner = c.kind + " " + quote(spec.Name)
		return c.build(r, spec, g, g.At)
	}
	r.Errorf(g.At, "the %s needs a name", c.kind).Hint("write { name = \"<type>\", … }")
	return use, false
}

func (r *reader) buildCodec(spec *flow.Spec[flow.CodecConfig], g source.Region, at hcl.Range) (codec, bool) {
	config := spec.Config()
	d := r.decoder()
	d.Decode(g, nil, laterArguments[spec.Name], config)
	if d.Failed {
		return codec{}, false
	}
	maker, err := config.New()
	if err != nil {
		d.Refused(g.Owner, at, err)
		return codec{}, false
	}
	c := codec{CodecUse: flow.CodecUse{Type: spec.Name, New: maker, Text: config.Text(), Fingerprint: r.fingerprint(spec.Name, config)}}
	if m, ok := config.(flow.MediaTyper); ok {
		c.MediaType = m.MediaType()
	}
	if f, ok := config.(framed); ok {
		c.framing = f.Framing
	}
	return c, true
}

func (r *reader) buildProcessor(spec *flow.Spec[flow.ProcessorConfig], g source.Region, at hcl.Range) (processor, bool) {
	config := spec.Config()
	d := r.decoder()
	d.Decode(g, nil, laterArguments[spec.Name], config)
	if d.Failed {
		return processor{}, false
	}
	in, out, err := config.New()
	if err != nil {
		d.Refused(g.Owner, at, err)
		return processor{}, false
	}
	return processor{spec.Name, config.Frames(), config.Text(), in, out, r.fingerprint(spec.Name, config)}, true
}

// fingerprint is that of a part of the flow.
func (r *reader) fingerprint(parts ...any) flow.Fingerprint {
	return fingerprint.Of(r.whole.file.Dir, parts...)
}

func (r *reader) decoder() *decode.Decoder {
	return &decode.Decoder{Report: r.Report, Values: r.Values, Dir: r.Dir, Later: laterArguments}
}

// referenceRoots are the kinds of blocks that can be referred to.
var referenceRoots = []string{"connector", "pipeline", "codec", "preprocessor", "postprocessor", "module"}

func quote(s string) string { return strconv.Quote(s) }

func sortedNames[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
