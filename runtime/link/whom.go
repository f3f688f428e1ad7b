package link

import (
	"fmt"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/outlet"
	"github.com/flowrun/flowrun/runtime/topic"
)

// Whom says how an edge finds the connections of an event, where it does not go
// back to those that it came from.
type Whom struct {
	By       flow.Delivery // Topic or Identity
	Names    flow.Expr     // which ones
	Problems *flow.Problems
}

// InTo is the connector's `in` port as an edge uses it that names by topic or
// identity who gets an event. lostErr makes an event of which nobody with one of
// its identities is connected a problem for the err port; otherwise, as with
// topics that nobody has subscribed to, it is counted. What is wrong with Names
// goes to Problems.
func (t *Table) InTo(whom Whom, lostErr bool) flow.Sink {
	t.addressed.Store(true)
	return newFanout(t, &whom, lostErr)
}

// sendNamed delivers one event to whom it names.
func (s *sending) sendNamed(event []flow.Event, base int) {
	e := &event[0]
	names, err := s.whom.Names.Eval(e)
	if err == nil && s.whom.By == flow.Topic {
		err = s.sendByTopic(event, names, base)
	} else if err == nil {
		err = s.sendByIdentity(event, names, base)
	}
	if err == nil {
		return
	}
	s.turn.WriteSpread()
	kind := map[flow.Delivery]string{flow.Topic: "topic", flow.Identity: "identity"}[s.whom.By]
	if err = s.whom.Problems.Handle(s.ctx, flow.Problem{Kind: kind, At: s.whom.Names.At(), Err: err, Event: *e}); err != nil {
		flow.Fail(&s.err, base, err)
	}
}

func (s *sending) sendByTopic(event []flow.Event, names flow.Value, base int) error {
	var room [8]string
	topics, err := topic.Of(s.table.topics, room[:0], names)
	if err != nil {
		return err
	}
	var made *outlet.Share
	var message *topic.Message
	if len(topics) > 0 && s.table.board.Keeps() && s.once != nil {
		made = s.encode(event)
		message = topic.NewMessage(made.Frames, time.Now().UnixNano())
		if made.Refused != nil {
			message = nil
		}
	}
	outlets, err := s.table.board.Publish(nil, topics, message)
	if err != nil {
		return err
	}
	if len(outlets) == 0 && made != nil {
		s.tell(made.Refused, event, base)
	}
	s.deliver(outlets, event, made, base)
	return nil
}

func (s *sending) sendByIdentity(event []flow.Event, names flow.Value, base int) error {
	outlets, err := s.table.sessions.Of(nil, names)
	if err != nil {
		return err
	}
	if len(outlets) == 0 && s.one.lostErr && !names.IsNull() {
		s.tell(outlet.Refusals{{Kind: "write", Err: fmt.Errorf("%s: connection of this identity: %w", s.table.cfg.Component.Address(), flow.ErrGone)}}, event, base)
		return nil
	}
	s.deliver(outlets, event, nil, base)
	return nil
}
