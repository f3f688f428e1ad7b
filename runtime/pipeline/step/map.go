package step

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Map is the configuration of a step that changes events.
type Map struct {
	Event flow.Expr `hcl:"event" doc:"the new payload; without it, the payload stays"`
	Meta  flow.Expr `hcl:"meta" doc:"an object with what is written into meta: it is merged, deeply, with what the flow wrote before, and a null takes an entry away"`
}

// Ports implements flow.StepConfig: a map has none of its own.
func (m *Map) Ports() []string { return nil }

// New implements flow.StepConfig.
func (m *Map) New(env flow.StepEnv) (flow.Sink, error) {
	if m.Event == nil && m.Meta == nil {
		return nil, errors.New("a map needs event or meta: what is new")
	}
	if err := flow.MustBe("meta", m.Meta, flow.OfMap); err != nil {
		return nil, err
	}
	return &mapper{Map: *m, env: env}, nil
}

type mapper struct {
	Map
	Counters
	env flow.StepEnv
}

func (m *mapper) Send(ctx context.Context, batch []flow.Event) error {
	out := MadeOf(len(batch), &m.env)
	defer out.Release()
	refused := 0
	for i := range batch {
		e := &batch[i]
		if x, err := m.change(out.Add(ctx, i, e), e); err != nil {
			out.Undo()
			out.Refuse(ctx, i, e, x, err)
			refused++
		}
	}
	out.Send(ctx)
	m.Counters.Add(len(batch), len(batch)-refused, 0, refused)
	return out.Err()
}

// change makes a copy of e what the flow wants it to be. With an error comes
// the expression that it is about.
func (m *mapper) change(copied, e *flow.Event) (flow.Expr, error) {
	if m.Event != nil {
		v, err := m.Event.Eval(e)
		if err != nil {
			return m.Event, err
		}
		copied.SetPayload(v)
	}
	if m.Meta != nil {
		v, err := m.Meta.Eval(e)
		switch {
		case err != nil:
			return m.Meta, err
		case v.Kind() == flow.Map:
			copied.Meta.Wrote = write(e.Meta.Wrote, v.Object())
		case !v.IsNull():
			return m.Meta, fmt.Errorf("meta is %s, where an object is needed", v.Kinds())
		}
	}
	return nil, nil
}

// write returns what is written into meta when new entries come to those that
// are there. It changes neither. Events may be kept longer than the memory that
// the new entries come from, so they are copied.
func write(there, entries *flow.Object) *flow.Object {
	if entries.Len() == 0 {
		return there
	}
	all := flow.NewObject(there.Len() + entries.Len())
	for _, f := range there.Fields() {
		if entry, again := entries.Get(f.Key); !again {
			all.Set(f.Key, f.Value)
		} else if !entry.IsNull() {
			all.Set(f.Key, entryOver(f.Value, entry))
		}
	}
	for _, f := range entries.Fields() {
		if _, again := there.Get(f.Key); !again && !f.Value.IsNull() {
			all.Set(strings.Clone(f.Key), entryOver(flow.NullValue, f.Value))
		}
	}
	return all
}

func entryOver(there, entry flow.Value) flow.Value {
	if entry.Kind() != flow.Map {
		return entry.Held()
	}
	written := write(there.Object(), entry.Object())
	if written == nil {
		written = flow.NewObject(0)
	}
	return flow.MapOf(written)
}

var mapSpec = flow.Spec[flow.StepConfig]{
	Name:    "map",
	Summary: "gives events a new payload, or writes into their meta",
	Doc: "`event`" + ` is the new payload, ` + "`meta`" + ` an object with new entries of ` + "`meta`" + `. Both
see the event as it comes: a ` + "`meta`" + ` that reads ` + "`event`" + ` reads the old payload. What the step
does not change stays: where the event came from, when, and what the transport said of it.

New entries of meta are merged, deeply, with those that the flow wrote before; ` + "`null`" + ` takes an entry
away again, and what the transport said shows. What the flow writes there decides how a connector sends
the event:

- ` + "`meta.<type>.peer`" + `, like ` + "`meta = { ws_server = { peer = event.to } }`" + `, sends it to one connection
  of that type: an id as ` + "`peer.id`" + ` gives it, or an object with ` + "`id`" + `, or with ` + "`host`" + ` and
  ` + "`port`" + `. When that connection is not open, ` + "`on_lost_peer`" + ` of the ` + "`connect`" + ` says what becomes of the
  event; it never goes to another one.
- ` + "`meta.<type>.binary`" + ` or ` + "`meta.binary`" + `, true or false, is the type of its WebSocket frame.

An event for which an expression fails, or whose new meta is neither an object nor null, goes to the
pipeline's ` + "`err`" + ` port as it came; without one it has failed, and whoever sent it learns of that. The
other events of its batch go on.`,
	Example: mapExample,
	Config:  func() flow.StepConfig { return &Map{} },
}

const mapExample = `connector "metronome" "clock" {
  interval = "1s"
}

connector "stdio" "console" {
  codec = "json"
}

pipeline "shape" {
  map "nicer" {
    event = {
      number = event.tick
      even   = event.tick % 2 == 0
      text   = "tick ${event.tick}"
    }
  }
}

connect "show" {
  from = connector.clock
  via  = [pipeline.shape]
  to   = connector.console
}
`
