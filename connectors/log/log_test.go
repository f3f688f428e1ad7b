package log_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors/log"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"
)

func TestLog(t *testing.T) {
	for _, test := range []struct {
		name      string
		level     string
		maxLength setting.Size
		events    []string
		want      []string
		fields    int
	}{
		{"records", "warn", 100, []string{`{"a":1}`, "two", "two"}, []string{`{"a":1}`, "two", "two"}, 0},
		{"nothing to say", "info", 100, []string{""}, nil, 0},
		{"as long as allowed", "debug", 16, []string{strings.Repeat("x", 16)}, []string{strings.Repeat("x", 16)}, 0},
		{"too long", "error", 16, []string{strings.Repeat("x", 17)}, []string{strings.Repeat("x", 16) + "…"}, 1},
		{"cut between characters", "info", 16, []string{strings.Repeat("世", 10)}, []string{strings.Repeat("世", 5) + "…"}, 1},
		{"no characters", "info", 16, []string{strings.Repeat("\x80", 20)}, []string{strings.Repeat("\x80", 16) + "…"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := &log.Config{Level: test.level, MaxLength: test.maxLength}
			host := flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
			c, err := config.New()
			if err != nil {
				t.Fatal(err)
			}
			running := flowtest.Start(t, c, host)
			if err := host.Send(t.Context(), test.events...); err != nil {
				t.Fatal(err)
			}
			if err := running.Stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
			level, err := zapcore.ParseLevel(test.level)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, entry := range host.Logs.TakeAll() {
				if entry.Level != level {
					t.Errorf("level %v, want %v", entry.Level, level)
				}
				if len(entry.Context) != test.fields {
					t.Errorf("fields %v", entry.Context)
				}
				got = append(got, entry.Message)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnknownLevel(t *testing.T) {
	_, err := (&log.Config{Level: "loud"}).New()
	if fe := (*setting.Error)(nil); !errors.As(err, &fe) || fe.Field != "level" {
		t.Errorf("got %v, want an error about level", err)
	}
}
