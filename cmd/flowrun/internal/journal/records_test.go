package journal

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/notice"
)

func TestRecordsAreTold(t *testing.T) {
	var records feed.Feed[notice.Notice]
	level := zap.NewAtomicLevelAt(zapcore.InfoLevel)
	clock := &at{time.Date(2030, 1, 2, 3, 4, 5, 6e6, time.UTC)}
	log := New(io.Discard, Options{Format: "console", Level: level, Records: &records}).WithOptions(zap.WithClock(clock))
	edge := log.With(zap.String("flow", "f"), zap.String("connector", "edge"))
	edge.Info("before anybody listens")
	s := records.Subscribe(100)
	defer s.Close()

	for range 7 { // of which five are written
		edge.Warn("lost, trying again", zap.Error(errors.New("it's \"gone\"\xff")), zap.Duration("wait", 1500*time.Millisecond), zap.Strings("at", []string{"a"}))
	}
	log.Debug("not at this level")
	level.SetLevel(zapcore.DebugLevel)
	log.Debug("at this one")

	var got []string
	for len(s.C) > 0 {
		n := <-s.C
		text := string(notice.AppendRecord(nil, n))
		if n.Connector != nil {
			text = n.Connector.Flow + " " + n.Connector.Address() + " " + text
		}
		got = append(got, text)
	}
	lost := `f connector.edge {"timestamp":"2030-01-02T03:04:05.006Z","level":"warn","message":"lost, trying again","fields":{"flow":"f","connector":"edge","error":"it's \"gone\"` + "\ufffd" + `","wait":"1.5s","at":["a"]}}`
	want := []string{lost, lost, lost, lost, lost, `{"timestamp":"2030-01-02T03:04:05.006Z","level":"debug","message":"at this one","fields":{}}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func BenchmarkNobodyListens(b *testing.B) {
	for name, records := range map[string]*feed.Feed[notice.Notice]{"told": new(feed.Feed[notice.Notice]), "not told": nil} {
		b.Run(name, func(b *testing.B) {
			log := New(io.Discard, Options{Format: "json", Level: zapcore.InfoLevel, Records: records})
			i := 0
			for b.Loop() {
				i++
				log.With(zap.Int("peer", i)).Debug("not at this level")
				if i%1000 == 0 {
					log.With(zap.Int("peer", i)).Info("something")
				}
			}
		})
	}
}
