package link

import (
	"context"
	"sync"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/outlet"
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
	c.Init(t.terms.Terms)
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
		s.turn = own.Turn
	} else {
		s.turn = outlet.Borrow()
		defer s.turn.Release()
		defer s.turn.WriteSpread()
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
	own   *outlet.Reader // who sends; nil when none does
	turn  *outlet.Turn   // which writes what is put into queues at its end: of the reader, or of this Send alone
	waits bool           // one connection may hold back the others
	now   bool           // each is written at once: there is nothing to be gained by waiting for the end of the turn
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
func (s *sending) deliver(outlets []*outlet.Outlet, run []flow.Event, made *outlet.Share, base int) {
	t := s.table
	if len(outlets) == 0 {
		t.unheard.Add(uint64(len(run)))
		return
	}
	if s.waits {
		s.own.Uncork(s.ctx) // this may take long
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
		n, stopped := o.Take(s.ctx, made, s.turn, s.now)
		lost += n
		if stopped != nil {
			made.Refused.AddAll(len(run), outlet.Refusal{Err: stopped})
			break
		}
	}
	t.lose(lost, flow.ErrGone)
	s.tell(made.Refused, run, base)
}

// tell reports what was refused, which may take long: what has been put into
// queues is written before.
func (s *sending) tell(refused outlet.Refusals, run []flow.Event, base int) {
	if refused != nil {
		s.turn.WriteSpread()
	}
	for i, why := range refused {
		s.table.tell(s.ctx, why, &run[i], base+i, &s.err)
	}
}

// encode encodes a run, once for all connections.
func (f *fanout) encode(run []flow.Event) *outlet.Share {
	f.mu.Lock()
	defer f.mu.Unlock()
	return outlet.NewShare(f.once, run, f.table.cfg.Shape.Shares)
}

// sendEach lets each connection encode for itself.
func (s *sending) sendEach(outlets []*outlet.Outlet, run []flow.Event, base int) {
	refused := make([]outlet.Refusals, len(outlets))
	for k, o := range outlets {
		refused[k] = o.Send(s.ctx, nil, run)
	}
	for i := range run {
		why, gone := verdict(refused, i)
		s.table.lose(gone, flow.ErrGone)
		s.table.tell(s.ctx, why, &run[i], base+i, &s.err)
	}
}

// outlets lists the connections that can be written to. The slice is shared and
// made anew when connections have come or gone.
func (t *Table) outlets() []*outlet.Outlet {
	t.mu.RLock()
	open := t.open
	t.mu.RUnlock()
	if open != nil {
		return open
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = make([]*outlet.Outlet, 0, len(t.links))
		for _, l := range t.links {
			if l.writes && !t.closed {
				t.open = append(t.open, l.out)
			}
		}
	}
	return t.open
}
