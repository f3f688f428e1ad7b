// Package lifecycle keeps what one connector is doing, from one attempt to be open to
// the next, and tells it: to the log, and to whoever listens to notices.
package lifecycle

import (
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// Lifecycle is that of one connector. Its methods named like states are called as the
// connector comes to them; all may be called from any goroutine. Nothing of what is
// exported changes once the first is called.
type Lifecycle struct {
	Component *flow.Component
	Log       *zap.Logger
	Notices   *feed.Feed[notice.Notice]
	// Lanes says that connections are opened when events need them: the connector is
	// open without one, and each of them counts as an attempt of its own.
	Lanes bool

	mu         sync.Mutex
	now        Status
	succeeded  bool // the running attempt has come as far as a connection
	hadTrouble bool // since it last succeeded
	attempts   uint64
	openings   uint64 // attempts that have succeeded
}

// Status is what the connector is doing, as status.Connector says.
type Status struct {
	State     status.State
	Since     time.Time
	Attempts  int
	LastError string
	NextRetry time.Time
}

// Status returns what the connector is doing.
func (l *Lifecycle) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.now
	if s.State == "" {
		s.State = status.Connecting
	}
	return s
}

// Counts returns the attempts to be open, and those that have succeeded after an
// earlier one had.
func (l *Lifecycle) Counts() (attempts, reconnects uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.attempts, max(l.openings, 1) - 1
}

// Succeeded reports whether the running attempt has come as far as a connection.
func (l *Lifecycle) Succeeded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.succeeded
}

// Tried counts an attempt to have a connection, where each key has one.
func (l *Lifecycle) Tried() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts++
}

// Reopened counts a key that has a connection again.
func (l *Lifecycle) Reopened() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.openings++
}

// enter changes the state, and tells it when that is news. The caller holds mu.
func (l *Lifecycle) enter(s status.State) {
	news := s.Up() != l.now.State.Up() || s == status.Failed || s == status.BackingOff && !l.hadTrouble
	if news && l.Notices.Listened() {
		l.Notices.Publish(notice.Health(l.Component, s.Up(), string(s)))
	}
	l.now.State, l.now.Since, l.now.NextRetry = s, time.Now(), time.Time{}
	switch s { //nolint:exhaustive // the others are not counted
	case status.Connecting:
		if !l.Lanes {
			l.attempts++
		}
	case status.Open:
		l.openings++
	}
}

// Connecting is called when an attempt begins.
func (l *Lifecycle) Connecting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.succeeded = false
	l.enter(status.Connecting)
	l.Log.Debug("connecting", zap.Int("failed_attempts", l.now.Attempts))
}

// Listening is called when the connector is about to run; if it has listeners, it is
// open to its peers before the first one comes. So is one that opens a connection
// when an event needs it: to wait for that would be to wait for the event.
func (l *Lifecycle) Listening(at []status.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(at) == 0 && !l.Lanes || l.now.State == status.Open {
		return
	}
	l.enter(status.Open)
	for _, one := range at {
		l.tellGood("listening", zap.Stringer("at", one))
	}
}

// Opened is called when the connector has opened a connection.
func (l *Lifecycle) Opened() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.succeeded {
		return
	}
	l.succeeded = true
	if l.now.State == status.Connecting {
		l.enter(status.Open)
		l.tellGood("open")
	}
	l.now.Attempts, l.hadTrouble = 0, false
}

// tellGood logs that the connector is well: news only after it was not.
func (l *Lifecycle) tellGood(message string, fields ...zap.Field) {
	level := zap.DebugLevel
	if l.hadTrouble {
		level = zap.InfoLevel
	}
	l.Log.Log(level, message, fields...)
}

// BackingOff is called when an attempt failed, the failures-th in a row; the next one
// is made after wait. That is no news when all is ending.
func (l *Lifecycle) BackingOff(err error, failures int, wait time.Duration, ending bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enter(status.BackingOff)
	l.hadTrouble = true
	l.now.Attempts, l.now.LastError, l.now.NextRetry = failures, err.Error(), time.Now().Add(wait)
	what := "the attempt failed, trying again"
	if l.succeeded {
		what = "lost, trying again"
	}
	level := zap.WarnLevel
	if ending {
		level = zap.DebugLevel
	}
	l.Log.Log(level, what, zap.Error(err), zap.Int("failed_attempts", failures), zap.Duration("wait", wait))
}

// Failed is called when the connector has given up; onFailure is what the process
// does then.
func (l *Lifecycle) Failed(err error, failures int, onFailure string) {
	l.mu.Lock()
	l.enter(status.Failed)
	l.now.Attempts, l.now.LastError = failures, err.Error()
	l.mu.Unlock()
	l.Log.Error("given up", zap.Error(err), zap.Int("failed_attempts", failures), zap.String("on_failure", onFailure))
}

// Ended is called when the connector's work is done, or it was told to end. err is
// what it said at the end.
func (l *Lifecycle) Ended(err error) {
	l.mu.Lock()
	l.enter(status.Ended)
	if err != nil {
		l.now.LastError = err.Error()
	}
	l.mu.Unlock()
	if err != nil {
		l.Log.Warn("ended with an error", zap.Error(err))
	} else {
		l.Log.Debug("ended")
	}
}
