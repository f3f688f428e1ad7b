package step

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Throttle is the configuration of a step that lets no more than so many
// events pass in a time.
type Throttle struct {
	Rate     float64          `hcl:"rate" required:"true" doc:"events that pass in the time per"`
	Per      setting.Duration `hcl:"per" min:"1ms" doc:"the time that rate is about"`
	Burst    int              `hcl:"burst" min:"0" doc:"events that pass at once when there was a pause before; 0 for as many as rate says, and at least 1"`
	Key      flow.Expr        `hcl:"key" doc:"events are counted for each key apart; without it all together, as are those whose key is null"`
	MaxKeys  int              `hcl:"max_keys" min:"1" doc:"keys that are counted; the one not used for longest is forgotten for one more"`
	OnExcess string           `hcl:"on_excess" oneof:"drop|err|wait" doc:"what happens to an event that is too many: it is dropped, goes to err, or its sender waits"`
}

// Ports implements flow.StepConfig: a throttle has none of its own.
func (t *Throttle) Ports() []string { return nil }

// New implements flow.StepConfig.
func (t *Throttle) New(env flow.StepEnv) (flow.Sink, error) {
	gap := float64(t.Per) / t.Rate
	switch {
	case !(t.Rate > 0):
		return nil, &setting.Error{Field: "rate", Err: errors.New("rate must be more than 0: a filter lets nothing pass")}
	case gap < 1:
		return nil, &setting.Error{Field: "rate", Err: errors.New("rate is more than one event per nanosecond")}
	case gap > float64(longest):
		return nil, &setting.Error{Field: "rate", Err: errors.New("rate is less than one event per year")}
	}
	burst := float64(t.Burst)
	if burst == 0 {
		burst = max(1, math.Floor(t.Rate))
	}
	return &throttler{
		Throttle: *t,
		env:      env,
		gap:      time.Duration(gap),
		ahead:    time.Duration(min((burst-1)*gap, float64(longest))),
		start:    time.Now(),
		next:     NewKeyed[time.Duration](t.MaxKeys),
	}, nil
}

const (
	longest = 365 * 24 * time.Hour // bounds times that are added to each other
	idle    = time.Minute          // how long a key is kept after it is as good as new
)

// throttler is the step. The events of a key have times, gap apart, at which
// they are due, and may come ahead of them by as much as a burst takes. All
// times count from start.
type throttler struct {
	Throttle
	Counters
	env        flow.StepEnv
	gap, ahead time.Duration
	start      time.Time

	mu   sync.Mutex
	next *Keyed[time.Duration] // when the next event of the key is due; one whose time is past is as good as new
}

func (t *throttler) Send(ctx context.Context, batch []flow.Event) error {
	return t.Dispatch(ctx, t, batch)
}

var errExcess = errors.New("too many events")

// Choose returns as the way the time at which the event goes on; straightaway
// for one that need not wait.
func (t *throttler) Choose(e *flow.Event) (Way, error) {
	key, err := keyOf(t.Key, e)
	if err != nil {
		return Nowhere, err
	}
	defer key.release()
	now := time.Since(t.start)
	goes, pass := t.take(key.spelled, now)
	switch {
	case !pass && t.OnExcess == "drop":
		return Nowhere, nil
	case !pass:
		return Nowhere, errExcess
	case goes > now:
		return Way(goes), nil
	}
	return straightaway, nil
}

// straightaway is earlier than any time that an event waits for.
const straightaway Way = 1

// take takes the next place of a key, if it is near enough or the sender
// waits, and returns when the event may go on.
func (t *throttler) take(key []byte, now time.Duration) (goes time.Duration, pass bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := t.next.Get(key)
	if next == nil {
		next = t.next.Add(key, now)
	} else {
		t.next.Renew(next)
	}
	// Two for each that comes, as in a dedupe.
	for range 2 {
		if old := t.next.Oldest(); old != next && old.Value+idle <= now {
			t.next.Forget(old)
		}
	}
	due := max(now, next.Value)
	goes = due - t.ahead
	if goes > now && t.OnExcess != "wait" {
		return 0, false
	}
	next.Value = due + t.gap
	return goes, true
}

func (t *throttler) Pass(ctx context.Context, goes Way, run []flow.Event) error {
	if goes != straightaway {
		if err := t.wait(ctx, time.Duration(goes)); err != nil {
			return err
		}
	}
	return t.env.Next.Send(ctx, run)
}

// wait holds the sender back until a time has come.
func (t *throttler) wait(ctx context.Context, until time.Duration) error {
	timer := time.NewTimer(until - time.Since(t.start))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *throttler) Refuse(ctx context.Context, e *flow.Event, cause error) error {
	if errors.Is(cause, errExcess) {
		cause = fmt.Errorf("%w: more than %v in %v", errExcess, t.Rate, t.Per)
	}
	return refuse(ctx, &t.env, t.Key, e, cause)
}

var throttleSpec = flow.Spec[flow.StepConfig]{
	Name:    "throttle",
	Summary: "lets no more than so many events pass in a time",
	Doc: "`rate = 100`" + ` lets 100 events pass in each second, or in each ` + "`per`" + `; with ` + "`key`" + `, for each key
apart. After a pause, ` + "`burst`" + ` events pass at once (as many as ` + "`rate`" + ` says, when it is not given) and
then one whenever its time has come: 100 in a second are one every 10ms. All connections that send into the
step share its counts.

An event that is too many is what ` + "`on_excess`" + ` says:

- ` + "`\"drop\"`" + `: it is dropped, which counts as delivered. This is the default, because nobody is held up by
  a sender that sends too much, and nothing is kept.
- ` + "`\"err\"`" + `: it goes to the pipeline's ` + "`err`" + ` port; without one it has failed, and whoever sent it
  learns of that.
- ` + "`\"wait\"`" + `: whoever sent it waits until its time has come, and reads nothing meanwhile. Right for a file
  or a queue. Connections that share a key wait for each other's events.

` + "`max_keys`" + ` keys are counted; for one more the one not used for longest is forgotten, and starts anew when
it comes back. A key that was not used for a minute is forgotten when others come. A key takes about 200
bytes, however long it is. An event that passes and is then not delivered counts.

An event for which ` + "`key`" + ` fails goes to the pipeline's ` + "`err`" + ` port; without one it has failed. The
other events of its batch go on.`,
	Example: throttleExample,
	Config: func() flow.StepConfig {
		return &Throttle{Per: setting.Duration(time.Second), MaxKeys: 100000, OnExcess: "drop"}
	},
}

const throttleExample = `connector "metronome" "clock" {
  interval = "100ms"
}

connector "stdio" "console" {
  codec = "json"
}

pipeline "calm" {
  throttle "slow" {
    rate = 2
  }
}

connect "show" {
  from = connector.clock
  via  = [pipeline.calm]
  to   = connector.console
}
`
