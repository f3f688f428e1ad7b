package link

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/outlet"
	"go.uber.org/zap"
)

// replies is the `in` of an edge that delivers each event to the connections
// that it came from, or that the flow named.
type replies struct {
	table   *Table
	lostErr bool
}

// Send implements flow.Sink.
func (r *replies) Send(ctx context.Context, batch []flow.Event) error {
	var err error
	own := reader(ctx)
	for i := 0; i < len(batch); {
		j := i + 1
		e := &batch[i]
		if e.Meta.Wrote == nil {
			for j < len(batch) && batch[j].Origin == e.Origin && batch[j].Meta.Wrote == nil {
				j++
			}
		}
		r.route(ctx, own, batch[i:j], i, &err)
		i = j
	}
	return err
}

// route delivers a run of events that take the same way. base is its place in
// the batch that err speaks of.
func (r *replies) route(ctx context.Context, own *outlet.Reader, run []flow.Event, base int, err *error) {
	t := r.table
	e := &run[0]
	if address, ok := t.address(e); ok {
		l, cause := t.lookup(address)
		if cause != nil {
			r.unroutable(ctx, run, base, cause, err)
			return
		}
		r.send(ctx, own, l.out, run, base, err)
		return
	}
	if t.single != nil {
		r.send(ctx, own, t.single, run, base, err)
		return
	}
	l, fork := t.wayBack(e.Origin)
	if l != nil {
		r.send(ctx, own, l.out, run, base, err)
		return
	}
	links := t.waysBack(fork)
	switch {
	case len(links) > 0:
		r.sendToAll(ctx, own, links, run, base, err)
	case t.lanes != nil:
		r.sendByKey(ctx, own, run, base, err)
	default:
		r.unroutable(ctx, run, base, flow.ErrNoReturn, err)
	}
}

func (r *replies) send(ctx context.Context, own *outlet.Reader, o *outlet.Outlet, run []flow.Event, base int, err *error) {
	if refused := o.Send(ctx, own, run); refused != nil {
		r.report(ctx, o, refused, run, base, err)
	}
}

// report deals with what an outlet refused of a run.
//
//go:noinline // keeps a large frame off the stack of every reader
func (r *replies) report(ctx context.Context, o *outlet.Outlet, refused outlet.Refusals, run []flow.Event, base int, err *error) {
	lost := 0
	for i, why := range refused {
		if why.Gone && !r.lostErr {
			lost++
			continue
		}
		r.table.tell(ctx, why, &run[i], base+i, err)
	}
	if lost > 0 {
		o.LoseReplies(lost)
	}
}

// sendToAll delivers a run to several links. An event counts as failed, once,
// when one of them failed. Connections that are gone do not count while there
// are others.
func (r *replies) sendToAll(ctx context.Context, own *outlet.Reader, links []*Link, run []flow.Event, base int, err *error) {
	refused := make([]outlet.Refusals, len(links))
	for k, l := range links {
		refused[k] = l.out.Send(ctx, own, run)
	}
	for i := range run {
		why, gone := verdict(refused, i)
		if gone == len(links) && r.lostErr {
			why, gone = outlet.Refusal{Kind: "write", Err: flow.ErrGone}, 0
		}
		r.table.lose(gone, flow.ErrGone)
		r.table.tell(ctx, why, &run[i], base+i, err)
	}
}

// verdict sums up what several outlets say of event i: the first refusal, and
// how many connections are gone.
func verdict(refused []outlet.Refusals, i int) (why outlet.Refusal, gone int) {
	for _, by := range refused {
		switch {
		case by == nil:
		case by[i].Gone:
			gone++
		case why.Err == nil:
			why = by[i]
		}
	}
	return why, gone
}

// unroutable deals with events for which there is no connection.
//
//go:noinline // keeps a large frame off the stack of every reader
func (r *replies) unroutable(ctx context.Context, run []flow.Event, base int, cause error, err *error) {
	if errors.Is(cause, flow.ErrGone) && !r.lostErr {
		r.table.lose(len(run), cause)
		return
	}
	for i := range run {
		r.table.tell(ctx, outlet.Refusal{Kind: "write", Err: cause}, &run[i], base+i, err)
	}
}

// tell reports an event that was refused; the err port may take it, and may
// lead back here, so the caller holds no lock.
//
//go:noinline // keeps a large frame off the stack of every reader
func (t *Table) tell(ctx context.Context, why outlet.Refusal, e *flow.Event, index int, err *error) {
	cause := why.Err
	if cause != nil && why.Kind != "" {
		cause = t.cfg.Problems.Handle(ctx, flow.Problem{Kind: why.Kind, Err: cause, Event: *e})
	}
	if cause != nil {
		flow.Fail(err, index, cause)
	}
}

// lose counts events for connections that are gone.
func (t *Table) lose(n int, reason error) {
	if n == 0 {
		return
	}
	t.terms.Counters.Lost.Add(uint64(n))
	t.cfg.Log.Warn("the connection is gone, what was for it is lost", zap.Int("events", n), zap.NamedError("reason", reason))
}
