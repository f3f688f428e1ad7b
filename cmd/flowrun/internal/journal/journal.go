// Package journal writes the log of a process: a line per entry, and of entries
// that are alike only a few per second. What is written is told to who listens,
// too.
package journal

import (
	"hash/maphash"
	"io"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/notice"
)

// Options say what is logged, and how.
type Options struct {
	Format   string               // "console" for people, "json" for machines
	Coloured bool                 // for people with a terminal
	Level    zapcore.LevelEnabler // what is logged; it may change meanwhile
	// Records gets what is written; nil for nobody.
	Records *feed.Feed[notice.Notice]
}

// New returns the process's log on w: one line per entry.
func New(w io.Writer, o Options) *zap.Logger {
	config := zapcore.EncoderConfig{
		TimeKey:        "time",
		LevelKey:       "level",
		NameKey:        "logger",
		MessageKey:     "msg",
		LineEnding:     "\n",
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeTime:     zapcore.RFC3339NanoTimeEncoder,
		EncodeDuration: encodeDuration,
	}
	encoder := zapcore.NewJSONEncoder(config)
	if o.Format == "console" {
		config.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		config.EncodeLevel = zapcore.CapitalLevelEncoder
		if o.Coloured {
			config.EncodeLevel = zapcore.CapitalColorLevelEncoder
		}
		config.ConsoleSeparator = " "
		encoder = zapcore.NewConsoleEncoder(config)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), o.Level)
	if o.Records != nil {
		core = zapcore.NewTee(core, tell(o.Records, o.Level))
	}
	return zap.New(limit(core))
}

// encodeDuration spells a duration as far as anybody reads it: three digits.
func encodeDuration(d time.Duration, to zapcore.PrimitiveArrayEncoder) {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	to.AppendString(d.Round(unit).String())
}

// A limited core lets pass a few entries per second with the same message
// from the same part of the flow, and says with the next one that passes how
// many it left out. A problem with every event of a busy connection must not
// become the load.
type limited struct {
	zapcore.Core
	from  string // the fields that tell where entries come from
	rates *rates
}

// perSecond entries with one message from one place are printed.
const perSecond = 5

// audit is the logger of what people have told the process, of which nothing is left
// out: package admin names it.
const audit = "admin"

// maxRates bounds what is remembered, in case every message is another one;
// when it is reached, counting starts anew.
const maxRates = 10_000

type rates struct {
	seed maphash.Seed
	mu   sync.Mutex
	all  map[uint64]*rate // by the hash of place and message, since a message may be long
}

type rate struct {
	second  int64
	passed  int
	leftOut int
}

func limit(core zapcore.Core) zapcore.Core {
	return &limited{Core: core, rates: &rates{seed: maphash.MakeSeed(), all: map[uint64]*rate{}}}
}

// With implements zapcore.Core. Each component of each flow has rates of its own,
// and so has each client that is let in to look on at a place; other fields (the
// connection) do not count, there may be many of them.
func (l *limited) With(fields []zapcore.Field) zapcore.Core {
	from := l.from
	for _, f := range fields {
		switch f.Key {
		case "flow", "component", "connector", "pipeline", "place", "client":
			from += "\x00" + f.String
		}
	}
	return &limited{l.Core.With(fields), from, l.rates}
}

// Check implements zapcore.Core.
func (l *limited) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if l.Enabled(e.Level) {
		return to.AddCore(e, l)
	}
	return to
}

// Write implements zapcore.Core.
func (l *limited) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if e.LoggerName == audit {
		return l.Core.Write(e, fields)
	}
	leftOut, pass := l.rates.take(l.from+"\x00"+e.LoggerName+"\x00"+e.Message, e.Time)
	if !pass {
		return nil
	}
	if leftOut > 0 {
		fields = append(fields[:len(fields):len(fields)], zap.Int("left_out", leftOut))
	}
	return l.Core.Write(e, fields)
}

// take reports whether an entry passes, and how many like it did not since the
// last one that did.
func (r *rates) take(what string, now time.Time) (leftOut int, pass bool) {
	key := maphash.String(r.seed, what)
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.all[key]
	if c == nil {
		if len(r.all) >= maxRates {
			clear(r.all)
		}
		c = &rate{}
		r.all[key] = c
	}
	if s := now.Unix(); s != c.second {
		c.second, c.passed = s, 0
	}
	if c.passed == perSecond {
		c.leftOut++
		return 0, false
	}
	c.passed++
	leftOut, c.leftOut = c.leftOut, 0
	return leftOut, true
}
