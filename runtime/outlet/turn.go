package outlet

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Turn is what somebody who sends needs while they are at it: room for what is
// encoded, and the outlets that are to be written at its end. One goroutine uses
// it at a time.
type Turn struct {
	frames []flow.Frame // encoded
	of     []int        // by frame, the event of the run that it is made of; where that is noted
	buf    []byte       // their bytes
	// scratch is what the codec made, before the processors make frames of it.
	scratch []byte
	// spread lists the outlets that have to be written at the end; they bear mark.
	spread []*Outlet
	mark   uint64
	now    int64 // when somebody last looked at the clock
	looks  int   // that were asked for
}

// clockEvery is how many outlets that are written without waiting share one look at
// the clock, which costs more than anything else that is counted.
const clockEvery = 16

func (t *Turn) clock() int64 {
	if t.looks%clockEvery == 0 {
		t.now = clock()
	}
	t.looks++
	return t.now
}

// maxIdleBuffer bounds what a turn keeps for its next user.
const maxIdleBuffer = 64 << 10

var turns = sync.Pool{New: func() any { return &Turn{} }}

// Borrow returns a turn, to be released.
func Borrow() *Turn { return turns.Get().(*Turn) }

// Release gives a turn back that was borrowed.
func (t *Turn) Release() {
	if t.Reset() {
		turns.Put(t)
	}
}

// Reset forgets what the turn was used for, and reports whether it is worth being
// kept for the next use.
func (t *Turn) Reset() bool {
	*t = Turn{frames: t.frames[:0], of: t.of[:0], buf: t.buf[:0], scratch: t.scratch[:0], spread: t.spread[:0]}
	return cap(t.buf) <= maxIdleBuffer && cap(t.scratch) <= maxIdleBuffer && cap(t.spread) <= 16384
}

// marks numbers the times that turns write what they have spread.
var marks atomic.Uint64

// writeLater notes an outlet that is to be written at the end of the turn, once.
// The caller holds its mu.
func (t *Turn) writeLater(o *Outlet) {
	if t.mark == 0 {
		t.mark = marks.Add(1)
	}
	if o.mark != t.mark {
		o.mark = t.mark
		t.spread = append(t.spread, o)
	}
}

// WriteSpread writes what the turn has put into the queues of others.
func (t *Turn) WriteSpread() {
	if len(t.spread) > 0 {
		t.writeSpread()
	}
}

func (t *Turn) writeSpread() {
	t.looks = 0
	for i, o := range t.spread {
		o.mu.Lock()
		o.writeNow(t.clock())
		o.mu.Unlock()
		t.spread[i] = nil
	}
	t.spread, t.mark = t.spread[:0], 0
}

// Share is a run of events that is encoded once for several connections. Nobody
// changes its frames.
type Share struct {
	Frames  []flow.Frame
	Ends    []int // per event, where its frames end
	Refused Refusals
}

// NewShare encodes a run. shared says that writers keep with a frame what they
// make of it, see flow.Frame. The caller lets nobody else use c meanwhile.
func NewShare(c *encode.Encoder, run []flow.Event, shared bool) *Share {
	t := Borrow()
	defer t.Release()
	size := 0
	for i := range run {
		size += len(run[i].Raw) + 16
	}
	s := &Share{Frames: make([]flow.Frame, 0, len(run)), Ends: make([]int, len(run))}
	buf := make([]byte, 0, size)
	for i := range run {
		if err := c.Encode(&t.scratch, &s.Frames, &buf, &run[i]); err != nil {
			s.Refused.Add(len(run), i, Refusal{Kind: "encode", Err: err})
		}
		s.Ends[i] = len(s.Frames)
	}
	if shared {
		room := make([]flow.Shared, len(s.Frames))
		for i := range s.Frames {
			s.Frames[i].Shared = &room[i]
		}
	}
	return s
}

// Take puts the frames of a share into the queue, as its policy allows. They are
// written at the end of the turn, or now. It returns how many events were for a
// connection that is gone, and an error when ctx ended while it waited for room.
func (o *Outlet) Take(ctx context.Context, s *Share, t *Turn, now bool) (lost int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from := 0
	for i, end := range s.Ends {
		part := s.Frames[from:end:end]
		from = end
		if len(part) == 0 {
			continue // it was refused
		}
		err := o.enqueue(ctx, false, part)
		switch {
		case err == nil:
		case o.closed != nil:
			return len(s.Ends) - i, nil
		case errors.Is(err, flow.ErrFull):
			o.terms.Counters.Dropped.Add(1)
		default:
			return 0, err
		}
	}
	switch {
	case now && o.terms.Queue.Overflow == "block":
		o.writeNow(clock()) // since when it may have waited
	case now:
		o.writeNow(t.clock())
	default:
		t.writeLater(o)
	}
	return 0, nil
}

// Replay queues messages, the frames of each, as answers to the connection's
// own: its reader, who calls this, waits. It is false when the connection is gone.
func (o *Outlet) Replay(ctx context.Context, messages iter.Seq[[]flow.Frame]) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for frames := range messages {
		frames = slices.Clone(frames)
		for i := range frames {
			frames[i].Time = 0 // how long ago that was is no latency
		}
		if o.enqueue(ctx, true, frames) != nil {
			return false
		}
	}
	o.writeNow(clock())
	return true
}

// Put queues frames that are made of no event, as the policy allows, and sees to
// it that they are written. It fails with flow.ErrGone where there is no
// connection that can take them, with flow.ErrFull, or with ctx's error.
func (o *Outlet) Put(ctx context.Context, frames []flow.Frame) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.terms.Queue == nil || o.writer == nil {
		return flow.ErrGone
	}
	if o.kept != nil {
		return o.putKept(ctx, frames)
	}
	err := o.enqueue(ctx, false, frames)
	o.writeNow(clock())
	return err
}

// enqueue makes room for frames, and puts them there. The caller holds mu.
func (o *Outlet) enqueue(ctx context.Context, mine bool, frames []flow.Frame) error {
	size := sizeOf(frames)
	err := o.makeRoom(ctx, mine, size)
	if err == nil {
		o.queue.share(frames, size)
	}
	return err
}

func sizeOf(frames []flow.Frame) (n int) {
	for _, f := range frames {
		n += len(f.Data)
	}
	return n
}
