package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/outlet"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// Lane is what one key has of a connector with a connection per key: a queue
// that outlives connections, and the connection, while there is one. It takes
// events until it is told to end: because nothing has passed for long, or
// because the connection that it was opened for has closed.
//
// The table makes lanes; whoever Config.Serve gives them to sees to their
// connections, and closes them.
type Lane struct {
	table  *Table
	key    string
	parent *flow.Origin
	trace  *flow.Trace
	out    *outlet.Outlet
	active atomic.Int64 // when something last passed, unix nanoseconds
	tied   atomic.Int64 // connections that it was opened for and that are open
	ending context.Context
	end    context.CancelFunc
}

var errNullKey = errors.New("its key is null, so no connection can be chosen")

// sendByKey delivers a run to the lanes of its events' keys.
func (r *replies) sendByKey(ctx context.Context, own *outlet.Reader, run []flow.Event, base int, err *error) {
	var short, next [64]byte
	for i := 0; i < len(run); {
		key, cause := r.table.key(short[:0], &run[i])
		if cause != nil {
			r.table.tell(ctx, outlet.Refusal{Kind: "write", Err: cause}, &run[i], base+i, err)
			i++
			continue
		}
		j := i + 1
		for ; j < len(run); j++ {
			if other, cause := r.table.key(next[:0], &run[j]); cause != nil || !bytes.Equal(key, other) {
				break
			}
		}
		r.sendToLane(ctx, own, key, run[i:j], base+i, err)
		i = j
	}
}

func (t *Table) key(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := t.cfg.Shape.Per.Key.Eval(e)
	if err == nil && v.IsNull() {
		err = errNullKey
	}
	if err != nil {
		return nil, fmt.Errorf("%s: choose a connection: %w", t.cfg.Component.Address(), err)
	}
	return valuekey.Append(dst, v), nil
}

// sendToLane delivers a run of one key. A lane may close before it is sent
// anything; then the key has another.
func (r *replies) sendToLane(ctx context.Context, own *outlet.Reader, key []byte, run []flow.Event, base int, err *error) {
	var closed *Lane
	var refused outlet.Refusals
	for {
		lane, made, cause := r.table.lane(key, &run[0])
		if cause != nil {
			r.unroutable(ctx, run, base, cause, err)
			return
		}
		if lane != closed {
			lane.active.Store(time.Now().UnixNano())
			refused = lane.out.Send(ctx, own, run)
			if made {
				lane.tie() // not before it has what a client that has left already has said
			}
			if refused == nil {
				return
			}
			if refused[0].Gone {
				closed = lane
				continue
			}
		}
		r.report(ctx, lane.out, refused, run, base, err)
		return
	}
}

// lane returns the lane of a key. It makes one on behalf of where an event came from
// when there is none; then it is to be tied.
func (t *Table) lane(key []byte, first *flow.Event) (l *Lane, made bool, err error) {
	t.mu.RLock()
	l = t.lanes[string(key)]
	t.mu.RUnlock()
	if l != nil {
		return l, false, nil
	}
	l, made, err = t.makeLane(string(key), first)
	if !made {
		return l, false, err
	}
	if err := t.cfg.Serve(l); err != nil {
		l.Close(err)
		return nil, false, err
	}
	return l, true, nil
}

func (t *Table) makeLane(key string, first *flow.Event) (l *Lane, made bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	limit := t.cfg.Shape.Per.MaxConnections
	switch {
	case t.lanes[key] != nil:
		return t.lanes[key], false, nil
	case t.closed:
		return nil, false, flow.ErrClosed
	case len(t.allLanes) >= limit:
		return nil, false, fmt.Errorf("%s: there are %d connections, and max_connections allows no more", t.cfg.Component.Address(), limit)
	}
	l = &Lane{table: t, key: key, parent: first.Origin, trace: first.OnwardTrace(), out: outlet.New(&t.terms, outlet.OfKey)}
	l.ending, l.end = context.WithCancel(context.Background())
	l.active.Store(time.Now().UnixNano()) // what it is opened for is about to be sent
	t.lanes[key] = l
	t.allLanes[l] = struct{}{}
	return l, true, nil
}

// laneOutlets lists the outlets of all lanes, also of those that are ending.
func (t *Table) laneOutlets() []*outlet.Outlet {
	t.mu.RLock()
	defer t.mu.RUnlock()
	outlets := make([]*outlet.Outlet, 0, len(t.allLanes))
	for l := range t.allLanes {
		outlets = append(outlets, l.out)
	}
	return outlets
}

// tie makes the lane end with the connections that it was opened for.
func (l *Lane) tie() {
	parents := l.parents()
	l.tied.Store(int64(len(parents)))
	for _, p := range parents {
		if !p.tie(l) {
			l.parentGone()
		}
	}
	if l.ending.Err() != nil {
		l.untie()
	}
}

func (l *Lane) untie() {
	for _, p := range l.parents() {
		p.untie(l)
	}
}

func (l *Lane) parents() []*Link {
	var links []*Link
	origins := []*flow.Origin{l.parent}
	if l.parent != nil && l.parent.Union != nil {
		origins = l.parent.Union
	}
	for _, o := range origins {
		if o == nil {
			continue
		}
		if p, ok := o.Link.(*Link); ok && !slices.Contains(links, p) {
			links = append(links, p)
		}
	}
	return links
}

// tie adds a lane to those that end with the link; false when it is closed.
func (l *Link) tie(lane *Lane) bool {
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	if l.table.links[l.origin.Seq] != l {
		return false
	}
	l.tied = append(l.tied, lane)
	return true
}

func (l *Link) untie(lane *Lane) {
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	l.tied = slices.DeleteFunc(l.tied, func(other *Lane) bool { return other == lane })
}

// parentGone is called for each connection that the lane was opened for.
func (l *Lane) parentGone() {
	if l.tied.Add(-1) == 0 {
		l.End()
	}
}

// End asks for the end: the lane takes nothing more, and closes when what it
// has taken is written.
func (l *Lane) End() {
	l.table.mu.Lock()
	l.out.Leave()
	l.leave()
	l.table.mu.Unlock()
	l.end()
}

// leave makes the next event of the key have another lane. The caller holds the
// table's mu, and has held it since the outlet began to refuse events: whoever is
// refused does not find the lane again.
func (l *Lane) leave() {
	if l.table.lanes[l.key] == l {
		delete(l.table.lanes, l.key)
	}
}

// Ending ends when the lane is to end.
func (l *Lane) Ending() context.Context { return l.ending }

// Trace is that of the event that the lane was opened for.
func (l *Lane) Trace() *flow.Trace { return l.trace }

// Waiting counts what waits for a connection, or for the connection to take it.
func (l *Lane) Waiting() int { return l.out.Queued() }

// Open announces the lane's connection, as Table.Open does.
func (l *Lane) Open(peer flow.Peer, w flow.Writer) (flow.Link, error) {
	return l.table.add(&Link{table: l.table, out: l.out, lane: l}, peer, w)
}

// Retire closes the lane when nothing waits in it, and reports whether that was
// so.
func (l *Lane) Retire() bool {
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	if !l.out.CloseIdle() {
		return false
	}
	l.out.Settle()
	l.leave()
	delete(l.table.allLanes, l)
	return true
}

// Close ends the lane. What is still queued is lost.
func (l *Lane) Close(reason error) {
	l.End()
	l.untie()
	l.out.Close(reason)
	l.table.mu.Lock()
	l.out.Settle()
	delete(l.table.allLanes, l)
	l.table.mu.Unlock()
}

// EndIdle ends the lanes on which nothing has passed since before.
func (t *Table) EndIdle(before time.Time) {
	limit := before.UnixNano()
	t.mu.RLock()
	var idle []*Lane
	for _, l := range t.lanes {
		if l.active.Load() < limit {
			idle = append(idle, l)
		}
	}
	t.mu.RUnlock()
	for _, l := range idle {
		// Who was faster than this finds its event refused, and opens another lane.
		if l.leaveIdle(limit) {
			l.end()
		}
	}
}

// leaveIdle is leave, of a lane on which nothing has passed since limit.
func (l *Lane) leaveIdle(limit int64) bool {
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	if !l.out.LeaveIdle(func() bool { return l.active.Load() < limit }) {
		return false
	}
	l.leave()
	return true
}
