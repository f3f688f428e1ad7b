package outlet

import (
	"context"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// pending holds encoded frames that wait for a connection.
type pending struct {
	frames          []flow.Frame
	bytes           int
	room            *room // what frames is in; nil where somebody else has a part in that
	busy, busyBytes int   // of the burst that is being written
	busyRoom        *room
}

func (q *pending) len() int { return len(q.frames) }

// push encodes an event and appends its frames.
func (q *pending) push(o *Outlet, t *Turn, e *flow.Event) error {
	had := len(q.frames)
	if had == 0 && q.room == nil {
		q.room = rooms.Get().(*room)
		q.frames = q.room.frames
	}
	if err := o.Encode(&t.scratch, &q.frames, q.room.bytes(len(e.Raw)+16), e); err != nil {
		return err
	}
	for _, f := range q.frames[had:] {
		q.bytes += len(f.Data)
	}
	return nil
}

// share appends frames that other queues hold, too.
func (q *pending) share(frames []flow.Frame, size int) {
	if len(q.frames) == 0 {
		q.frames, q.room = frames, nil
	} else {
		q.frames = append(q.frames, frames...)
	}
	q.bytes += size
}

// take removes all frames, to be written. They count as waiting until done.
func (q *pending) take() []flow.Frame {
	q.busy, q.busyBytes, q.busyRoom = len(q.frames), q.bytes, q.room
	burst := q.frames
	q.frames, q.bytes, q.room = nil, 0, nil
	return burst
}

// done says that what was taken waits no longer. Nobody needs it when all is written.
func (q *pending) done(burst []flow.Frame, all bool) {
	if all {
		q.busyRoom.release(burst)
	}
	q.busy, q.busyBytes, q.busyRoom = 0, 0, nil
}

// putBack puts frames that were not written before everything else.
func (q *pending) putBack(frames []flow.Frame) {
	rest := q.frames
	q.frames, q.room = frames, nil
	for _, f := range frames {
		q.bytes += len(f.Data)
	}
	q.frames = append(q.frames[:len(frames):len(frames)], rest...)
}

// dropOldest drops a frame, which is an event: a processor that makes several
// frames of one event does not go together with this.
func (q *pending) dropOldest() {
	q.bytes -= len(q.frames[0].Data)
	q.frames = q.frames[1:]
}

// makeRoom returns nil when one more frame of about size bytes may be queued.
// The caller holds mu, which is given up while it waits. A connection's
// replies to its own messages (mine) wait whatever the policy is: they hold
// back its own reading and nobody else. The reader of the one connection that
// a client has obeys the policy, and does not wait when its connection is
// broken: the next one comes when it has returned.
func (o *Outlet) makeRoom(ctx context.Context, mine bool, size int) error {
	limits := o.terms.Queue
	for o.closed == nil && o.queue.len() > 0 &&
		(o.queue.len()+o.queue.busy >= limits.MaxEvents || o.queue.bytes+o.queue.busyBytes+size > int(limits.MaxBytes)) {
		if had := o.queue.len(); !o.writing {
			if o.writeNow(clock()); o.queue.len() < had {
				continue // it was not slow, only not asked
			}
		}
		switch {
		case mine && !o.Lasting() || limits.Overflow == "block":
			if mine && o.writer == nil {
				return flow.ErrGone
			}
			if err := o.wait(ctx); err != nil {
				return err
			}
		case limits.Overflow == "drop_newest":
			return flow.ErrFull
		case limits.Overflow == "drop_oldest":
			o.queue.dropOldest()
			o.terms.Counters.Dropped.Add(1)
		default:
			limit := "queue.max_events"
			if o.queue.len()+o.queue.busy < limits.MaxEvents {
				limit = "queue.max_bytes"
			}
			o.disconnect(limit)
		}
	}
	return o.closed
}

// disconnect gives up a connection that is too slow for its queue, and what is
// queued.
func (o *Outlet) disconnect(limit string) {
	reason := fmt.Errorf("%w: %s is reached", flow.ErrSlow, limit)
	if d, ok := o.writer.(flow.Disconnecter); ok {
		d.Disconnect(reason)
		o.terms.Log.Warn("a slow consumer is disconnected", zap.String("peer", o.origin.Peer.Addr()), zap.String("connection", o.origin.ID()),
			zap.String("limit", limit), zap.Int("queued", o.queue.len()+o.queue.busy), zap.Int("bytes", o.queue.bytes+o.queue.busyBytes),
			zap.Uint64("so_far", o.terms.Counters.Slow.Add(1)))
	}
	o.loseQueue(reason)
	o.giveUp(reason)
}

// canTry reports whether the connection can be written to without waiting. The caller
// holds mu.
func (o *Outlet) canTry() bool {
	_, ok := o.writer.(flow.Trier)
	return ok
}

// writeNow writes the queue as far as the connection takes it at once, and
// leaves the rest to a goroutine. The caller holds mu, and has looked at the clock.
func (o *Outlet) writeNow(now int64) {
	w, ok := o.writer.(flow.Trier)
	if !ok {
		o.startWriter()
		return
	}
	if o.writing || o.queue.len() == 0 {
		return
	}
	burst := o.queue.take()
	taken, sent, err := w.TryWrite(burst)
	switch {
	case taken && (sent || err != nil):
		o.wrote(o.writer, burst, now, err)
	case taken:
		o.writing = true
		go o.finish(o.writer, burst, now)
	default:
		o.queue.done(burst, false)
		o.queue.putBack(burst)
		o.startWriter()
	}
}

// finish writes what a connection held back of a burst, and then the queue.
func (o *Outlet) finish(w flow.Writer, burst []flow.Frame, now int64) {
	err := w.Flush(context.Background())
	o.mu.Lock()
	o.wrote(w, burst, now, err)
	o.mu.Unlock()
	o.writeQueue(w)
}

// startWriter starts the goroutine that writes the queue, unless there is
// nothing to write, nobody to write it to, or somebody at it. The caller
// holds mu.
func (o *Outlet) startWriter() {
	if o.kept != nil {
		o.writeKept()
		return
	}
	if o.writing || o.writer == nil || o.queue.len() == 0 {
		return
	}
	o.writing = true
	go o.writeQueue(o.writer)
}

// writeQueue writes bursts until the queue is empty or the connection breaks.
func (o *Outlet) writeQueue(w flow.Writer) {
	ctx := context.Background() // the writer has its own limit of time
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.queue.len() > 0 && o.writer == w {
		burst := o.queue.take()
		o.mu.Unlock()
		now := clock()
		err := w.Write(ctx, burst, true)
		if err == nil {
			err = w.Flush(ctx)
		}
		o.mu.Lock()
		o.wrote(w, burst, now, err)
	}
	o.writing = false
	o.startWriter()
}

// wrote notes what became of a burst that the writer was handed at now. A connection that did not take all of it
// is given up. The caller holds mu.
func (o *Outlet) wrote(w flow.Writer, burst []flow.Frame, now int64, err error) {
	written := taken(len(burst), err)
	if err != nil {
		o.unwritten(burst[written:], err)
	}
	o.count(burst[:written], now)
	o.queue.done(burst, err == nil)
	o.notify()
	if err != nil && o.writer == w {
		o.giveUp(err)
	}
}

// unwritten decides what becomes of frames that a broken connection did not
// take: the next one gets them when there will be one, else they are lost.
func (o *Outlet) unwritten(frames []flow.Frame, reason error) {
	if o.Lasting() && o.closed == nil {
		o.queue.putBack(frames)
		return
	}
	o.lose(len(frames), reason)
}
