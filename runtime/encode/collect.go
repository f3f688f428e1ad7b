package encode

import (
	"errors"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Collector makes frames of events that have waited in a queue: several become one. It
// is used by one goroutine at a time.
type Collector struct {
	chain
	MaxBytes int           // so many bytes need not wait for more
	MaxWait  time.Duration // how long fewer wait

	// Frames are what the last Collect has made; they are valid until the next.
	Frames []flow.Frame
	of     []span // per frame, the events in it
	events int    // how many there were
	lost   []lost

	buf   []byte
	group span       // the events that are held
	made  flow.Frame // kind and meta of what is held
}

// span is some events, by their places.
type span struct{ from, to int }

type lost struct {
	span
	why error
}

// NewCollector returns the one of a connector; nil where messages leave alone.
func NewCollector(t *Terms) *Collector {
	if len(t.Tail) == 0 {
		return nil
	}
	c := &Collector{}
	c.init(t.Tail, c.emit)
	c.MaxBytes, c.MaxWait = c.procs[0].(flow.Collector).Collects()
	return c
}

// Collect makes frames of the events, the frames of each.
func (c *Collector) Collect(events int, frames func(i int) []flow.Frame) {
	c.Frames, c.of, c.lost, c.buf = c.Frames[:0], c.of[:0], c.lost[:0], nil
	c.events, c.group = events, span{}
	for i := range events {
		for _, f := range frames(i) {
			if c.group.to > c.group.from && !alike(&c.made, &f) {
				c.finish(i)
			}
			c.process(i, f)
		}
	}
	c.finish(events)
}

// process takes a frame of event i. What it makes leave is of the events before.
func (c *Collector) process(i int, f flow.Frame) {
	data := f.Data
	f.Data, f.Shared = nil, nil
	if c.group.to == c.group.from {
		c.begin(i, f)
	}
	before, held := len(c.Frames), c.group
	err := c.procs[0].Process(data, c.emits[0])
	if err != nil {
		c.lose(held, err)
	}
	if err != nil || len(c.Frames) > before {
		c.begin(i, f)
	}
	c.group.to = i + 1
}

func (c *Collector) begin(i int, f flow.Frame) {
	c.group, c.made = span{i, i}, f
	if c.dater != nil {
		c.dater.Date(f.Time)
	}
}

// finish lets go what is held, of the events before i.
func (c *Collector) finish(i int) {
	for k, p := range c.procs {
		if err := p.Finish(c.emits[k]); err != nil {
			c.lose(c.group, err)
		}
	}
	c.group = span{i, i}
}

// alike reports whether frames can leave as one.
func alike(a, b *flow.Frame) bool {
	if a.Binary != b.Binary {
		return false
	}
	return a.Meta == b.Meta || a.Meta != nil && b.Meta != nil && flow.MapOf(a.Meta).Equal(flow.MapOf(b.Meta))
}

func (c *Collector) emit(p []byte) error {
	start := len(c.buf)
	c.buf = append(c.buf, p...)
	f := c.made
	f.Data = c.buf[start:len(c.buf):len(c.buf)]
	c.Frames, c.of = append(c.Frames, f), append(c.of, c.group)
	return nil
}

func (c *Collector) lose(of span, err error) {
	if loss := (*flow.Loss)(nil); errors.As(err, &loss) {
		err = loss.Err
	}
	c.lost = append(c.lost, lost{of, err})
}

// Of are the places of the first event that is in frame k, and of the one behind the last.
func (c *Collector) Of(k int) (from, to int) { return c.of[k].from, c.of[k].to }

// Done is how many events are done with, when the first n frames are.
func (c *Collector) Done(n int) int {
	if n >= len(c.of) {
		return c.events
	}
	return c.of[n].from
}

// Lost calls f for each event of which no frame could be made.
func (c *Collector) Lost(f func(i int, why error)) {
	for _, l := range c.lost {
		for i := l.from; i < l.to; i++ {
			f(i, l.why)
		}
	}
}
