package step

import (
	"context"
	"fmt"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Made is a batch of events that a step makes of those of another batch, on
// their way to the next step. It knows which one each was made of, so that
// failures are counted back.
//
// The events may share memory with those that they were made of: the Send that
// brought these has not returned while they are under way.
type Made struct {
	env    *flow.StepEnv
	of     int // how many events the other batch has
	events []flow.Event
	from   []int       // for each event, the place of the one that it was made of
	lost   map[int]int // by that place: how many were not delivered
	tally  Tally
}

// maxMade is how many events are sent at a time. More are sent in parts, so
// that what a step needs beside its input has a bound.
const maxMade = 256

// spare are used again, since a batch does not outlive a call of Send.
var spare = sync.Pool{New: func() any {
	return &Made{events: make([]flow.Event, 0, maxMade), from: make([]int, 0, maxMade)}
}}

// MadeOf returns an empty batch, for what is made of a batch of n events.
func MadeOf(n int, env *flow.StepEnv) *Made {
	m := spare.Get().(*Made)
	m.env, m.of = env, n
	return m
}

// Release gives the batch back. Nothing of it is used afterwards.
func (m *Made) Release() {
	clear(m.events)
	*m = Made{events: m.events[:0], from: m.from[:0]}
	spare.Put(m)
}

// Add appends an event that is made of e, at place from of its batch, and is
// like it so far. It is to be finished before the next call of a method.
func (m *Made) Add(ctx context.Context, from int, e *flow.Event) *flow.Event {
	if len(m.events) == maxMade {
		m.Send(ctx)
	}
	m.events = append(m.events, *e)
	m.from = append(m.from, from)
	return &m.events[len(m.events)-1]
}

// Undo takes back the event that was added last.
func (m *Made) Undo() {
	last := len(m.events) - 1
	m.events[last] = flow.Event{}
	m.events, m.from = m.events[:last], m.from[:last]
}

// Send sends what has been made so far.
func (m *Made) Send(ctx context.Context) {
	if len(m.events) == 0 {
		return
	}
	err := m.env.Next.Send(ctx, m.events)
	if err != nil && m.lost == nil {
		m.lost = map[int]int{}
	}
	flow.Failures(err, len(m.events), func(index int, cause error) {
		m.lost[m.from[index]]++
		m.tally.Fail(m.of, m.from[index], cause)
	})
	clear(m.events)
	m.events, m.from = m.events[:0], m.from[:0]
}

// Refuse sends event e, at place from of its batch, to the pipeline's err port,
// behind what was made of the events before it.
func (m *Made) Refuse(ctx context.Context, from int, e *flow.Event, where flow.Expr, cause error) {
	m.Send(ctx)
	if err := refuse(ctx, m.env, where, e, cause); err != nil {
		m.tally.Fail(m.of, from, err)
	}
}

// Err is the result of the Send that brought the other batch.
func (m *Made) Err() error {
	for place, n := range m.lost {
		if n > 1 {
			m.tally.causes[place] = fmt.Errorf("%d of the events made of it were not delivered, the first: %w", n, m.tally.causes[place])
		}
	}
	return m.tally.Err()
}
