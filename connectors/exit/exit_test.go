package exit_test

import (
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/exit"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestExit(t *testing.T) {
	for _, test := range []struct {
		name   string
		config exit.Config
		want   flowtest.Exit
	}{
		{"default", exit.Config{Graceful: true}, flowtest.Exit{}},
		{"code and delay", exit.Config{Code: 3, Delay: setting.Duration(time.Second), Graceful: true}, flowtest.Exit{Code: 3, Delay: time.Second}},
		{"at once", exit.Config{Code: 4}, flowtest.Exit{Code: 4, Halt: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := flowtest.NewHost(t, flowtest.Options{Shape: test.config.Shape()})
			c, err := test.config.New()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.(flow.Preparer).Prepare(t.Context(), host); err != nil {
				t.Fatal(err)
			}
			running := flowtest.Start(t, c, host)
			for _, event := range []string{"exit", "again", ""} {
				if err := host.Send(t.Context(), event); err != nil {
					t.Errorf("Send: %v", err)
				}
			}
			if got := host.WaitExit(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if n := host.Exits(); n > 0 {
				t.Errorf("asked %d more times to end", n)
			}
			if err := running.Stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// polite is a host that cannot halt.
type polite struct{ flow.Host }

func TestHaltNotOffered(t *testing.T) {
	host := polite{flowtest.NewHost(t, flowtest.Options{})}
	c, err := (&exit.Config{}).New()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.(flow.Preparer).Prepare(t.Context(), host); err == nil {
		t.Error("graceful = false was accepted by a host that offers no other end")
	}
}
