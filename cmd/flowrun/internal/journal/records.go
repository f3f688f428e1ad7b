package journal

import (
	"slices"

	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/notice"
)

// A telling core publishes entries. Nothing is spelled while nobody listens.
type telling struct {
	zapcore.LevelEnabler
	records *feed.Feed[notice.Notice]
	encoder zapcore.Encoder // of fields
	fields  []zapcore.Field // of the logger
	from    *flow.Component // that they name
}

// kinds of components are also the keys under which loggers name theirs.
var kinds = []string{"connector", "pipeline", "connect"}

func tell(records *feed.Feed[notice.Notice], level zapcore.LevelEnabler) zapcore.Core {
	return &telling{
		LevelEnabler: level,
		records:      records,
		encoder: zapcore.NewJSONEncoder(zapcore.EncoderConfig{
			SkipLineEnding: true,
			EncodeTime:     zapcore.RFC3339NanoTimeEncoder,
			EncodeDuration: encodeDuration,
		}),
	}
}

// With implements zapcore.Core.
func (t *telling) With(fields []zapcore.Field) zapcore.Core {
	with := *t
	with.fields = slices.Concat(t.fields, fields)
	for _, f := range fields {
		switch of := with.from; {
		case f.Key == "flow":
			with.from = &flow.Component{Flow: f.String}
		case of != nil && slices.Contains(kinds, f.Key):
			with.from = &flow.Component{Flow: of.Flow, Kind: f.Key, Name: f.String}
		}
	}
	return &with
}

// Check implements zapcore.Core.
func (t *telling) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if t.Enabled(e.Level) {
		return to.AddCore(e, t)
	}
	return to
}

// Write implements zapcore.Core.
func (t *telling) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if !t.records.Listened() {
		return nil
	}
	text, err := t.encoder.EncodeEntry(zapcore.Entry{}, slices.Concat(t.fields, fields))
	if err != nil {
		return err
	}
	defer text.Free()
	said, err := jsontext.Parse(text.Bytes())
	if err != nil {
		return err
	}
	n := notice.Record(e.Level, e.Message, said)
	n.Time, n.Connector = e.Time, t.from
	t.records.Publish(n)
	return nil
}

// Sync implements zapcore.Core.
func (t *telling) Sync() error { return nil }
