package link

import (
	"context"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// opened does what is to be done before the first message of a connection, in
// the goroutine that will read it: so these events are in order with all others
// of the connection, and hold back nobody else.
func (l *Link) opened() {
	t := l.table
	initial := t.topics != nil && t.topics.Initial != nil && l.out != nil
	if !initial && !t.cfg.Shape.Lifecycle {
		return
	}
	turn := l.begin(context.Background())
	if initial {
		e := flow.Event{Origin: &l.origin, Time: turn.time}
		l.subscribe(&e, l.asks(&e, t.topics.Initial))
	}
	l.tellOf("open", nil)
	if err := l.end(); err != nil {
		t.cfg.Log.Warn("the opening of a connection was not handled", zap.String("peer", l.origin.Peer.Addr()), zap.Error(err))
	}
}

// tellOf lets an event about the connection leave by `out`, where that is wanted.
// said is what the transport says of it.
func (l *Link) tellOf(what string, said *flow.Object) {
	if !l.table.cfg.Shape.Lifecycle {
		return
	}
	meta := flow.ObjectOf(flow.Field{Key: "event", Value: flow.TextOf(what)}).Merge(said)
	t := l.inlet.turn
	t.batch = append(t.batch, flow.Event{
		Meta:   flow.Meta{Said: flow.ObjectOf(flow.Field{Key: l.table.cfg.Component.Type, Value: flow.MapOf(meta)}), Binary: l.table.terms.Binary()},
		Origin: &l.origin,
		Time:   t.time,
	})
	l.pass(t.batch)
}
