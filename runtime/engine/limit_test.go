package engine

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestTheLogIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		one := limited(zap.New(core)).With(zap.String("connector", "one"))
		two := limited(zap.New(core))
		for range 1000 {
			one.Warn("again")
			one.Debug("not at all")
		}
		two.Warn("again")
		one.Warn("another")
		if n := logs.Len(); n != linesPerSecond+2 {
			t.Errorf("%d lines", n)
		}
		time.Sleep(time.Second)
		one.With(zap.Int("x", 1)).Warn("again")
		one.Warn("again")
		all := logs.FilterField(zap.Int("left_out_before", 1000-linesPerSecond)).All()
		if len(all) != 1 || len(all[0].Context) != 3 || logs.Len() != linesPerSecond+4 {
			t.Errorf("%d lines, %v", logs.Len(), all)
		}
		for i := range 1000 {
			one.Warn(fmt.Sprint("message ", i))
		}
		if n := len(one.Core().(limiter).tally.messages); n > maxMessages {
			t.Errorf("%d messages are remembered", n)
		}
	})
}
