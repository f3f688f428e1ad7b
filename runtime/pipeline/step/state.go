package step

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// State is the configuration of a step that keeps a value per key.
type State struct {
	Key        flow.Expr        `hcl:"key" doc:"which value an event is about; null is a key, too. Without it there is one value for all"`
	Init       flow.Expr        `hcl:"init" doc:"state for the first event of a key; null without it"`
	Update     flow.Expr        `hcl:"update" required:"true" vars:"state" doc:"the new state, from the event and the state so far"`
	Emit       flow.Expr        `hcl:"emit" vars:"state" doc:"the payload that goes on, from the event and the new state; without it, the event goes on as it is"`
	TTL        setting.Duration `hcl:"ttl" doc:"how long a state is kept after its last change; 0s for no limit"`
	MaxKeys    int              `hcl:"max_keys" min:"1" doc:"states that are kept"`
	MaxSize    setting.Size     `hcl:"max_size" min:"1B" doc:"about how large one state may be; an event that would make it larger goes to err"`
	OnOverflow string           `hcl:"on_overflow" oneof:"forget|err" doc:"what happens when an event would exceed max_keys: the state that was not changed for longest is forgotten, or the event goes to err"`
}

// Ports implements flow.StepConfig: a state has none of its own.
func (c *State) Ports() []string { return nil }

// New implements flow.StepConfig.
func (c *State) New(env flow.StepEnv) (flow.Sink, error) {
	if c.Update == nil {
		return nil, &setting.Error{Field: "update", Err: errors.New("a state needs an update: what becomes of it with an event")}
	}
	return &stater{State: *c, env: env, states: NewKeyed[remembered](c.MaxKeys)}, nil
}

// stater is the step.
type stater struct {
	State
	Counters
	env flow.StepEnv

	mu     sync.Mutex // makes an update of a state one thing; nothing is sent while it is held
	states *Keyed[remembered]
}

// remembered is the state of one key.
type remembered struct {
	value   flow.Value
	changed time.Time
}

var (
	errStates = errors.New("there is no room for another key: the step keeps max_keys states")
	errSize   = errors.New("the state would be larger than max_size, it stays as it was")
)

// Send implements flow.Sink.
func (s *stater) Send(ctx context.Context, batch []flow.Event) error {
	out := MadeOf(len(batch), &s.env)
	defer out.Release()
	now := time.Now()
	refused := 0
	for i := range batch {
		e := &batch[i]
		state, x, err := s.update(e, now)
		if err == nil {
			x, err = s.Emit, s.emit(out.Add(ctx, i, e), e, state)
			if err != nil {
				out.Undo()
			}
		}
		if err != nil {
			out.Refuse(ctx, i, e, x, err)
			refused++
		}
	}
	out.Send(ctx)
	s.Counters.Add(len(batch), len(batch)-refused, 0, refused)
	return out.Err()
}

// emit makes a copy of e what goes on.
func (s *stater) emit(copied, e *flow.Event, state flow.Value) error {
	if s.Emit == nil {
		return nil
	}
	v, err := s.Emit.Eval(e, state)
	if err == nil {
		copied.SetPayload(v)
	}
	return err
}

// update changes the state that e is about. With an error comes the expression
// that it is about, and nothing has changed.
func (s *stater) update(e *flow.Event, now time.Time) (state flow.Value, x flow.Expr, err error) {
	key, err := keyOf(s.Key, e)
	if err != nil {
		return flow.NullValue, s.Key, err
	}
	defer key.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	there := s.states.Get(key.spelled)
	switch {
	case there != nil && !s.expired(there, now):
		state = there.Value.value
	case there == nil && s.OnOverflow == "err" && s.states.Len() >= s.MaxKeys:
		return state, s.Update, errStates
	case s.Init != nil:
		if state, err = s.Init.Eval(e); err != nil {
			return state, s.Init, err
		}
	}
	if state, err = s.Update.Eval(e, state); err != nil {
		return state, s.Update, err
	}
	if state = state.Held(); state.Size() > int(s.MaxSize) {
		return state, s.Update, errSize
	}
	if there == nil {
		s.states.Add(key.spelled, remembered{state, now})
	} else {
		there.Value = remembered{state, now}
		s.states.Renew(there)
	}
	return state, nil, nil
}

// expire forgets some of what is past: two states for each event that comes, so
// that it is all gone in time, and nobody waits until it is.
func (s *stater) expire(now time.Time) {
	for range 2 {
		if old := s.states.Oldest(); old != nil && s.expired(old, now) {
			s.states.Forget(old)
		}
	}
}

func (s *stater) expired(e *Entry[remembered], now time.Time) bool {
	return s.TTL > 0 && now.Sub(e.Value.changed) >= time.Duration(s.TTL)
}

var stateSpec = flow.Spec[flow.StepConfig]{
	Name:    "state",
	Summary: "keeps a value per key, which each event changes",
	Doc: `For each event, ` + "`update`" + ` computes the new state of its ` + "`key`" + ` from the event and from ` + "`state`" + `, the
state so far (` + "`init`" + ` for the first event of a key). Then the event goes on with what ` + "`emit`" + ` makes of it
and of the new ` + "`state`" + `; its meta and the connection that it answers stay.

All connections that send into the step share its states. An update is one thing: of two that come
at the same time, one sees what the other has made. Events wait for each other that long, but not
while they go on. What has become of an event further on does not matter: the state stays changed
when it cannot be delivered.

An event for which an expression fails goes to the pipeline's ` + "`err`" + ` port, and the state stays as it was
(unless it was ` + "`emit`" + ` that failed); without one it has failed. The other events of its batch go on.

The step holds no events back. What a crash or a restart loses is the states. There are at most
` + "`max_keys`" + ` of them, and one takes about 250 bytes beside its value, which ` + "`max_size`" + ` bounds.`,
	Example: stateExample,
	Config: func() flow.StepConfig {
		return &State{MaxKeys: 10000, MaxSize: 64 << 10, OnOverflow: "forget"}
	},
}

const stateExample = `connector "metronome" "clock" {
  interval = "1s"
  event    = jsonencode({ device = "d1", value = 3 })
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "total" {
  state "sum" {
    key    = event.device
    ttl    = "1h"
    init   = 0
    update = state + event.value
    emit   = { device = event.device, total = state }
  }
}

connect "show" {
  from = connector.clock
  via  = [pipeline.total]
  to   = connector.console
}
`
