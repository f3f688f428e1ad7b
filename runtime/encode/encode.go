// Package encode spells events as frames: a codec, then a chain of processors,
// as one connection uses them, or several where that makes no difference. Where a
// processor makes one message of several, the chain ends before it, and a [Collector]
// goes on with what has waited in a queue.
package encode

import (
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Terms are what the encoders of one connector have in common.
type Terms struct {
	Type   string // of the connector, which a flow may write a frame type under
	Codec  flow.CodecUse
	Post   []flow.ProcessorUse    // up to the flow.Collector
	Tail   []flow.ProcessorUse    // it, and those behind it; none where there is none
	Wrote  func(flow.Value) error // checks what the flow wrote into meta.<type>; nil where that cannot be wrong
	Asks   bool                   // frames are for a flow.Asker
	Most   int                    // bytes of a frame; 0 for no limit
	coding string
	binary bool
	media  string // "" for what follows from binary
}

// NewTerms returns the terms of a connector of the given type and shape.
func NewTerms(typ string, shape flow.Shape, codec flow.CodecUse, post []flow.ProcessorUse) *Terms {
	t := &Terms{Type: typ, Wrote: shape.Wrote, Asks: shape.Asks, Most: shape.MaxFrame, Codec: codec, Post: post, coding: Coding(post, codec.Type, true), binary: !codec.Text}
	for i, p := range post {
		t.binary = t.binary || !p.Text
		if _, ok := p.New().(flow.Collector); ok && t.Tail == nil {
			t.Post, t.Tail = post[:i], post[i:]
		}
	}
	if len(post) == 0 {
		t.media = codec.MediaType
	}
	return t
}

// Binary is the frame type where nothing else says it.
func (t *Terms) Binary() bool { return t.binary }

// MediaType says what the messages are, in MIME's words.
func (t *Terms) MediaType() string {
	switch {
	case t.media != "":
		return t.media
	case t.binary:
		return "application/octet-stream"
	}
	return "text/plain; charset=utf-8"
}

// Coding names processors and codec in the order of the way in, to see whether
// an event leaves in the form that it came in.
func Coding(ps []flow.ProcessorUse, codec string, outward bool) string {
	names := make([]string, len(ps), len(ps)+1)
	for i, p := range ps {
		if outward {
			i = len(ps) - 1 - i
		}
		names[i] = p.Type
	}
	return strings.Join(append(names, codec), " ")
}

// Encoder spells events. It is used by one goroutine at a time.
type Encoder struct {
	terms *Terms
	codec flow.Codec
	chain
	into   *[]byte // where the running encode puts the bytes of its frames
	frames *[]flow.Frame
	made   flow.Frame // type and meta of what is being encoded
}

// Init makes the codec and the processors.
func (c *Encoder) Init(t *Terms) {
	c.terms, c.codec = t, t.Codec.New()
	if len(t.Post) > 0 {
		c.init(t.Post, c.emit)
	}
}

// chain is processors, of which each gives what it makes to the next.
type chain struct {
	procs []flow.Processor
	emits []func([]byte) error
	dater flow.Dater // the one there is; nil for none
}

// init makes the processors. The last one gives what it makes to emit.
func (c *chain) init(uses []flow.ProcessorUse, emit func([]byte) error) {
	n := len(uses)
	c.procs = make([]flow.Processor, n)
	c.emits = make([]func([]byte) error, n)
	for i, use := range uses {
		c.procs[i] = use.New()
		if d, ok := c.procs[i].(flow.Dater); ok {
			c.dater = d
		}
		if i == n-1 {
			c.emits[i] = emit
		} else {
			c.emits[i] = func(p []byte) error { return c.procs[i+1].Process(p, c.emits[i+1]) }
		}
	}
}

// Stateless reports whether what the encoder makes of an event is the same for
// every connection.
func (c *Encoder) Stateless() bool {
	for _, p := range c.procs {
		if _, ok := p.(flow.Stateless); !ok {
			return false
		}
	}
	return true
}

// Encode appends the frames of an event to *frames and their bytes to *buf;
// after an error they are as before. *scratch is room for what the codec makes
// before the processors make frames of it.
func (c *Encoder) Encode(scratch *[]byte, frames *[]flow.Frame, buf *[]byte, e *flow.Event) error {
	if e.Meta.Wrote != nil && c.terms.Wrote != nil {
		if under, ok := e.Meta.Wrote.Get(c.terms.Type); ok {
			if err := c.terms.Wrote(under); err != nil {
				return err
			}
		}
	}
	had := len(*frames)
	c.made = flow.Frame{Binary: c.frameType(e), Meta: e.Meta.Wrote, Time: e.Time, Trace: e.OnwardTrace()}
	c.frames, c.into = frames, buf
	if c.terms.Asks {
		c.made.Origin, c.made.Empty = e.Origin, e.IsNull()
	}
	err := c.encodeOne(scratch, e)
	c.frames, c.into = nil, nil
	if most := c.terms.Most; most > 0 && err == nil {
		err = tooLong((*frames)[had:], most)
	}
	if err != nil {
		*frames = (*frames)[:had]
	}
	return err
}

func tooLong(frames []flow.Frame, most int) error {
	for i := range frames {
		if n := len(frames[i].Data); n > most {
			return fmt.Errorf("a message of %d bytes is longer than can be sent in one piece, %d", n, most)
		}
	}
	return nil
}

func (c *Encoder) encodeOne(scratch *[]byte, e *flow.Event) error {
	if c.made.Empty {
		c.add(nil)
		return nil
	}
	if len(c.procs) == 0 {
		start := len(*c.into)
		b, err := c.codec.Encode(*c.into, e)
		if err != nil {
			return err
		}
		*c.into = b
		c.add(b[start:len(b):len(b)])
		return nil
	}
	var err error
	if *scratch, err = c.codec.Encode((*scratch)[:0], e); err != nil {
		return err
	}
	if c.dater != nil {
		c.dater.Date(e.Time)
	}
	return c.procs[0].Process(*scratch, c.emits[0])
}

// emit takes what the last processor made.
func (c *Encoder) emit(p []byte) error {
	start := len(*c.into)
	*c.into = append(*c.into, p...)
	c.add((*c.into)[start:len(*c.into):len(*c.into)])
	return nil
}

func (c *Encoder) add(data []byte) {
	// In place: a frame on the stack of every reader is what a message would cost.
	*c.frames = append(*c.frames, flow.Frame{})
	f := &(*c.frames)[len(*c.frames)-1]
	*f = c.made
	f.Data = data
}

// frameType decides between text and binary: what the flow wrote; else the
// type the event came in, when it leaves in the same form; else what codec
// and processors make.
func (c *Encoder) frameType(e *flow.Event) bool {
	if w := e.Meta.Wrote; w != nil {
		for _, under := range []string{c.terms.Type, "ws_server"} {
			if v, ok := w.Get(under); ok {
				if b, ok := v.Object().Get("binary"); ok && b.Kind() == flow.Bool {
					return b.Bool()
				}
			}
		}
		if b, ok := w.Get("binary"); ok && b.Kind() == flow.Bool {
			return b.Bool()
		}
	}
	if e.Origin != nil && e.Origin.Connector != nil && e.Origin.Connector.Coding == c.terms.coding {
		return e.Meta.Binary
	}
	return c.terms.binary
}
