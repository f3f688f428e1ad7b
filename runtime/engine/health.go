package engine

import (
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/notice"
	"go.uber.org/zap"
)

// State is what a connector is doing.
type State string

// The states of a connector.
const (
	Connecting State = "connecting"  // an attempt has begun
	Open       State = "open"        // it has opened a connection, or listens, or opens connections when events need them
	BackingOff State = "backing off" // it lost its world and waits for the next attempt
	Failed     State = "failed"      // it has given up
	Ended      State = "ended"       // its work is done
)

// Up reports whether a connector in this state does what it is there for, or
// has done it.
func (s State) Up() bool { return s == Open || s == Ended }

// Phase is how far the process is in its life.
type Phase string

// The phases of a process.
const (
	Starting Phase = "starting" // connectors are being prepared
	Running  Phase = "running"
	Draining Phase = "draining" // what is in flight is delivered, nothing new is taken
)

// Health is how the process is doing.
type Health struct {
	Phase Phase
	// Ready says that the flows run and every required connector is up, and not
	// paused.
	Ready      bool
	Connectors []ConnectorHealth // in the order of start
}

// ConnectorHealth is how one connector is doing.
type ConnectorHealth struct {
	Flow      string
	Type      string
	Name      string
	Required  bool
	State     State
	Paused    bool      // it receives nothing from its connections
	Since     time.Time // of the state
	Attempts  int       // that failed, in a row
	LastError string    // of the last attempt that failed; "" when none has
	NextRetry time.Time // while backing off
	Role      flow.Role
	Listening []Listener
	Stats     link.Stats
}

// Address names the connector as flow files do: "connector.edge".
func (c *ConnectorHealth) Address() string { return "connector." + c.Name }

// Ready reports whether the connector does all that it is there for.
func (c *ConnectorHealth) Ready() bool { return c.State.Up() && !c.Paused }

// Health describes all connectors. It may be called at any time, from any
// goroutine.
func (e *Engine) Health() Health { return e.health(e.now.Load()) }

func (e *Engine) health(now *state) Health {
	units := now.units
	e.mu.Lock()
	h := Health{Phase: e.phase, Ready: e.phase == Running, Connectors: make([]ConnectorHealth, len(units))}
	e.mu.Unlock()
	for i, u := range units {
		c := u.health()
		if c.Required && !c.Ready() {
			h.Ready = false
		}
		h.Connectors[i] = c
	}
	return h
}

// status is the part of ConnectorHealth that changes.
type status struct {
	State     State
	Since     time.Time
	Attempts  int
	LastError string
	NextRetry time.Time
}

func (u *unit) health() ConnectorHealth {
	listening, stats := u.listeners(), u.table.Stats()
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.status
	if s.State == "" {
		s.State = Connecting
	}
	return ConnectorHealth{
		Flow:      u.component.Flow,
		Type:      u.component.Type,
		Name:      u.component.Name,
		Required:  u.common.Required,
		State:     s.State,
		Paused:    u.table.Paused(),
		Since:     s.Since,
		Attempts:  s.Attempts,
		LastError: s.LastError,
		NextRetry: s.NextRetry,
		Role:      u.shape.Role,
		Listening: listening,
		Stats:     stats,
	}
}

// enter changes the state, and tells it when that is news. The caller holds mu.
func (u *unit) enter(s State) {
	news := s.Up() != u.status.State.Up() || s == Failed || s == BackingOff && !u.hadTrouble
	if notices := u.engine.notices; news && notices.Listened() {
		notices.Publish(notice.Health(u.component, s.Up(), string(s)))
	}
	u.status.State, u.status.Since, u.status.NextRetry = s, time.Now(), time.Time{}
	switch s { //nolint:exhaustive // the others are not counted
	case Connecting:
		if u.shape.Per == nil { // else each connection of its own counts
			u.attempts++
		}
	case Open:
		u.openings++
	}
}

// connects: an attempt begins.
func (u *unit) connects() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.succeeded = false
	u.enter(Connecting)
	u.log.Debug("connecting", zap.Int("failed_attempts", u.status.Attempts))
}

// listens: the connector is about to run; if it has listeners, it is open to
// its peers before the first one comes. So is one that opens a connection when an
// event needs it: to wait for that would be to wait for the event.
func (u *unit) listens() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.listening) == 0 && u.shape.Per == nil || u.status.State == Open {
		return
	}
	u.enter(Open)
	for _, l := range u.listening {
		u.tellGood("listening", zap.Stringer("at", l))
	}
}

// opened: the connector has opened a connection.
func (u *unit) opened() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.succeeded {
		return
	}
	u.succeeded = true
	if u.status.State == Connecting {
		u.enter(Open)
		u.tellGood("open")
	}
	u.status.Attempts, u.hadTrouble = 0, false
}

// tellGood logs that the connector is well: news only after it was not.
func (u *unit) tellGood(message string, fields ...zap.Field) {
	level := zap.DebugLevel
	if u.hadTrouble {
		level = zap.InfoLevel
	}
	u.log.Log(level, message, fields...)
}

func (u *unit) hasSucceeded() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.succeeded
}

// backsOff: an attempt failed, the next one is made after wait.
func (u *unit) backsOff(err error, failures int, wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.enter(BackingOff)
	u.hadTrouble = true
	u.status.Attempts, u.status.LastError, u.status.NextRetry = failures, err.Error(), time.Now().Add(wait)
	what := "the attempt failed, trying again"
	if u.succeeded {
		what = "lost, trying again"
	}
	level := zap.WarnLevel
	if u.feeding.Err() != nil {
		level = zap.DebugLevel // while everything ends, a loss is no news
	}
	u.log.Log(level, what, zap.Error(err), zap.Int("failed_attempts", failures), zap.Duration("wait", wait))
}

// failed: the connector has given up.
func (u *unit) failed(err error, failures int) {
	u.mu.Lock()
	u.enter(Failed)
	u.status.Attempts, u.status.LastError = failures, err.Error()
	u.mu.Unlock()
	u.log.Error("given up", zap.Error(err), zap.Int("failed_attempts", failures), zap.String("on_failure", u.common.OnFailure))
	u.table.Close(err)
	if u.common.OnFailure == "exit" {
		u.engine.end.Exit(1, 0, u.component.Address()+" has given up")
	} else if u.isSource() {
		u.engine.sourceEnded()
	}
}

// ended: the connector's work is done, or it was told to end. err is what it
// said at the end of its ctx.
func (u *unit) ended(err error) {
	u.mu.Lock()
	u.enter(Ended)
	if err != nil {
		u.status.LastError = err.Error()
	}
	u.mu.Unlock()
	if err != nil {
		u.log.Warn("ended with an error", zap.Error(err))
	} else {
		u.log.Debug("ended")
	}
	u.table.Close(err)
	if u.isSource() {
		u.engine.sourceEnded()
	}
}
