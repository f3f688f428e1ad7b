package link

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/outlet"
	"go.uber.org/zap"
)

// Link is one open connection. Receive and Close are called by its reader,
// one at a time; everything else from any goroutine.
type Link struct {
	table  *Table
	origin flow.Origin
	inlet  inlet
	out    *outlet.Outlet
	reader outlet.Reader
	ctx    readerContext
	// What has come: the reader counts it, anyone may look.
	events, bytes atomic.Uint64
	active        atomic.Int64 // when something last came, Unix nanoseconds
	since         int64        // when it was opened
	// What an outlet that outlives its connections had done before.
	eventsBefore, bytesBefore uint64

	writes  bool    // it was opened with a writer
	answers bool    // it brings what comes of an event
	lane    *Lane   // whose connection it is; nil where connections have no keys
	tied    []*Lane // opened on behalf of this link; guarded by table.mu
	// turns is odd while a turn is running.
	turns atomic.Uint32
	// patterns are its subscriptions, which only the reader's goroutine changes;
	// topics is a copy for others.
	patterns []string
	topics   atomic.Pointer[[]string]
	session  atomic.Pointer[string] // its key, where it has one
	// settles says that nothing more is received.
	settles atomic.Bool
}

// turn is what a link needs while its reader is inside Receive.
type turn struct {
	outlet.Turn
	ctx    context.Context
	batch  []flow.Event
	meta   flow.Meta
	time   int64
	err    error
	failed int
}

var turns = sync.Pool{New: func() any { return &turn{} }}

func (t *turn) release() {
	keep := t.Reset() && cap(t.batch) <= 1024
	*t = turn{Turn: t.Turn, batch: t.batch[:0]}
	if keep {
		turns.Put(t)
	}
}

// readerContext marks what is sent from inside a link's Receive, so that a
// reply to this very link can be written in place.
type readerContext struct {
	context.Context
	reader *outlet.Reader
}

type readerKey struct{}

func (c *readerContext) Value(key any) any {
	if key == (readerKey{}) {
		return c.reader
	}
	return c.Context.Value(key)
}

// reader returns the one whose Receive is running in this goroutine, if any.
func reader(ctx context.Context) *outlet.Reader {
	r, _ := ctx.Value(readerKey{}).(*outlet.Reader)
	return r
}

// ID spells the connection's id.
func (l *Link) ID() string { return l.origin.ID() }

// Receive implements flow.Link.
func (l *Link) Receive(ctx context.Context, frames []flow.Frame) error {
	if shut := l.table.gate.shut.Load(); shut != nil {
		l.table.gate.wait(ctx, shut) // outside of the turn: a reload waits for those
	}
	t := l.begin(ctx)
	bytes := 0
	for i := range frames {
		f := &frames[i]
		bytes += len(f.Data)
		t.meta = flow.Meta{Said: f.Meta, Binary: f.Binary}
		if !l.table.framed {
			t.meta.Binary = l.table.terms.Binary() // a stream has no frames: the codec decides
		}
		if f.Empty {
			l.inlet.empty()
			continue
		}
		l.inlet.process(f.Data)
		if l.inlet.holds() {
			l.send()
		}
	}
	l.send()
	l.bytes.Add(uint64(bytes))
	return l.end()
}

func (l *Link) begin(ctx context.Context) *turn {
	t := turns.Get().(*turn)
	if l.ctx.Context != ctx {
		l.ctx = readerContext{Context: ctx, reader: &l.reader}
		l.reader.Outer = reader(ctx)
	}
	if left := l.inlet.turn; left != nil {
		left.WriteSpread() // of a turn that ended in a panic
	}
	t.ctx = &l.ctx
	l.turns.Store((l.turns.Load() + 1) | 1) // of one that ended in a panic, too
	t.time = time.Now().UnixNano()
	l.active.Store(t.time)
	if l.lane != nil {
		l.lane.active.Store(t.time)
	}
	l.inlet.turn, l.reader.Turn = t, &t.Turn
	return t
}

func (l *Link) end() error {
	t := l.inlet.turn
	t.WriteSpread()
	err, failed := t.err, t.failed
	if failed > 0 {
		l.table.failed.Add(uint64(failed))
	}
	if failed > 1 {
		err = fmt.Errorf("%w (and %d more)", err, failed-1)
	}
	l.inlet.last = t.meta
	l.inlet.turn, l.reader.Turn = nil, nil
	l.turns.Store(l.turns.Load() + 1)
	t.release()
	return err
}

// send passes the batch on.
func (l *Link) send() {
	t := l.inlet.turn
	if len(t.batch) == 0 {
		return
	}
	l.events.Add(uint64(len(t.batch)))
	if l.table.topics != nil {
		l.heed()
	} else {
		l.pass(t.batch)
	}
	clear(t.batch) // the pool must not keep what the events point to
	t.batch = t.batch[:0]
}

// pass sends events on. What fails is noted; the connection goes on.
func (l *Link) pass(batch []flow.Event) {
	if len(batch) == 0 {
		return
	}
	t := l.inlet.turn
	if err := l.table.out.Send(t.ctx, batch); err != nil {
		flow.Failures(err, len(batch), func(_ int, cause error) { t.fail(cause) })
	}
}

// fail notes what failed. One message that somebody else is to blame for is told
// before many that could not be read: it can be sent again.
func (t *turn) fail(cause error) {
	if t.err == nil || isUnreadable(t.err) && !isUnreadable(cause) {
		t.err = cause
	}
	t.failed++
}

func isUnreadable(err error) bool {
	unreadable := (*flow.Unreadable)(nil)
	return errors.As(err, &unreadable)
}

// Held implements flow.Link.
func (l *Link) Held() (n int64, known bool) { return l.inlet.held() }

// Finish implements flow.Link.
func (l *Link) Finish(ctx context.Context) error {
	if !l.inlet.holds() {
		return nil
	}
	l.begin(ctx).meta = l.inlet.last
	l.inlet.finish()
	l.send()
	return l.end()
}

// problem reports a message that became no event.
//
//go:noinline // keeps a large frame off the stack of every reader
func (l *Link) problem(kind string, raw []byte, cause error) {
	t := l.inlet.turn
	l.send() // what came before it is told before it
	switch l.table.cfg.OnDecode {
	case "drop":
		l.table.cfg.Problems.Note(kind)
		return
	case "close":
		l.out.Disconnect(&flow.Unreadable{Err: cause})
	}
	e := flow.Event{Meta: t.meta, Origin: &l.origin, Time: t.time}
	problem := flow.Problem{Kind: kind, Err: cause, Raw: raw, Event: e}
	if err := l.table.cfg.Problems.Handle(t.ctx, problem); err != nil {
		t.fail(&flow.Unreadable{Err: err})
	}
}

// Flush implements flow.Link.
func (l *Link) Flush(ctx context.Context) error { return l.out.Flush(ctx) }

// Settle implements flow.Link.
func (l *Link) Settle(ctx context.Context) {
	l.settles.Store(true)
	if settle := l.table.cfg.Settle; settle != nil {
		settle(ctx)
	}
}

// Close implements flow.Link.
func (l *Link) Close(ctx context.Context, reason error) {
	end := endingOf(reason)
	last := l.inlet.holds() || l.table.cfg.Shape.Lifecycle || l.inlet.turn != nil // something may be sent
	if last {
		l.begin(ctx).meta = l.inlet.last
		if !end.Torn {
			l.inlet.finish()
			l.send()
		}
	}
	l.table.remove(l)
	l.table.countEnd(end.Code, end.Cause)
	if removed := l.table.cfg.Removed; removed != nil {
		removed(&l.origin, reason)
	}
	if last {
		l.tellOf("close", end.Meta)
		if err := l.end(); err != nil {
			l.table.cfg.Log.Warn("the rest of a closed connection was not handled", zap.String("peer", l.origin.Peer.Addr()), zap.Error(err))
		}
	}
	l.reader.Uncork(ctx)
	switch {
	case !l.out.Lasting():
		l.out.Close(end.Err)
	case l.writes:
		l.out.Detach()
	}
}
