package link

import "github.com/flowrun/flowrun/runtime/flow"

// encoder spells events: a codec, then a chain of processors. It is used by
// one goroutine at a time.
type encoder struct {
	table  *Table
	codec  flow.Codec
	chain  []flow.Processor
	emits  []func([]byte) error
	into   *[]byte // where the running encode puts the bytes of its frames
	frames *[]flow.Frame
	made   flow.Frame // type and meta of what is being encoded
}

func (c *encoder) init(t *Table) {
	c.table, c.codec = t, t.cfg.Codec.New()
	n := len(t.cfg.Post)
	if n == 0 {
		return
	}
	c.chain = make([]flow.Processor, n)
	c.emits = make([]func([]byte) error, n)
	for i, use := range t.cfg.Post {
		c.chain[i] = use.New()
		if i == n-1 {
			c.emits[i] = c.emit
		} else {
			c.emits[i] = func(p []byte) error { return c.chain[i+1].Process(p, c.emits[i+1]) }
		}
	}
}

// stateless reports whether what the encoder makes of an event is the same for
// every connection.
func (c *encoder) stateless() bool {
	for _, p := range c.chain {
		if _, ok := p.(flow.Stateless); !ok {
			return false
		}
	}
	return true
}

// encodeRun encodes a run into the frames of a turn, and notes what cannot be.
func (c *encoder) encodeRun(t *turn, run []flow.Event) (refused []refusal) {
	for i := range run {
		if err := c.encode(t, &t.frames, &t.buf, &run[i]); err != nil {
			refuse(&refused, len(run), i, refusal{kind: "encode", err: err})
		}
	}
	return refused
}

// encode appends the frames of an event to *frames and their bytes to *buf;
// after an error they are as before.
func (c *encoder) encode(t *turn, frames *[]flow.Frame, buf *[]byte, e *flow.Event) error {
	had := len(*frames)
	c.made = flow.Frame{Binary: c.frameType(e), Meta: e.Meta.Wrote}
	c.frames, c.into = frames, buf
	err := c.encodeOne(t, e)
	c.frames, c.into = nil, nil
	if err != nil {
		*frames = (*frames)[:had]
	}
	return err
}

func (c *encoder) encodeOne(t *turn, e *flow.Event) error {
	if len(c.chain) == 0 {
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
	if t.scratch, err = c.codec.Encode(t.scratch[:0], e); err != nil {
		return err
	}
	return c.chain[0].Process(t.scratch, c.emits[0])
}

// emit takes what the last processor made.
func (c *encoder) emit(p []byte) error {
	start := len(*c.into)
	*c.into = append(*c.into, p...)
	c.add((*c.into)[start:len(*c.into):len(*c.into)])
	return nil
}

func (c *encoder) add(data []byte) {
	f := c.made
	f.Data = data
	*c.frames = append(*c.frames, f)
}

// frameType decides between text and binary: what the flow wrote; else the
// type the event came in, when it leaves in the same form; else what codec
// and processors make.
func (c *encoder) frameType(e *flow.Event) bool {
	if w := e.Meta.Wrote; w != nil {
		for _, under := range []string{c.table.cfg.Component.Type, "ws_server"} {
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
	if e.Origin != nil && e.Origin.Connector != nil && e.Origin.Connector.Coding == c.table.coding {
		return e.Meta.Binary
	}
	return c.table.binary
}
