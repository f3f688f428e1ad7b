package link

import (
	"context"
	"errors"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
)

// broadcast is the `in` of an edge that delivers each event to every open
// connection.
//
// An event is encoded once for all of them, unless a processor has a state per
// connection, and put into the queue of each: the frames are shared, and
// nobody changes them. The reader whose message is broadcast gets it in the
// same way, behind the replies it has been given before. An event is delivered
// when each queue has taken it or dropped it as its policy says. An event that
// the flow has addressed goes to that connection alone: what is meant for one
// is never told to all.
type broadcast struct {
	table *Table
	one   *replies // for what is addressed
	mu    sync.Mutex
	once  *encoder // nil where each connection encodes for itself
}

func newBroadcast(t *Table, lostErr bool) *broadcast {
	b := &broadcast{table: t, one: &replies{table: t, lostErr: lostErr}}
	c := &encoder{}
	c.init(t)
	if c.stateless() {
		b.once = c
	}
	return b
}

// Send implements flow.Sink.
func (b *broadcast) Send(ctx context.Context, batch []flow.Event) error {
	var err error
	from := 0
	for i := range batch {
		if _, addressed := b.table.address(&batch[i]); addressed {
			b.sendAll(ctx, batch[from:i], from, &err)
			b.one.route(ctx, reader(ctx), batch[i:i+1], i, &err)
			from = i + 1
		}
	}
	b.sendAll(ctx, batch[from:], from, &err)
	return err
}

// sendAll delivers a run to all connections. base is its place in the batch that
// err speaks of.
func (b *broadcast) sendAll(ctx context.Context, run []flow.Event, base int, err *error) {
	if len(run) == 0 {
		return
	}
	t := b.table
	outlets := t.outlets()
	if len(outlets) == 0 {
		t.unheard.Add(uint64(len(run)))
		return
	}
	own := reader(ctx)
	waits := t.cfg.Shape.Queue == nil || t.cfg.Shape.Queue.Overflow == "block"
	if waits {
		own.uncork(ctx) // this may take long
	}
	if b.once == nil || t.cfg.Shape.Queue == nil {
		b.sendEach(ctx, outlets, run, base, err)
		return
	}
	var s share
	refused := b.encode(&s, run)
	lost := 0
	for _, o := range outlets {
		n, stopped := o.take(ctx, &s, own == nil || waits)
		lost += n
		if stopped != nil {
			refuseRun(&refused, len(run), refusal{err: stopped})
			break
		}
	}
	if own != nil && !waits {
		own.spread(outlets)
	}
	t.lose(lost, flow.ErrGone)
	for i, why := range refused {
		t.tell(ctx, why, &run[i], base+i, err)
	}
}

// share is what a batch is for all connections.
type share struct {
	frames []flow.Frame
	ends   []int // per event, where its frames end
	bytes  int
}

func (b *broadcast) encode(s *share, batch []flow.Event) (refused []refusal) {
	t := turns.Get().(*turn)
	defer t.release()
	size := 0
	for i := range batch {
		size += len(batch[i].Raw) + 16
	}
	s.frames, s.ends = make([]flow.Frame, 0, len(batch)), make([]int, len(batch))
	buf := make([]byte, 0, size)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range batch {
		if err := b.once.encode(t, &s.frames, &buf, &batch[i]); err != nil {
			refuse(&refused, len(batch), i, refusal{kind: "encode", err: err})
		}
		s.ends[i] = len(s.frames)
	}
	for _, f := range s.frames {
		s.bytes += len(f.Data)
	}
	if b.table.cfg.Shape.Shares {
		shared := make([]flow.Shared, len(s.frames))
		for i := range s.frames {
			s.frames[i].Shared = &shared[i]
		}
	}
	return refused
}

// sendEach lets each connection encode for itself.
func (b *broadcast) sendEach(ctx context.Context, outlets []*outlet, run []flow.Event, base int, err *error) {
	refused := make([][]refusal, len(outlets))
	for k, o := range outlets {
		refused[k] = o.send(ctx, nil, run)
	}
	for i := range run {
		why, gone := verdict(refused, i)
		b.table.lose(gone, flow.ErrGone)
		b.table.tell(ctx, why, &run[i], base+i, err)
	}
}

// take puts the frames of a batch into the queue, as its policy allows, and
// writes it when that is to be done now. It returns how many events were for a
// connection that is gone, and an error when ctx ended while it waited for room.
func (o *outlet) take(ctx context.Context, s *share, now bool) (lost int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from := 0
	for i, end := range s.ends {
		part := s.frames[from:end:end]
		from = end
		if len(part) == 0 {
			continue // it was refused
		}
		size := 0
		for _, f := range part {
			size += len(f.Data)
		}
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
	}
	return 0, nil
}

// spread notes that the turn of this link's reader has put something into the
// queues of outlets, which are written together at the end of the turn.
func (l *Link) spread(outlets []*outlet) {
	t := l.inlet.turn
	for _, noted := range t.spread {
		if len(noted) == len(outlets) && &noted[0] == &outlets[0] {
			return
		}
	}
	t.spread = append(t.spread, outlets)
}

// writeSpread writes what the turn has put into the queues of others.
func (t *turn) writeSpread() {
	for i, outlets := range t.spread {
		for _, o := range outlets {
			o.mu.Lock()
			o.writeNow()
			o.mu.Unlock()
		}
		t.spread[i] = nil
	}
	t.spread = t.spread[:0]
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
