package observe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/connectors/observe"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestContracts(t *testing.T) {
	for _, spec := range observe.Specs {
		t.Run(spec.Name, func(t *testing.T) {
			flowtest.Connector(t, func(*testing.T) flow.ConnectorConfig { return spec.Config() })
		})
	}
}

// bubble runs a connector and lets tell happen while it does.
func bubble(t *testing.T, config flow.ConnectorConfig, tell func(*flowtest.Host)) (texts []string, host *flowtest.Host) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, err := config.New()
		if err != nil {
			t.Fatal(err)
		}
		host = flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
		running := flowtest.Start(t, c, host)
		synctest.Wait()
		tell(host)
		synctest.Wait()
		if err := running.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if host.Told.Listened() || host.Logged.Listened() {
			t.Error("it still listens")
		}
		texts = flowtest.Texts(t, host.Out.Events())
	})
	return texts, host
}

// at is the time of what is told in a bubble.
const at = `"timestamp":"2000-01-01T00:00:00.000Z"`

func stats(n int) notice.Notice {
	return notice.Of(notice.StatsUpdate, nil, flow.Field{Key: "n", Value: flow.IntOf(int64(n))})
}

func TestEvents(t *testing.T) {
	got, _ := bubble(t, &observe.EventsConfig{Types: []string{notice.StatsUpdate}, MaxEvents: 10}, func(h *flowtest.Host) {
		h.Told.Publish(notice.Of(notice.ConfigReload, nil))
		h.Told.Publish(stats(1))
		h.Logged.Publish(notice.Record(zap.InfoLevel, "a", flow.NullValue))
	})
	if diff := cmp.Diff([]string{`{"type":"stats.update",` + at + `,"data":{"n":1}}`}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLogs(t *testing.T) {
	got, _ := bubble(t, &observe.LogsConfig{Level: "warn", MaxEvents: 10}, func(h *flowtest.Host) {
		h.Logged.Publish(notice.Record(zap.InfoLevel, "a", flow.NullValue))
		h.Logged.Publish(notice.Record(zap.WarnLevel, "b", flow.MapOf(flow.NewObject(0))))
	})
	if diff := cmp.Diff([]string{`{` + at + `,"level":"warn","message":"b","fields":{}}`}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMetrics(t *testing.T) {
	got, _ := bubble(t, &observe.MetricsConfig{Interval: setting.Duration(time.Second)}, func(*flowtest.Host) { time.Sleep(2500 * time.Millisecond) })
	if diff := cmp.Diff([]string{`{"connectors":[]}`, `{"connectors":[]}`}, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownTypes(t *testing.T) {
	_, err := (&observe.EventsConfig{Types: []string{notice.StatsUpdate, "stats.updates"}, MaxEvents: 1}).New()
	if fe := (*setting.Error)(nil); !errors.As(err, &fe) || fe.Field != "types[1]" || !strings.Contains(err.Error(), notice.StatsUpdate) {
		t.Errorf("%v", err)
	}
}

// busy is a sink that takes its time for the first batch.
type busy struct {
	flow.Sink
	free <-chan struct{}
}

func (b busy) Send(ctx context.Context, batch []flow.Event) error {
	<-b.free
	return b.Sink.Send(ctx, batch)
}

func TestWhatFindsNoRoomIsTold(t *testing.T) {
	got, _ := bubble(t, &observe.EventsConfig{MaxEvents: 3}, func(h *flowtest.Host) {
		free := make(chan struct{})
		h.Table.Out().Connect(busy{&h.Out, free})
		h.Told.Publish(stats(0))
		synctest.Wait()
		for n := range 10 { // nobody waits
			h.Told.Publish(stats(n + 1))
		}
		close(free)
	})
	var want []string
	for n := range 4 {
		want = append(want, fmt.Sprintf(`{"type":"stats.update",%s,"data":{"n":%d}}`, at, n))
	}
	want = append(want, `{"type":"events.lost",`+at+`,"data":{"count":7}}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGoesOnAfterFailure(t *testing.T) {
	got, host := bubble(t, &observe.EventsConfig{MaxEvents: 3}, func(h *flowtest.Host) {
		h.Out.Refuse = func(*flow.Event) error { return errors.New("not now") }
		h.Told.Publish(stats(1))
		synctest.Wait()
		h.Out.Refuse = nil
		h.Told.Publish(stats(2))
	})
	if len(got) != 1 || !strings.Contains(got[0], `"n":2`) || host.Logs.FilterMessageSnippet("was not delivered").Len() != 1 {
		t.Errorf("%q, logs: %v", got, host.Logs.All())
	}
}
