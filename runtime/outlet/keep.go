package outlet

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/queue"
	"go.uber.org/zap"
)

// keeper is the queue of an outlet that keeps events until they are confirmed. The
// outlet's mu guards it, but not while something is read or written.
type keeper struct {
	queue  *queue.Queue // nil before Keep, where it is persistent
	reader *queue.Reader
	close  func() (last bool)
	batch  queue.Batch // what is being written
	to     flow.Writer // whom it is, or was last, written to
	news   bool        // there may be something to do that the writer has not seen
	stop   bool        // nothing more is sent by this connection
	left   bool        // nor by any other: see LeaveKept
	known  uint64      // the number of the last event that has been counted as sent
	ended  bool
	// Of the question that is under way, if asked: its number, and where the events
	// end that its answer confirms.
	asked     bool
	questions uint64
	upTo      queue.Mark
	sent      queue.Mark // where the events end that this connection has been given
	unasked   bool       // there are such behind upTo
	heard     bool       // this connection's peer has answered a question
	watched   bool       // it is noticed when it does not
	gathering            // of several events that leave as one
}

// Sizes in bytes: of one write, and of what is sent and not confirmed, which bounds
// what is sent once more.
const (
	keptWrite    = 64 << 10
	keptOnTheWay = 4 << 20
)

// Keep gives an outlet its queue, which keeps what it is given until it is confirmed.
// close is called at the outlet's end, nil for nothing.
func (o *Outlet) Keep(q *queue.Queue, close func() (last bool)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := &keeper{queue: q, close: close}
	k.collector = encode.NewCollector(o.terms.Terms)
	k.reader = q.Reader(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.writeKept()
	})
	o.kept = k
}

// waiting counts the events that are queued, by either kind of queue.
func (o *Outlet) waiting() int {
	if o.kept == nil {
		return o.queue.len()
	}
	events, _ := o.kept.len()
	return events
}

func (k *keeper) len() (events, bytes int) {
	if k.queue == nil {
		return 0, 0
	}
	events, size := k.queue.Len()
	return events, int(size)
}

// pongs reports whether the peer confirms.
func (o *Outlet) pongs() bool { return o.terms.Keep != nil && o.terms.Keep.Pong }

// emptiedBy reports whether what is in the queue leaves it only while r reads on: what
// the peer confirms is read, and so is an answer, before the next question.
func (o *Outlet) emptiedBy(r *Reader) bool {
	return r != nil && r.Own == o && o.kept != nil && (o.pongs() || o.terms.Asks)
}

// keeping is a run on its way into the queue.
type keeping struct {
	outlet  *Outlet
	own     *Reader
	frames  []flow.Frame
	ends    []int // where those of each event end
	events  []int // which of the run these are
	n       int   // of the run
	refused Refusals
	dropped [][]flow.Frame // the oldest, which made room
}

// sendKept puts a run into a queue that keeps it, and waits until it is safe there. The
// caller holds mu, which is given up meanwhile.
//
//go:noinline // keeps a large frame off the stack of every reader
func (o *Outlet) sendKept(ctx context.Context, own *Reader, run []flow.Event) Refusals {
	t := Borrow()
	defer t.Release()
	s := &keeping{outlet: o, own: own, n: len(run)}
	for i := range run {
		had := len(t.frames)
		if err := o.Encode(&t.scratch, &t.frames, &t.buf, &run[i]); err != nil {
			s.refused.Add(len(run), i, Refusal{Kind: "encode", Err: err})
			continue
		}
		o.narrow(t.frames[had:])
		if err := queue.Keepable(t.frames[had:]); err != nil {
			t.frames = t.frames[:had]
			s.refused.Add(len(run), i, Refusal{Kind: "write", Err: err})
			continue
		}
		if len(t.frames) > had {
			s.ends, s.events = append(s.ends, len(t.frames)), append(s.events, i)
		}
	}
	s.frames = t.frames
	s.add(ctx)
	clear(t.frames)
	if len(s.dropped) > 0 {
		_ = o.unlocked(func() error {
			for _, frames := range s.dropped {
				o.terms.undelivered(ctx, frames, errDropped)
			}
			return nil
		})
	}
	return s.refused
}

// narrow leaves of the meta what the writer looks at, see flow.Shape's Wrote.
func (o *Outlet) narrow(frames []flow.Frame) {
	if len(frames) == 0 || frames[0].Meta == nil {
		return
	}
	var meta *flow.Object
	if under, ok := frames[0].Meta.Get(o.terms.Type); ok && o.terms.Wrote != nil {
		meta = flow.ObjectOf(flow.Field{Key: o.terms.Type, Value: under})
	}
	for i := range frames {
		frames[i].Meta = meta
	}
}

// errDropped is what became of an event that was kept, and made room.
var errDropped = errors.New("the queue is full, and this was the oldest event in it: dropped, as overflow says")

// undelivered tells of an event, the frames of it, that was accepted and will not arrive.
func (t *Terms) undelivered(ctx context.Context, frames []flow.Frame, why error) {
	if t.Undelivered == nil {
		return
	}
	var all []byte
	for _, f := range frames {
		all = append(all, f.Data...)
	}
	t.Undelivered(ctx, all, why)
}

// Kept counts the events that an outlet keeps which may still be sent, and tells whether
// somebody is there who takes them.
func (o *Outlet) Kept() (events int, there bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kept.left {
		return 0, false
	}
	remote, ok := o.writer.(flow.Remote)
	return o.waiting(), o.writer != nil && (!ok || !remote.Away())
}

// LeaveKept leaves what is in a queue on the disk to the next start: nothing more of it
// is sent, and Flush does not wait for what has been.
func (o *Outlet) LeaveKept() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept.left = true
	o.notify()
}

// add adds all events, as the policy allows.
func (s *keeping) add(ctx context.Context) {
	o, q := s.outlet, s.outlet.kept.queue
	for at, done := 0, 0; done < len(s.ends); {
		if o.closed != nil || q == nil {
			why := o.isClosed()
			if o.closed == nil {
				why = Refusal{Err: flow.ErrClosed}
			}
			s.refuse(done, len(s.ends), why)
			return
		}
		n, ticket := q.Add(s.frames, at, s.ends[done:])
		if n == 0 {
			changed := q.Changed()
			if n, ticket = q.Add(s.frames, at, s.ends[done:]); n == 0 {
				if why := s.makeRoom(ctx, changed); why.Err != nil {
					s.refuse(done, done+1, why)
					at = s.ends[done]
					done++
				}
				continue
			}
		}
		if ticket == nil {
			o.writeKept()
		} else if err := o.unlocked(func() error { return q.Wait(ctx, ticket) }); err != nil {
			s.refuse(done, done+n, Refusal{Err: err}) // the sender has it still
		}
		at = s.ends[done+n-1]
		done += n
	}
}

func (s *keeping) refuse(from, to int, why Refusal) {
	for _, i := range s.events[from:to] {
		s.refused.Add(s.n, i, why)
	}
}

// makeRoom does what the policy says when the queue is full: no error is to try again.
// Who empties a queue by reading does not wait for room in it, and in that of others,
// which may be waiting for this one, for no longer than a write may take.
func (s *keeping) makeRoom(ctx context.Context, changed <-chan struct{}) Refusal {
	o, limits := s.outlet, s.outlet.terms.Queue
	full := Refusal{Kind: "write", Err: flow.ErrFull}
	switch {
	case limits.Overflow == "drop_oldest":
		if frames, ok := o.kept.queue.Drop(); ok {
			o.terms.Counters.Dropped.Add(1)
			s.dropped = append(s.dropped, frames)
			return Refusal{}
		}
	case limits.Overflow != "block":
		o.terms.Counters.Dropped.Add(1)
		return full
	case s.own != nil && s.own.Own == o && (o.writer == nil || o.emptiedBy(s.own)):
		return full
	case s.own != nil && s.own.Own.emptiedBy(s.own):
		limited, cancel := context.WithTimeoutCause(ctx, time.Duration(limits.WriteTimeout), flow.ErrFull)
		defer cancel()
		ctx = limited
	}
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	mine := o.changed
	err := o.unlocked(func() error {
		select {
		case <-changed:
		case <-mine:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return nil
	})
	if errors.Is(err, flow.ErrFull) {
		return full
	}
	return Refusal{Err: err}
}

// putKept is Put.
func (o *Outlet) putKept(ctx context.Context, frames []flow.Frame) error {
	if o.kept.queue == nil {
		return flow.ErrGone
	}
	n, ticket := o.kept.queue.Add(frames, 0, []int{len(frames)})
	if n == 0 {
		return flow.ErrFull
	}
	o.writeKept()
	return o.unlocked(func() error { return o.kept.queue.Wait(ctx, ticket) })
}

// endKept gives the queue up, once nobody writes. It takes no lock that a writer needs.
func (o *Outlet) endKept() {
	o.mu.Lock()
	k := o.kept
	if k == nil || k.queue == nil || k.ended || o.closed == nil || o.writing {
		o.mu.Unlock()
		return
	}
	k.ended = true
	o.mu.Unlock()
	k.reader.End()
	if k.close == nil {
		return
	}
	left, _ := k.queue.Len()
	if k.close() && left > 0 {
		o.terms.Log.Info("events stay in the queue's directory for the next start", zap.Int("events", left), zap.String("directory", o.terms.Keep.Dir))
	}
}
