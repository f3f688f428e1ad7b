package link

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/topic"
	"go.uber.org/zap"
)

// heed passes the batch on, and does what its events say about subscriptions. A
// subscription is in force, and what was said before has been sent, when the event
// that asks for it leaves: who gets an answer misses nothing from then on.
func (l *Link) heed() {
	t := l.inlet.turn
	batch := t.batch
	from := 0
	for i := range batch {
		e := &batch[i]
		stop, start := l.asks(e, l.table.topics.Unsubscribe), l.asks(e, l.table.topics.Subscribe)
		if stop.IsNull() && start.IsNull() {
			continue
		}
		l.pass(batch[from:i])
		from = i
		l.unsubscribe(e, stop)
		l.subscribe(e, start)
	}
	l.pass(batch[from:])
}

// asks evaluates what an event says about subscriptions.
func (l *Link) asks(e *flow.Event, what flow.Expr) flow.Value {
	if what == nil {
		return flow.NullValue
	}
	v, err := what.Eval(e)
	if err != nil {
		l.refuse(e, what.At(), err)
		return flow.NullValue
	}
	return v
}

func (l *Link) unsubscribe(e *flow.Event, v flow.Value) {
	names, err := topic.Asked(l.table.topics, "unsubscribe from", v)
	if err != nil {
		l.refuse(e, l.table.topics.Unsubscribe.At(), err)
		return
	}
	for _, name := range names {
		pattern, err := topic.Match(l.table.topics.Match).Check(name)
		if i := slices.Index(l.patterns, pattern); i >= 0 && err == nil {
			l.table.board.Leave(l.out, pattern)
			l.setPatterns(slices.Delete(l.patterns, i, i+1))
		}
	}
}

// subscribe adds subscriptions, each that may be made. Those that may not are one
// problem, however many they are.
func (l *Link) subscribe(e *flow.Event, v flow.Value) {
	names, err := topic.Asked(l.table.topics, "subscribe to", v)
	if err != nil {
		l.refuse(e, "", err)
		return
	}
	had := len(l.patterns)
	var refused topic.Refusals
	for _, name := range names {
		pattern, more, err := topic.Admit(l.table.topics, l.patterns, name)
		if err == nil && more {
			err = l.allow(e, pattern)
		}
		switch {
		case err != nil:
			refused.Add(err)
		case more:
			l.patterns = append(l.patterns, strings.Clone(pattern))
		}
	}
	if err := refused.Err(); err != nil {
		l.refuse(e, "", err)
	}
	if !l.join(l.patterns[had:]) {
		l.patterns = l.patterns[:had]
	}
	l.setPatterns(l.patterns)
}

// setPatterns says what the link has subscribed to.
func (l *Link) setPatterns(patterns []string) {
	l.patterns = patterns
	topics := slices.Clone(patterns)
	l.topics.Store(&topics)
}

func (l *Link) allow(e *flow.Event, pattern string) error {
	allow := l.table.topics.Allow
	if allow == nil {
		return nil
	}
	ok, err := allow.Test(e, flow.TextOf(pattern))
	switch {
	case err != nil:
		return fmt.Errorf("subscribe to %q: allow: %w", pattern, err)
	case !ok:
		return fmt.Errorf("subscribe to %q: allow is false", pattern)
	}
	return nil
}

// join makes the link a subscriber, when it has been sent what was said before.
// That waits for the connection and for nobody else, and nobody waits for it;
// what is said meanwhile is caught up with. It is false when the connection is
// gone.
func (l *Link) join(patterns []string) bool {
	board, after := l.table.board, uint64(0)
	for len(patterns) > 0 {
		missed := board.Join(l.out, patterns, after, time.Now().UnixNano())
		if len(missed) == 0 {
			return true
		}
		ctx := l.inlet.turn.ctx
		l.reader.Uncork(ctx)
		if !l.out.Replay(ctx, framesOf(missed)) {
			return false
		}
		after = missed[len(missed)-1].Seq()
	}
	return true
}

func framesOf(messages []*topic.Message) iter.Seq[[]flow.Frame] {
	return func(yield func([]flow.Frame) bool) {
		for _, m := range messages {
			if !yield(m.Frames) {
				return
			}
		}
	}
}

// refuse tells of a subscription that is not made. The event itself goes on.
func (l *Link) refuse(e *flow.Event, at string, why error) {
	t := l.table
	t.refused.Add(1)
	if !t.cfg.Problems.Port.Connected() {
		t.cfg.Problems.Note("subscribe")
		t.cfg.Log.Warn("a subscription is refused", zap.String("peer", l.origin.Peer.Addr()), zap.Error(why))
		return
	}
	_ = t.cfg.Problems.Handle(l.inlet.turn.ctx, flow.Problem{Kind: "subscribe", At: at, Err: why, Event: *e}) // logs by itself
}
