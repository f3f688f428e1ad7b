package link

import (
	"context"
	"errors"
	"sync"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// outlet is the outward half of a link: codec, processors, queue, writer. The
// outlet of a connector with one connection at a time outlives its links.
type outlet struct {
	mu sync.Mutex
	encode.Encoder
	table   *Table
	queue   queue
	lasting bool // it outlives its links: what is queued waits for the next one
	writer  flow.Writer
	writing bool          // somebody is inside Write or Flush
	changed chan struct{} // closed when a waiter should look again; made by waiters
	leaving bool          // only its own connection's reader may still send: see Lane.End
	closed  error         // why nothing can be sent any more
	told    bool          // that events were lost
	origin  *flow.Origin  // of the present or last link
	mark    uint64        // of the turn that writes what is queued: see turn.writeLater
}

func newOutlet(t *Table) *outlet {
	o := &outlet{table: t}
	o.Init(t.terms)
	return o
}

// attach connects a writer; what is queued goes to it.
func (o *outlet) attach(w flow.Writer, origin *flow.Origin) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writer, o.origin, o.told = w, origin, false
	o.startWriter()
	o.notify()
}

// detach says that the connection is gone but another may come.
func (o *outlet) detach() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writer = nil
	o.notify()
}

// close ends the outlet. What is queued is lost.
func (o *outlet) close(reason error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed != nil {
		return
	}
	o.closed = flow.ErrGone
	if o == o.table.single {
		o.closed = flow.ErrClosed
	}
	o.writer = nil
	o.loseQueue(reason)
	o.notify()
}

// closeIdle closes the outlet, unless something waits in it.
func (o *outlet) closeIdle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || o.queue.len() > 0 {
		return false
	}
	if o.closed == nil {
		o.closed = flow.ErrGone
	}
	o.notify()
	return true
}

// leave makes the outlet take nothing more from others, if it is still true that
// it may.
func (o *outlet) leave(may func() bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leaving = o.leaving || may()
	return o.leaving
}

// giveUp says that the present connection takes nothing more, which its reader
// will notice, too. What is queued waits for the next connection where there
// can be one. The caller holds mu.
func (o *outlet) giveUp(reason error) {
	o.writer = nil
	if !o.lasting {
		if o.closed == nil {
			o.closed = flow.ErrGone
		}
		o.loseQueue(reason)
	}
	o.notify()
}

func (o *outlet) loseQueue(reason error) {
	if n := o.queue.len(); n > 0 {
		o.lose(n, reason)
		o.queue.frames, o.queue.bytes = nil, 0
	}
}

// loseReplies is lose, for those who do not hold mu.
func (o *outlet) loseReplies(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lose(n, flow.ErrGone)
}

// lose counts events that will not arrive, and says so once for each
// connection. The caller holds mu.
func (o *outlet) lose(n int, reason error) {
	o.table.lost.Add(uint64(n))
	if o.told {
		return
	}
	o.told = true
	fields := []zap.Field{zap.Int("events", n), zap.NamedError("reason", reason)}
	if o.origin != nil {
		fields = append(fields, zap.String("connection", o.origin.ID()), zap.String("peer", o.origin.Peer.Addr()))
	}
	o.table.cfg.Log.Warn("the connection is gone, what was for it is lost", fields...)
}

func (o *outlet) current() flow.Writer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writer
}

func (o *outlet) queued() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queue.len()
}

// notify wakes all waiters. The caller holds mu.
func (o *outlet) notify() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// wait gives mu up until something has changed or ctx ends.
func (o *outlet) wait(ctx context.Context) error {
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	changed := o.changed
	o.mu.Unlock()
	defer o.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refusal is why an event was not sent. Kind is that of a problem for the err
// port; without one the sender is told at once.
type refusal struct {
	kind string
	err  error
	gone bool // the connection is: what that means, the edge says
}

// send delivers a run of events, or queues it, and returns what was refused,
// by its place in the run; nil when nothing was.
func (o *outlet) send(ctx context.Context, own *Link, run []flow.Event) []refusal {
	if own != nil && (own.out != o || o.lasting) {
		own.uncork(ctx)
	}
	return o.accept(ctx, own, run)
}

// accept writes a run, or queues it. A codec that panics leaves the outlet
// usable for others.
func (o *outlet) accept(ctx context.Context, own *Link, run []flow.Event) []refusal {
	o.mu.Lock()
	defer o.mu.Unlock()
	mine := own != nil && own.out == o
	switch {
	case o.leaving && !mine:
		var refused []refusal
		refuseRun(&refused, len(run), refusal{kind: "write", err: flow.ErrGone, gone: true})
		return refused
	case mine && !o.lasting && !o.writing && o.queue.len() == 0 && o.closed == nil:
		return o.sendInPlace(ctx, own, run)
	case o.table.cfg.Shape.Queue == nil:
		return o.sendDirect(ctx, run)
	}
	return o.sendQueued(ctx, own, run)
}

// refuse notes why event i of n was not sent. The first reason counts.
func refuse(refused *[]refusal, n, i int, why refusal) {
	if *refused == nil {
		*refused = make([]refusal, n)
	}
	if (*refused)[i].err == nil {
		(*refused)[i] = why
	}
}

// refuseRun notes a reason for all events of a run that have none yet.
func refuseRun(refused *[]refusal, n int, why refusal) {
	for i := range n {
		refuse(refused, n, i, why)
	}
}

// isClosed is why an outlet that is closed refuses an event.
func (o *outlet) isClosed() refusal {
	return refusal{kind: "write", err: o.closed, gone: o != o.table.single}
}

// sendInPlace writes a reply in the reader's own goroutine, corked.
func (o *outlet) sendInPlace(ctx context.Context, own *Link, run []flow.Event) (refused []refusal) {
	t := own.inlet.turn
	refused = o.encodeRun(t, run)
	if len(t.frames) > 0 {
		own.corked = true
		if err := o.write(ctx, t.frames, true); err != nil {
			refuseRun(&refused, len(run), refusal{kind: "write", err: err, gone: true})
		}
	}
	clear(t.frames)
	t.frames, t.buf = t.frames[:0], t.buf[:0]
	return refused
}

// sendDirect writes for a connector without a queue: senders take turns, and
// wait for the connection to open.
func (o *outlet) sendDirect(ctx context.Context, run []flow.Event) (refused []refusal) {
	for o.closed == nil && (o.writing || o.writer == nil) {
		if err := o.wait(ctx); err != nil {
			refuseRun(&refused, len(run), refusal{err: err})
			return refused
		}
	}
	if o.closed != nil {
		refuseRun(&refused, len(run), o.isClosed())
		return refused
	}
	t := turns.Get().(*turn)
	defer t.release()
	refused = o.encodeRun(t, run)
	if len(t.frames) > 0 {
		if err := o.write(ctx, t.frames, false); err != nil {
			refuseRun(&refused, len(run), refusal{kind: "write", err: err})
		}
	}
	clear(t.frames)
	return refused
}

// sendQueued encodes into the queue and sees to it that somebody writes it: the
// sender itself, as far as nobody has to wait, unless it is a reader, who goes on
// reading. A run that is larger than the queue fits where the connection is not
// slow, since makeRoom writes, too.
func (o *outlet) sendQueued(ctx context.Context, own *Link, run []flow.Event) (refused []refusal) {
	mine := own != nil && own.out == o
	t := turns.Get().(*turn)
	defer t.release()
	for i := range run {
		err := o.makeRoom(ctx, mine, len(run[i].Raw))
		switch {
		case err == nil:
			if err = o.queue.push(o, t, &run[i]); err != nil {
				refuse(&refused, len(run), i, refusal{kind: "encode", err: err})
			}
		case o.closed != nil:
			refuse(&refused, len(run), i, o.isClosed())
		case errors.Is(err, flow.ErrFull):
			o.table.dropped.Add(1) // drop_newest, as the flow wants it
		case errors.Is(err, flow.ErrGone):
			refuse(&refused, len(run), i, refusal{kind: "write", err: err})
		default:
			refuse(&refused, len(run), i, refusal{err: err})
		}
	}
	if own == nil {
		o.writeNow()
	} else {
		o.startWriter()
	}
	return refused
}

// write hands frames to the writer, outside of mu.
func (o *outlet) write(ctx context.Context, frames []flow.Frame, corked bool) error {
	w := o.writer
	if w == nil {
		return flow.ErrGone
	}
	o.writing = true
	err := o.unlocked(func() error { return w.Write(ctx, frames, corked) })
	o.writing = false
	o.notify()
	if err == nil {
		o.table.sent.Add(uint64(len(frames)))
	}
	o.startWriter() // what was queued meanwhile
	return err
}

// unlocked calls f without mu.
func (o *outlet) unlocked(f func() error) error {
	o.mu.Unlock()
	defer o.mu.Lock()
	return f()
}

// flushWriter makes the writer send what it holds back. Whoever is writing
// does that anyway. The caller holds mu, which is given up meanwhile.
func (o *outlet) flushWriter(ctx context.Context) error {
	w := o.writer
	if w == nil || o.writing {
		return nil
	}
	o.writing = true
	err := o.unlocked(func() error { return w.Flush(ctx) })
	o.writing = false
	o.notify()
	o.startWriter() // what was queued meanwhile
	return err
}

// flush waits until the queue is written.
func (o *outlet) flush(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.startWriter() // which a turn that goes on may have put off
	for (o.writing || o.queue.len() > 0) && o.closed == nil && o.writer != nil {
		if err := o.wait(ctx); err != nil {
			return err
		}
	}
	return o.flushWriter(ctx)
}

// uncork sends the replies that the connection's reader holds back.
func (o *outlet) uncork(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.flushWriter(ctx) // a connection that breaks is noticed by its reader
}

// encodeRun encodes a run into the frames of a turn, and notes what cannot be.
func (o *outlet) encodeRun(t *turn, run []flow.Event) (refused []refusal) {
	for i := range run {
		if err := o.Encode(&t.scratch, &t.frames, &t.buf, &run[i]); err != nil {
			refuse(&refused, len(run), i, refusal{kind: "encode", err: err})
		}
	}
	return refused
}
