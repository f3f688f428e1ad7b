package link

import "github.com/flowrun/flowrun/runtime/flow"

// encodeRun encodes a run into the frames of a turn, and notes what cannot be.
// The caller holds mu.
func (o *outlet) encodeRun(t *turn, run []flow.Event) (refused []refusal) {
	for i := range run {
		if err := o.encode(t, &t.frames, &t.buf, &run[i]); err != nil {
			refuse(&refused, len(run), i, "encode", err)
		}
	}
	return refused
}

// encode appends the frames of an event to *frames and their bytes to *buf;
// after an error they are as before. The caller holds mu.
func (o *outlet) encode(t *turn, frames *[]flow.Frame, buf *[]byte, e *flow.Event) error {
	had := len(*frames)
	o.made = flow.Frame{Binary: o.frameType(e), Meta: e.Meta.Wrote}
	o.frames, o.into = frames, buf
	err := o.encodeOne(t, e)
	o.frames, o.into = nil, nil
	if err != nil {
		*frames = (*frames)[:had]
	}
	return err
}

func (o *outlet) encodeOne(t *turn, e *flow.Event) error {
	if len(o.chain) == 0 {
		start := len(*o.into)
		b, err := o.codec.Encode(*o.into, e)
		if err != nil {
			return err
		}
		*o.into = b
		o.add(b[start:len(b):len(b)])
		return nil
	}
	var err error
	if t.scratch, err = o.codec.Encode(t.scratch[:0], e); err != nil {
		return err
	}
	return o.chain[0].Process(t.scratch, o.emits[0])
}

// emit takes what the last processor made.
func (o *outlet) emit(p []byte) error {
	start := len(*o.into)
	*o.into = append(*o.into, p...)
	o.add((*o.into)[start:len(*o.into):len(*o.into)])
	return nil
}

func (o *outlet) add(data []byte) {
	f := o.made
	f.Data = data
	*o.frames = append(*o.frames, f)
}

// frameType decides between text and binary: what the flow wrote; else the
// type the event came in, when it leaves in the same form; else what codec
// and processors make.
func (o *outlet) frameType(e *flow.Event) bool {
	if w := e.Meta.Wrote; w != nil {
		for _, under := range []string{o.table.cfg.Component.Type, "ws_server"} {
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
	if e.Origin != nil && e.Origin.Connector != nil && e.Origin.Connector.Coding == o.table.coding {
		return e.Meta.Binary
	}
	return o.table.binary
}
