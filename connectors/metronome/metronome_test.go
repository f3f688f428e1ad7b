package metronome_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/connectors/metronome"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/google/go-cmp/cmp"
)

// run lets a metronome tick for a while of the bubble's time.
func run(t *testing.T, config metronome.Config, host *flowtest.Host, d time.Duration) {
	t.Helper()
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	running := flowtest.Start(t, c, host)
	time.Sleep(d)
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := metronome.Config{Interval: setting.Duration(time.Minute)}
		host := flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
		start := time.Now()
		run(t, config, host, 3*time.Minute+time.Second)
		var want []string
		for n := range 3 {
			want = append(want, fmt.Sprintf(`{"tick":%d,"time":%d}`, n+1, start.Add(time.Duration(n+1)*time.Minute).UnixNano()))
		}
		if diff := cmp.Diff(want, flowtest.Texts(t, host.Out.Events())); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOwnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := metronome.Config{Interval: setting.Duration(time.Second), Event: `{"type":"ping"}`}
		host := flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
		run(t, config, host, 2*time.Second+time.Millisecond)
		want := []string{`{"type":"ping"}`, `{"type":"ping"}`}
		if diff := cmp.Diff(want, flowtest.Texts(t, host.Out.Events())); diff != "" {
			t.Error(diff)
		}
	})
}

// slow is a sink that takes its time.
type slow struct {
	flow.Sink
	delay time.Duration
}

func (s slow) Send(ctx context.Context, batch []flow.Event) error {
	time.Sleep(s.delay)
	return s.Sink.Send(ctx, batch)
}

func TestTicksThatAreNotTakenAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := metronome.Config{Interval: setting.Duration(time.Second)}
		host := flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
		host.Table.Out().Connect(slow{&host.Out, 4500 * time.Millisecond})
		run(t, config, host, 20*time.Second+time.Millisecond)
		var got []string
		for _, text := range flowtest.Texts(t, host.Out.Events()) {
			tick, _, _ := strings.Cut(text, ",")
			got = append(got, tick)
		}
		want := []string{`{"tick":1`, `{"tick":6`, `{"tick":11`, `{"tick":16`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestGoesOnAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := metronome.Config{Interval: setting.Duration(time.Second), Event: "tick"}
		host := flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
		calls := 0
		host.Out.Refuse = func(*flow.Event) error {
			if calls++; calls == 2 {
				return fmt.Errorf("not now")
			}
			return nil
		}
		run(t, config, host, 4*time.Second+time.Millisecond)
		if n := len(host.Out.Events()); n != 3 {
			t.Errorf("%d of 3 events", n)
		}
		if host.Logs.FilterMessage("a tick was not delivered").Len() != 1 {
			t.Errorf("logs: %v", host.Logs.All())
		}
	})
}
