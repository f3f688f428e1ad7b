package engine

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	linesPerSecond = 10 // of one message
	maxMessages    = 64 // that are counted at a time
)

// limited returns a log that lets a few lines of each message pass in a
// second, so that a problem with every event does not fill the log. The next
// line that passes says how many were left out. (zap's own sampler takes half
// a megabyte for each connector.)
func limited(log *zap.Logger) *zap.Logger {
	return log.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return limiter{core, &tally{messages: map[string]*lines{}}}
	}))
}

type limiter struct {
	zapcore.Core
	tally *tally
}

// With implements zapcore.Core.
func (l limiter) With(fields []zapcore.Field) zapcore.Core {
	return limiter{l.Core.With(fields), l.tally}
}

// Check implements zapcore.Core.
func (l limiter) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !l.Enabled(e.Level) {
		return ce
	}
	pass, leftOut := l.tally.count(e.Message, e.Time)
	switch {
	case !pass:
		return ce
	case leftOut > 0:
		return l.Core.With([]zapcore.Field{zap.Int("left_out_before", leftOut)}).Check(e, ce)
	}
	return l.Core.Check(e, ce)
}

// tally counts the lines of each message.
type tally struct {
	mu       sync.Mutex
	messages map[string]*lines
}

type lines struct {
	since   time.Time
	n       int
	leftOut int
}

func (t *tally) count(message string, now time.Time) (pass bool, leftOut int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.messages[message]
	if l == nil {
		if len(t.messages) >= maxMessages {
			clear(t.messages) // somebody makes messages of values; start anew
		}
		l = &lines{since: now}
		t.messages[message] = l
	}
	if now.Sub(l.since) >= time.Second {
		leftOut = l.leftOut
		*l = lines{since: now}
	}
	if l.n++; l.n > linesPerSecond {
		l.leftOut++
		return false, 0
	}
	return true, leftOut
}
