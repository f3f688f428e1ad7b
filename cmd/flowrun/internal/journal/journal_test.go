package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// at is a clock that stands still until it is set.
type at struct{ time.Time }

func (c *at) Now() time.Time                         { return c.Time }
func (c *at) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

func TestLogIsLimited(t *testing.T) {
	var out bytes.Buffer
	clock := &at{time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	log := New(&out, Options{Format: "json", Level: zapcore.InfoLevel}).WithOptions(zap.WithClock(clock))
	one := log.With(zap.String("flow", "f"), zap.String("connector", "one"))
	two := log.With(zap.String("flow", "f"), zap.String("connector", "two"))

	for i := range 100 {
		// The peer differs, but a bad peer must not open a rate of its own.
		one.With(zap.String("peer", fmt.Sprint(i))).Warn("a problem")
	}
	one.Warn("another problem")
	two.Warn("a problem")
	one.Debug("not at this level")
	clock.Time = clock.Add(time.Second)
	one.Warn("a problem")

	type entry struct {
		Msg, Connector string
		LeftOut        int `json:"left_out"`
	}
	var got []entry
	for line := range strings.Lines(out.String()) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		got = append(got, e)
	}
	want := []entry{
		{"a problem", "one", 0}, {"a problem", "one", 0}, {"a problem", "one", 0}, {"a problem", "one", 0}, {"a problem", "one", 0},
		{"another problem", "one", 0},
		{"a problem", "two", 0},
		{"a problem", "one", 95},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log has not what it should (-want +got):\n%s", diff)
	}
}

func TestLogForgetsWhenThereAreTooMany(t *testing.T) {
	core := limit(zapcore.NewNopCore()).(*limited)
	now := time.Unix(1, 0)
	for i := range 3 * maxRates {
		core.rates.take(fmt.Sprint(i), now)
		if len(core.rates.all) > maxRates {
			t.Fatalf("it remembers %d messages", len(core.rates.all))
		}
	}
}

func TestLogDurations(t *testing.T) {
	var out bytes.Buffer
	log := New(&out, Options{Format: "json", Level: zapcore.InfoLevel})
	for _, test := range []struct {
		took time.Duration
		want string
	}{
		{0, "0s"},
		{951, "951ns"},
		{505_970, "506µs"},
		{999_999, "1ms"},
		{17_605_785_577, "17.6s"},
		{10 * time.Second, "10s"},
		{time.Hour + 4*time.Second, "1h0m0s"},
	} {
		out.Reset()
		log.Info(test.want, zap.Duration("took", test.took))
		if want := `"took":"` + test.want + `"`; !strings.Contains(out.String(), want) {
			t.Errorf("%d: got %s, want %s", test.took, out.String(), want)
		}
	}
}

func TestLogForPeople(t *testing.T) {
	var out bytes.Buffer
	clock := &at{time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC)}
	log := New(&out, Options{Format: "console", Level: zapcore.InfoLevel}).WithOptions(zap.WithClock(clock))
	log.Info("drained", zap.Duration("took", 1500*time.Millisecond))
	if got, want := out.String(), "03:04:05.678 INFO drained {\"took\": \"1.5s\"}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
