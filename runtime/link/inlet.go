package link

import (
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
)

// inlet is the inward half of a link: a chain of processors, then the codec.
type inlet struct {
	link  *Link
	chain []flow.Processor
	emits []func([]byte) error // emits[i] takes what chain[i] emits
	dated flow.Dated           // that of the chain; nil for none
	codec flow.Codec
	turn  *turn     // while Receive or Close runs
	last  flow.Meta // of the last frame, for what the chain holds when the connection ends
}

func (in *inlet) init(l *Link) {
	cfg := &l.table.cfg
	in.link, in.codec = l, cfg.Codec.New()
	if len(cfg.Pre) == 0 {
		return
	}
	in.chain = make([]flow.Processor, len(cfg.Pre))
	in.emits = make([]func([]byte) error, len(cfg.Pre))
	for i, use := range cfg.Pre {
		in.chain[i] = use.New()
		if d, ok := in.chain[i].(flow.Dated); ok {
			in.dated = d
		}
		if i == len(cfg.Pre)-1 {
			in.emits[i] = in.decode
		} else {
			in.emits[i] = func(p []byte) error { in.step(i+1, p); return nil }
		}
	}
}

// holds reports whether events may point into a processor's memory, which the
// next Process may overwrite.
func (in *inlet) holds() bool { return len(in.chain) > 0 }

// process takes one frame.
func (in *inlet) process(p []byte) {
	if len(in.chain) == 0 {
		_ = in.decode(p) // reports by itself
		return
	}
	in.report(in.chain[0].Process(p, in.emits[0]))
}

// step feeds a processor that is not the first. It runs again while the turn
// goes on, so what it emitted before must be gone.
func (in *inlet) step(i int, p []byte) {
	in.link.send()
	in.report(in.chain[i].Process(p, in.emits[i]))
}

// held is what flow.Link's Held returns.
func (in *inlet) held() (n int64, known bool) {
	for i, p := range in.chain {
		h, ok := p.(flow.Holder)
		switch {
		case ok && i == 0:
			n = h.Held()
		case ok && h.Held() > 0:
			return 0, false
		}
	}
	return n, true
}

// finish ends the stream: each processor gives what it holds to the next.
func (in *inlet) finish() {
	for i, p := range in.chain {
		in.link.send()
		in.report(p.Finish(in.emits[i]))
	}
}

// empty adds an event that nothing was sent for.
//
//go:noinline // keeps a large frame off the stack of every reader
func (in *inlet) empty() {
	t := in.turn
	t.batch = append(t.batch, flow.Event{Meta: t.meta, Origin: &in.link.origin, Time: t.time})
}

// decode makes an event of a message and adds it to the batch.
func (in *inlet) decode(message []byte) error {
	t := in.turn
	t.batch = append(t.batch, flow.Event{Meta: t.meta, Origin: &in.link.origin, Time: t.time})
	e := &t.batch[len(t.batch)-1]
	if in.dated != nil {
		e.Time = in.dated.Came()
	}
	if err := in.codec.Decode(e, message); err != nil {
		t.batch = t.batch[:len(t.batch)-1]
		if none := (interface{ NoEvent() })(nil); !errors.As(err, &none) {
			in.link.problem(unlessCut("decode", err), message, err)
		}
	}
	return nil
}

// report tells of the messages that a processor lost.
func (in *inlet) report(err error) {
	if err == nil {
		return
	}
	losses(err, func(raw []byte, cause error) { in.link.problem(unlessCut("receive", cause), raw, cause) })
}

// unlessCut is the kind of a problem that would be of another kind if the message had
// not been cut off.
func unlessCut(kind string, err error) string {
	if cut := (interface{ Truncated() })(nil); errors.As(err, &cut) {
		return "truncated"
	}
	return kind
}

// losses calls f for each message that err, the result of a processor, says
// is lost.
func losses(err error, f func(raw []byte, cause error)) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			losses(e, f)
		}
		return
	}
	if loss := (*flow.Loss)(nil); errors.As(err, &loss) {
		f(loss.Raw, loss.Err)
		return
	}
	f(nil, err)
}
