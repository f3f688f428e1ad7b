package outlet

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Send delivers a run of events, or queues it, and returns what was refused. own
// is the reader who sends, nil for others.
func (o *Outlet) Send(ctx context.Context, own *Reader, run []flow.Event) Refusals {
	if own != nil && (own.Own != o || o.Lasting()) {
		own.Uncork(ctx)
	}
	return o.accept(ctx, own, run)
}

// accept writes a run, or queues it. A codec that panics leaves the outlet
// usable for others.
func (o *Outlet) accept(ctx context.Context, own *Reader, run []flow.Event) Refusals {
	o.mu.Lock()
	defer o.mu.Unlock()
	mine := own != nil && own.Own == o
	switch {
	case o.leaving && !mine:
		var refused Refusals
		refused.AddAll(len(run), Refusal{Kind: "write", Err: flow.ErrGone, Gone: true})
		return refused
	case o.kept != nil:
		return o.sendKept(ctx, own, run)
	case mine && o.isFree():
		own.corked = true
		return o.sendInPlace(ctx, own.Turn, run, true)
	case own.within(o) && o.isFree():
		t := Borrow() // that of its own reader is in use
		defer t.Release()
		return o.sendInPlace(ctx, t, run, false)
	case o.terms.Asks:
		return o.ask(ctx, run)
	case o.terms.Queue == nil:
		return o.sendDirect(ctx, run)
	}
	return o.sendQueued(ctx, own, run)
}

// isClosed is why an outlet that is closed refuses an event.
func (o *Outlet) isClosed() Refusal {
	return Refusal{Kind: "write", Err: o.closed, Gone: o.life != OfConnector}
}

// isFree reports whether a reply can be written in place. The caller holds mu.
func (o *Outlet) isFree() bool {
	return !o.Lasting() && !o.writing && o.queue.len() == 0 && o.closed == nil
}

// sendInPlace writes a reply in the reader's own goroutine. It is corked, unless the
// reader waits for what may be long in coming.
func (o *Outlet) sendInPlace(ctx context.Context, t *Turn, run []flow.Event, corked bool) (refused Refusals) {
	refused = o.encodeRun(t, run)
	if len(t.frames) > 0 {
		if err := o.write(ctx, t.frames, corked); err != nil {
			refused.AddAll(len(run), Refusal{Kind: "write", Err: err, Gone: true})
		}
	}
	clear(t.frames)
	t.frames, t.buf = t.frames[:0], t.buf[:0]
	return refused
}

// sendDirect writes for a connector without a queue: senders take turns, and
// wait for the connection to open.
//
//go:noinline // keeps a large frame off the stack of every reader
func (o *Outlet) sendDirect(ctx context.Context, run []flow.Event) (refused Refusals) {
	for o.closed == nil && (o.writing || o.writer == nil) {
		if err := o.wait(ctx); err != nil {
			refused.AddAll(len(run), Refusal{Err: err})
			return refused
		}
	}
	if o.closed != nil {
		refused.AddAll(len(run), o.isClosed())
		return refused
	}
	t := Borrow()
	defer t.Release()
	refused = o.encodeRun(t, run)
	if len(t.frames) > 0 {
		if err := o.write(ctx, t.frames, false); err != nil {
			refused.AddAll(len(run), Refusal{Kind: "write", Err: err})
		}
	}
	clear(t.frames)
	return refused
}

// sendQueued encodes into the queue and sees to it that somebody writes it: the
// sender itself, as far as nobody has to wait; a reader at the end of its turn. A run that is larger than the queue fits where the connection is not
// slow, since makeRoom writes, too.
//
//go:noinline // keeps a large frame off the stack of every reader
func (o *Outlet) sendQueued(ctx context.Context, own *Reader, run []flow.Event) (refused Refusals) {
	mine := own != nil && own.Own == o
	t := Borrow()
	defer t.Release()
	for i := range run {
		err := o.makeRoom(ctx, mine, len(run[i].Raw))
		switch {
		case err == nil:
			if err = o.queue.push(o, t, &run[i]); err != nil {
				refused.Add(len(run), i, Refusal{Kind: "encode", Err: err})
			}
		case o.closed != nil:
			refused.Add(len(run), i, o.isClosed())
		case errors.Is(err, flow.ErrFull):
			o.terms.Counters.Dropped.Add(1) // drop_newest, as the flow wants it
		case errors.Is(err, flow.ErrGone):
			refused.Add(len(run), i, Refusal{Kind: "write", Err: err})
		default:
			refused.Add(len(run), i, Refusal{Err: err})
		}
	}
	switch {
	case own == nil:
		o.writeNow(clock())
	case own.Turn != nil && o.canTry():
		own.Turn.writeLater(o)
	default:
		o.startWriter()
	}
	return refused
}

// write hands frames to the writer, outside of mu.
func (o *Outlet) write(ctx context.Context, frames []flow.Frame, corked bool) error {
	w := o.writer
	if w == nil {
		return flow.ErrGone
	}
	o.writing = true
	now := clock()
	err := o.unlocked(func() error { return w.Write(ctx, frames, corked) })
	o.writing = false
	o.notify()
	if err == nil {
		o.count(frames, now)
	}
	o.startWriter() // what was queued meanwhile
	return err
}

// unlocked calls f without mu.
func (o *Outlet) unlocked(f func() error) error {
	o.mu.Unlock()
	defer o.mu.Lock()
	return f()
}

// flushWriter makes the writer send what it holds back. Whoever is writing
// does that anyway. The caller holds mu, which is given up meanwhile.
func (o *Outlet) flushWriter(ctx context.Context) error {
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

// Flush waits until the queue is written.
func (o *Outlet) Flush(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kept != nil {
		return o.flushKept(ctx)
	}
	o.startWriter() // which a turn that goes on may have put off
	for (o.writing || o.queue.len() > 0) && o.closed == nil && o.writer != nil {
		if err := o.wait(ctx); err != nil {
			return err
		}
	}
	return o.flushWriter(ctx)
}

// uncork sends the replies that the connection's reader holds back.
func (o *Outlet) uncork(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.flushWriter(ctx) // a connection that breaks is noticed by its reader
}

// encodeRun encodes a run into the frames of a turn, and notes what cannot be.
func (o *Outlet) encodeRun(t *Turn, run []flow.Event) (refused Refusals) {
	for i := range run {
		if err := o.Encode(&t.scratch, &t.frames, &t.buf, &run[i]); err != nil {
			refused.Add(len(run), i, Refusal{Kind: "encode", Err: err})
		}
	}
	return refused
}
