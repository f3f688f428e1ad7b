package outlet

import (
	"context"
	"errors"
	"sync"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/queue"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Terms are what the outlets of one connector have in common.
type Terms struct {
	*encode.Terms
	Queue *setting.Queue // nil where senders write, and wait for each other
	Keep  *setting.Keep  // how outlets that outlive connections keep what is in the queue; nil where they do not
	// Undelivered is told what was kept and will not arrive: the overflow policy has
	// dropped it, or a question has failed. nil for nobody.
	Undelivered func(ctx context.Context, message []byte, why error)
	Log         *zap.Logger // rate-limited
	Counters    Counters
}

// Limits are those of a queue that keeps events.
func (t *Terms) Limits() queue.Limits {
	return queue.Limits{Events: t.Queue.MaxEvents, Bytes: int64(t.Queue.MaxBytes)}
}

// Life says what an outlet outlives.
type Life int

// The lives of outlets.
const (
	OfConnection Life = iota // it ends with its connection
	OfKey                    // it outlives connections: there is one at a time
	OfConnector              // so too, and its end is that of the connector
)

// Outlet is the outward half of a connection: codec, processors, queue, writer.
// Its methods may be called from any goroutine.
type Outlet struct {
	mu sync.Mutex
	encode.Encoder
	terms   *Terms
	queue   pending
	kept    *keeper // instead of queue, where it keeps events; nil where it does not
	life    Life
	writer  flow.Writer
	writing bool          // somebody is inside Write or Flush
	changed chan struct{} // closed when a waiter should look again; made by waiters
	parted  bool          // the connection that was there is gone, which its reader will notice
	leaving bool          // only its own connection's reader may still send: see Leave
	closed  error         // why nothing can be sent any more
	told    bool          // that events were lost
	origin  *flow.Origin  // of the present or last connection
	mark    uint64        // of the turn that writes what is queued: see Turn.writeLater
	counts  Counts        // without what waits
	settled bool          // others count for it, see Settle
}

// New returns an outlet that has no connection yet.
func New(t *Terms, life Life) *Outlet {
	o := new(Outlet)
	o.Make(t, life)
	return o
}

// Make is New for an outlet that is a part of something else.
func (o *Outlet) Make(t *Terms, life Life) {
	o.terms, o.life = t, life
	o.Init(t.Terms)
	switch {
	case t.Keep == nil || life == OfConnection:
	case t.Keep.Dir == "":
		o.Keep(queue.New(t.Limits()), nil)
	default:
		o.kept = &keeper{} // until it is opened
	}
}

// Lasting reports whether it outlives its connections: what is queued waits for
// the next one.
func (o *Outlet) Lasting() bool { return o.life != OfConnection }

// Ordinal numbers outlets in the order in which their connections have opened.
func (o *Outlet) Ordinal() uint64 { return o.origin.Seq }

// Origin is that of the connection: the present or last one.
func (o *Outlet) Origin() *flow.Origin { return o.origin }

// Attach connects a writer; what is queued goes to it.
func (o *Outlet) Attach(w flow.Writer, origin *flow.Origin) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writer, o.origin, o.told, o.parted = w, origin, false, false
	o.startWriter()
	o.notify()
}

// Detach says that the connection is gone but another may come.
func (o *Outlet) Detach() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writer = nil
	o.notify()
}

// Close ends the outlet. What is queued is lost, unless it is persistent.
func (o *Outlet) Close(reason error) {
	o.end(reason)
	o.endKept()
}

func (o *Outlet) end(reason error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed != nil {
		return
	}
	o.closed = flow.ErrGone
	if o.life == OfConnector {
		o.closed = flow.ErrClosed
	}
	o.writer = nil
	o.loseQueue(reason)
	o.notify()
}

// CloseIdle closes the outlet, unless something waits in it, and reports whether
// it did.
func (o *Outlet) CloseIdle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || o.waiting() > 0 {
		return false
	}
	if o.closed == nil {
		o.closed = flow.ErrGone
	}
	o.notify()
	return true
}

// Leave makes the outlet take nothing more, except from its own connection's
// reader.
func (o *Outlet) Leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leaving = true
}

// LeaveIdle is Leave if nothing waits in the outlet and idle, which is called
// while nobody can send, says so, too. It reports whether the outlet leaves.
func (o *Outlet) LeaveIdle(idle func() bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leaving = o.leaving || o.waiting() == 0 && !o.writing && idle()
	return o.leaving
}

// giveUp says that the present connection takes nothing more, which its reader
// will notice, too. What is queued waits for the next connection where there
// can be one. The caller holds mu.
func (o *Outlet) giveUp(reason error) {
	o.writer = nil
	if !o.Lasting() {
		if o.closed == nil {
			o.closed = flow.ErrGone
		}
		o.loseQueue(reason)
	}
	o.notify()
}

func (o *Outlet) loseQueue(reason error) {
	if o.kept != nil {
		if k := o.kept; k.queue != nil && !k.queue.Persistent() {
			if n, _ := k.len(); n > 0 {
				o.lose(n, reason)
			}
			k.queue.Close()
		}
		return
	}
	if n := o.queue.len(); n > 0 {
		o.lose(n, reason)
		o.queue.frames, o.queue.bytes = nil, 0
	}
}

// LoseReplies counts replies that will not arrive, since the connection is gone.
func (o *Outlet) LoseReplies(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lose(n, flow.ErrGone)
}

// lose counts events that will not arrive, and says so once for each
// connection. The caller holds mu.
func (o *Outlet) lose(n int, reason error) {
	o.terms.Counters.Lost.Add(uint64(n))
	if errors.Is(reason, flow.ErrSlow) {
		o.terms.Counters.LostSlow.Add(uint64(n))
	}
	if o.told {
		return
	}
	o.told = true
	fields := []zap.Field{zap.Int("events", n), zap.NamedError("reason", reason)}
	if o.origin != nil {
		fields = append(fields, zap.String("connection", o.origin.ID()), zap.String("peer", o.origin.Peer.Addr()))
	}
	o.terms.Log.Warn("the connection is gone, what was for it is lost", fields...)
}

// Disconnect ends the present connection, and reports whether it can be ended from
// here.
func (o *Outlet) Disconnect(reason error) bool {
	o.mu.Lock()
	w := o.writer
	o.mu.Unlock()
	d, ok := w.(flow.Disconnecter)
	if ok {
		d.Disconnect(reason)
	}
	return ok
}

// Queued counts the events that wait and would be lost, or that the connection is
// there for.
func (o *Outlet) Queued() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if k := o.kept; k != nil && o.writer == nil && (k.queue == nil || k.queue.Persistent()) {
		return 0
	}
	return o.waiting()
}

// notify wakes all waiters. The caller holds mu.
func (o *Outlet) notify() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// wait gives mu up until something has changed or ctx ends.
func (o *Outlet) wait(ctx context.Context) error {
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
