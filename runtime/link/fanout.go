package link

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
)

// fanout is the `in` of an edge that delivers each event to several connections
// at once: to all that are open, or to those that whom finds.
//
// An event is encoded once for all of them, unless a processor has a state per
// connection, and put into the queue of each: the frames are shared, and
// nobody changes them. The reader whose message it is gets it in the same way,
// behind the replies it has been given before. An event is delivered
// when each queue has taken it or dropped it as its policy says. An event that
// the flow has addressed goes to that connection alone: what is meant for one
// is never told to all.
type fanout struct {
	table *Table
	whom  *Whom    // nil for all
	one   *replies // for what is addressed
	mu    sync.Mutex
	once  *encode.Encoder // nil where each connection encodes for itself
}

func newFanout(t *Table, whom *Whom, lostErr bool) *fanout {
	f := &fanout{table: t, whom: whom, one: &replies{table: t, lostErr: lostErr}}
	c := &encode.Encoder{}
	c.Init(t.terms)
	if c.Stateless() {
		f.once = c
	}
	return f
}

// Send implements flow.Sink.
func (f *fanout) Send(ctx context.Context, batch []flow.Event) error {
	own := reader(ctx)
	s := sending{fanout: f, ctx: ctx, own: own, waits: f.table.waits()}
	s.now = s.waits || own == nil && f.whom == nil
	if own != nil {
		s.turn = own.inlet.turn
	} else {
		s.turn = turns.Get().(*turn)
		defer s.turn.release()
		defer s.turn.writeSpread()
	}
	from := 0
	for i := range batch {
		if _, addressed := f.table.address(&batch[i]); addressed {
			s.send(batch[from:i], from)
			f.one.route(ctx, own, batch[i:i+1], i, &s.err)
			from = i + 1
		}
	}
	s.send(batch[from:], from)
	return s.err
}

// waits reports whether one connection may hold back who sends to it.
func (t *Table) waits() bool {
	return t.cfg.Shape.Queue == nil || t.cfg.Shape.Queue.Overflow == "block"
}

// sending is a Send of a fanout at work.
type sending struct {
	*fanout
	ctx   context.Context
	own   *Link // whose reader sends; nil when none does
	turn  *turn // which writes what is put into queues at its end: of the reader, or of this Send alone
	waits bool  // one connection may hold back the others
	now   bool  // each is written at once: there is nothing to be gained by waiting for the end of the turn
	err   error
}

// send delivers a run of which base is the place in the batch.
func (s *sending) send(run []flow.Event, base int) {
	if len(run) == 0 {
		return
	}
	if s.whom == nil {
		s.deliver(s.table.outlets(), run, nil, base)
		return
	}
	for i := range run {
		s.sendNamed(run[i:i+1], base+i)
	}
}

// deliver puts a run into the queues of outlets; made is what it has been
// encoded to, where that has been done.
func (s *sending) deliver(outlets []*outlet, run []flow.Event, made *share, base int) {
	t := s.table
	if len(outlets) == 0 {
		t.unheard.Add(uint64(len(run)))
		return
	}
	if s.waits {
		s.own.uncork(s.ctx) // this may take long
	}
	if s.once == nil || t.cfg.Shape.Queue == nil {
		s.sendEach(outlets, run, base)
		return
	}
	if made == nil {
		made = s.encode(run)
	}
	lost := 0
	for _, o := range outlets {
		n, stopped := o.take(s.ctx, made, s.turn, s.now)
		lost += n
		if stopped != nil {
			refuseRun(&made.refused, len(run), refusal{err: stopped})
			break
		}
	}
	t.lose(lost, flow.ErrGone)
	s.tell(made.refused, run, base)
}

// tell reports what was refused, which may take long: what has been put into
// queues is written before.
func (s *sending) tell(refused []refusal, run []flow.Event, base int) {
	if refused != nil {
		s.turn.writeSpread()
	}
	for i, why := range refused {
		s.table.tell(s.ctx, why, &run[i], base+i, &s.err)
	}
}

// share is what a batch is for all connections.
type share struct {
	frames  []flow.Frame
	ends    []int // per event, where its frames end
	refused []refusal
}

func (f *fanout) encode(batch []flow.Event) *share {
	t := turns.Get().(*turn)
	defer t.release()
	size := 0
	for i := range batch {
		size += len(batch[i].Raw) + 16
	}
	s := &share{frames: make([]flow.Frame, 0, len(batch)), ends: make([]int, len(batch))}
	buf := make([]byte, 0, size)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range batch {
		if err := f.once.Encode(&t.scratch, &s.frames, &buf, &batch[i]); err != nil {
			refuse(&s.refused, len(batch), i, refusal{kind: "encode", err: err})
		}
		s.ends[i] = len(s.frames)
	}
	if f.table.cfg.Shape.Shares {
		shared := make([]flow.Shared, len(s.frames))
		for i := range s.frames {
			s.frames[i].Shared = &shared[i]
		}
	}
	return s
}

// sendEach lets each connection encode for itself.
func (s *sending) sendEach(outlets []*outlet, run []flow.Event, base int) {
	refused := make([][]refusal, len(outlets))
	for k, o := range outlets {
		refused[k] = o.send(s.ctx, nil, run)
	}
	for i := range run {
		why, gone := verdict(refused, i)
		s.table.lose(gone, flow.ErrGone)
		s.table.tell(s.ctx, why, &run[i], base+i, &s.err)
	}
}

// take puts the frames of a batch into the queue, as its policy allows. They are
// written at the end of a turn, or now. It returns how many events were for a
// connection that is gone, and an error when ctx ended while it waited for room.
func (o *outlet) take(ctx context.Context, s *share, t *turn, now bool) (lost int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from := 0
	for i, end := range s.ends {
		part := s.frames[from:end:end]
		from = end
		if len(part) == 0 {
			continue // it was refused
		}
		size := sizeOf(part)
		err := o.makeRoom(ctx, false, size)
		switch {
		case err == nil:
			o.queue.share(part, size)
		case o.closed != nil:
			return len(s.ends) - i, nil
		case errors.Is(err, flow.ErrFull):
			o.table.dropped.Add(1)
		default:
			return 0, err
		}
	}
	if now {
		o.writeNow()
	} else {
		t.writeLater(o)
	}
	return 0, nil
}

func sizeOf(frames []flow.Frame) (n int) {
	for _, f := range frames {
		n += len(f.Data)
	}
	return n
}

// marks numbers the times that turns write what they have spread.
var marks atomic.Uint64

// writeLater notes an outlet that is to be written at the end of the turn, once.
// The caller holds its mu.
func (t *turn) writeLater(o *outlet) {
	if t.mark == 0 {
		t.mark = marks.Add(1)
	}
	if o.mark != t.mark {
		o.mark = t.mark
		t.spread = append(t.spread, o)
	}
}

// writeSpread writes what the turn has put into the queues of others.
func (t *turn) writeSpread() {
	for i, o := range t.spread {
		o.mu.Lock()
		o.writeNow()
		o.mu.Unlock()
		t.spread[i] = nil
	}
	t.spread, t.mark = t.spread[:0], 0
}

// outlets lists the connections that can be written to. The slice is shared and
// made anew when connections have come or gone.
func (t *Table) outlets() []*outlet {
	t.mu.RLock()
	open := t.open
	t.mu.RUnlock()
	if open != nil {
		return open
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = make([]*outlet, 0, len(t.links))
		for _, l := range t.links {
			if l.writes {
				t.open = append(t.open, l.out)
			}
		}
	}
	return t.open
}
