package flows

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// connector is a connector block as far as it could be read.
type connector struct {
	source.Block
	full   string // its name, with those of the modules that it is in
	block  *flowfile.ConnectorBlock
	shape  flow.Shape
	framed func(stream bool) (in, out string) // the codec's framing; nil when it has none
	sound  bool                               // the configuration is right, so that shape means something
	places map[string]hcl.Range
	used   bool
}

// The implied framing of streams, and the codec of connectors that have no
// world outside which would ask for another.
const (
	impliedFraming = "separate"
	impliedCodec   = "json"
)

// readConnectors reads the connector blocks.
func (r *reader) readConnectors() {
	r.connectors = readFamilies(r, "connector", 1, (*reader).readConnector)
}

func (r *reader) readConnector(b source.Block, name string) *connector {
	full := r.prefix + name
	c := &connector{Block: b, full: full}
	r.whole.connectors[full] = c
	spec := findSpec(r, r.tables.Connectors, laterConnectors, "connector type", b.Labels[0], b.LabelsAt[0])
	if spec == nil {
		return c
	}
	c.Owner = spec.Name + " " + quote(b.Labels[1])
	c.block = &flowfile.ConnectorBlock{Type: spec.Name, Name: full, At: placeOf(c.At), Common: flowfile.DefaultCommon(), Config: spec.Config()}
	d := r.decoder()
	laterNames := append(append([]string{}, laterCommon...), laterArguments[spec.Name]...)
	rest := d.Decode(c.Region, []string{"codec", "preprocessors", "postprocessors", "for_each"}, laterNames, c.block.Config, &c.block.Common)
	c.places = d.Places
	if !d.Failed {
		if _, err := c.block.Config.New(); err != nil {
			d.Refused(c.Owner, c.At, err)
		}
	}
	if !d.Failed {
		c.shape, c.sound = c.block.Config.Shape(), true
	}
	r.readCodec(c, rest)
	c.block.Pre = r.readChain(c, rest, "preprocessors", r.pre)
	c.block.Post = r.readChain(c, rest, "postprocessors", r.post)
	if !d.Failed {
		c.block.Fingerprint = r.fingerprint(spec.Name, c.block.Config, c.block.Common, c.block.Codec.Fingerprint, prints(c.block.Pre), prints(c.block.Post))
	}
	r.checkHistory(c)
	r.checkCollect(c, rest["postprocessors"].Expr)
	r.checkKeep(c)
	r.whole.file.Connectors = append(r.whole.file.Connectors, c.block)
	return c
}

func prints(uses []flow.ProcessorUse) []flow.Fingerprint {
	all := make([]flow.Fingerprint, len(uses))
	for i, use := range uses {
		all[i] = use.Fingerprint
	}
	return all
}

// checkHistory reports postprocessors that make of a message what only one
// connection can read: then nothing can be kept for others.
func (r *reader) checkHistory(c *connector) {
	if c.shape.Topics == nil || c.shape.Topics.History == nil {
		return
	}
	for _, p := range c.block.Post {
		if _, ok := p.New().(flow.Stateless); !ok {
			r.Errorf(c.places["topics.history"], "history cannot keep what %q makes: that depends on what a connection was sent before", p.Type)
		}
	}
}

func placeOf(rng hcl.Range) flow.Place { return flow.Place{File: rng.Filename, Line: rng.Start.Line} }

// readCodec reads the codec argument. Connectors that carry bytes of others
// must say which it is; for those that only make or take events of our own
// (exit, log, metronome, null) it is json.
func (r *reader) readCodec(c *connector, arguments map[string]source.Argument) {
	if a, ok := arguments["codec"]; ok {
		use, _ := r.codecs.use(r, a.Expr)
		c.block.Codec, c.framed = use.CodecUse, use.framing
		return
	}
	if !c.sound {
		return
	}
	own := !c.shape.Stream && !c.shape.Many && (c.shape.Role == flow.Source || c.shape.Role == flow.Target)
	for i := range r.tables.Codecs {
		if own && r.tables.Codecs[i].Name == impliedCodec {
			use, _ := r.buildCodec(&r.tables.Codecs[i], source.Region{Owner: "codec", At: c.At}, c.At)
			c.block.Codec = use.CodecUse
			return
		}
	}
	r.Errorf(c.At, "%s needs the argument codec", c.Owner).Hint(`it says how messages are spelled: codec = "json"`)
}

// readChain reads preprocessors or postprocessors and checks that messages
// have borders where the connector carries bytes: inwards the first processor
// must find them, outwards the last must mark them.
func (r *reader) readChain(c *connector, arguments map[string]source.Argument, name string, from *catalogue[flow.ProcessorConfig, processor]) []flow.ProcessorUse {
	inwards := name == "preprocessors"
	exists := !c.sound || inwards && c.shape.Out || !inwards && c.shape.In
	a, given := arguments[name]
	var chain []processor
	if given {
		var none, ok bool
		if chain, none, ok = r.chain(a, from); !ok {
			return nil
		}
		given = !none
		if !exists && len(chain) > 0 {
			direction := map[bool]string{true: "comes in", false: "goes out"}[inwards]
			r.Warnf(a.At, "%s have no effect: nothing %s through %s", name, direction, c.Owner)
			return nil
		}
	}
	if c.sound && exists && len(chain) == 0 && (!given || c.shape.Stream) {
		chain = r.framing(c, inwards, from)
	}
	if c.sound && c.shape.Stream && exists {
		border := 0
		if !inwards {
			border = len(chain) - 1
		}
		switch {
		case len(chain) > 0 && !chain[border].frames:
			position, what := "first", "find the borders of messages"
			if !inwards {
				position, what = "last", "mark the borders of messages"
			}
			r.Errorf(a.Expr.Range(), "%q cannot come %s: %s carries bytes, not messages", chain[border].name, position, c.Owner).
				Hint("put a processor %s that can %s, like %q", position, what, impliedFraming)
		}
	}
	uses := make([]flow.ProcessorUse, 0, len(chain))
	for _, p := range chain {
		make := p.in
		if !inwards {
			make = p.out
		}
		if inwards && p.frames && c.shape.Datagrams {
			make = eachAlone(make)
		}
		if make == nil {
			r.Errorf(a.Expr.Range(), "%q cannot stand in %s: it works in the other direction only", p.name, name)
			continue
		}
		uses = append(uses, flow.ProcessorUse{Type: p.name, New: make, Text: p.text, Fingerprint: p.print})
	}
	return uses
}

// framing is the processor of a connector that names none: the codec's, and on
// streams otherwise the implied one.
func (r *reader) framing(c *connector, inwards bool, from *catalogue[flow.ProcessorConfig, processor]) []processor {
	var text string
	if c.framed != nil {
		in, out := c.framed(c.shape.Stream)
		if text = out; inwards {
			text = in
		}
	}
	if text == "" && c.shape.Stream {
		text = quote(impliedFraming)
	}
	if text == "" {
		return nil
	}
	e, _ := hclsyntax.ParseExpression([]byte(text), c.At.Filename, c.At.Start)
	if p, ok := from.use(r, e); ok {
		return []processor{p}
	}
	return nil
}

// chain reads a list of processors; none when it is null, which names none.
func (r *reader) chain(a source.Argument, from *catalogue[flow.ProcessorConfig, processor]) (chain []processor, none, ok bool) {
	if t, diags := hcl.AbsTraversalForExpr(a.Expr); !diags.HasErrors() && t.RootName() == from.kind {
		r.Errorf(a.Expr.Range(), "%s wants a list", a.Name).Hint("write %s = [%s.%s]", a.Name, from.kind, source.Member(t))
		return nil, false, false
	}
	d := r.decoder()
	parts, none, ok := d.Parts(a.Expr, a.Name, false)
	if !ok {
		return nil, false, false
	}
	for _, e := range parts.Exprs {
		p, sound := from.use(r, e)
		ok = ok && sound
		chain = append(chain, p)
	}
	return chain, none, ok
}
