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
		return o.sendDirect(ctx, own, run)
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
		if _, err := o.write(ctx, t.frames, corked); err != nil {
			refused.AddAll(len(run), Refusal{Kind: "write", Err: err, Gone: true})
		}
	}
	clear(t.frames)
	t.frames, t.buf = t.frames[:0], t.buf[:0]
	return refused
}

// sendDirect writes for a connector without a queue: senders take turns, and wait for
// the connection to open. What a connection that is gone (flow.ErrGone) has not taken is
// for the next one.
//
//go:noinline // keeps a large frame off the stack of every reader
func (o *Outlet) sendDirect(ctx context.Context, own *Reader, run []flow.Event) (refused Refusals) {
	if why := o.awaitTurn(ctx, own); why.Err != nil {
		refused.AddAll(len(run), why)
		return refused
	}
	t := Borrow()
	defer t.Release()
	refused = o.encodeNoted(t, run)
	for left := t.frames; len(left) > 0; {
		written, why := o.writeDirect(ctx, own, left)
		left = left[written:]
		if why.Err != nil {
			for _, i := range t.of[len(t.of)-len(left):] {
				refused.Add(len(run), i, why)
			}
			break
		}
	}
	clear(t.frames)
	return refused
}

// awaitTurn returns when there is a connection that nobody writes to, or why there will
// be none.
func (o *Outlet) awaitTurn(ctx context.Context, own *Reader) Refusal {
	for o.closed == nil && (o.writing || o.writer == nil) {
		if o.writer == nil && o.parted && own.readsFor(o) {
			return Refusal{Kind: "write", Err: flow.ErrGone} // the next one comes when it has returned
		}
		if err := o.wait(ctx); err != nil {
			return Refusal{Err: err}
		}
	}
	if o.closed != nil {
		return o.isClosed()
	}
	return Refusal{}
}

// writeDirect hands frames to the connection, and returns how many of them it has taken
// and why the others are refused. Nothing is where there is another connection for them.
func (o *Outlet) writeDirect(ctx context.Context, own *Reader, frames []flow.Frame) (written int, why Refusal) {
	w := o.writer
	written, err := o.write(ctx, frames, false)
	if err == nil || !errors.Is(err, flow.ErrGone) {
		return written, Refusal{Kind: "write", Err: err}
	}
	if o.writer == w {
		o.giveUp(err)
		o.parted = true
	}
	return written, o.awaitTurn(ctx, own)
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

// write hands frames to the writer, outside of mu, and returns how many it has taken.
func (o *Outlet) write(ctx context.Context, frames []flow.Frame, corked bool) (written int, err error) {
	w := o.writer
	if w == nil {
		return 0, flow.ErrGone
	}
	o.writing = true
	now := clock()
	err = o.unlocked(func() error { return w.Write(ctx, frames, corked) })
	o.writing = false
	o.notify()
	written = taken(len(frames), err)
	o.count(frames[:written], now)
	o.startWriter() // what was queued meanwhile
	return written, err
}

// taken is how many of n frames a writer has taken that returned err.
func taken(n int, err error) int {
	if err == nil {
		return n
	}
	if we := (*flow.WriteError)(nil); errors.As(err, &we) {
		return we.Written
	}
	return 0
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

// encodeNoted is encodeRun for who must know which frames are of which event.
func (o *Outlet) encodeNoted(t *Turn, run []flow.Event) (refused Refusals) {
	for i := range run {
		if err := o.Encode(&t.scratch, &t.frames, &t.buf, &run[i]); err != nil {
			refused.Add(len(run), i, Refusal{Kind: "encode", Err: err})
		}
		for len(t.of) < len(t.frames) {
			t.of = append(t.of, i)
		}
	}
	return refused
}
