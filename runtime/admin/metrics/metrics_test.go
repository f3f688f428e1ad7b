package metrics

import (
	"bufio"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/histogram"
	"github.com/flowrun/flowrun/runtime/link"
	pipelines "github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/status"
)

var update = flag.Bool("update", false, "write the list of metrics into README.md")

func problemsOf(kind string, n uint64) (c flow.ProblemCounts) {
	c[slices.Index(flow.ProblemKinds[:], kind)] = n
	return c
}

// scraped is what a process with one of each answers, whose flow has a name that is
// no text.
func scraped(t *testing.T) string {
	t.Helper()
	var latency histogram.Durations
	latency.Add(20*time.Microsecond, 3)
	latency.Add(time.Minute, 1)
	o := Options{
		Version: "1.2.3", Commit: "abc", Go: "go1.26",
		Reloads: func() Reloads { return Reloads{Good: 1, Bad: 2, LastTook: 250 * time.Millisecond} },
		Spans:   func() Spans { return Spans{Sent: 31, OverRate: 32, OverQueue: 33, Failed: 34} },
		Counts: func() status.Counts {
			return status.Counts{
				Health: status.Health{Phase: status.Running, Connectors: []status.Connector{{
					Flow: "f\xff", Type: "ws_server", Name: "edge", Required: true, State: status.BackingOff, Attempts: 3,
					Stats: link.Stats{
						Open: 1, Opened: 2, EventsIn: 3, EventsOut: 4, Lost: 50, LostSlow: 45, Dropped: 6, Failed: 7, Unheard: 8, Refused: 9, Slow: 10, Queued: 11,
						BytesIn: 12, BytesOut: 13, Unconnected: 14, Waiting: 15, WaitingBytes: 16, Oldest: time.Now().Add(-time.Hour).UnixNano(),
					},
				}}},
				Connectors: []status.ConnectorCounts{{
					Attempts: 17, Reconnects: 18, Problems: problemsOf("decode", 19), Endings: []link.Ending{{Code: "1000", Cause: flow.EndedByPeer, Count: 20}},
					Latency: latency.Snapshot(),
				}},
				Edges: []status.EdgeCounts{{Flow: "f\xff", Name: "echo", Delivered: 21, Failed: 22, Filtered: 23}},
				Pipelines: []status.PipelineCounts{{
					Flow: "f\xff", Name: "p", Problems: problemsOf("step", 24),
					Steps: []pipelines.StepStats{{Type: "window", Label: "w", In: 25, Out: 26, Dropped: 27, Failed: 28, Held: 29, Groups: 30}, {Type: "filter", Label: "x"}},
				}},
			}
		},
	}
	w := httptest.NewRecorder()
	Handler(New(o)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetricsTellWhatIsCounted(t *testing.T) {
	text := scraped(t)
	const (
		edge = `{connector="edge",flow="f` + "\ufffd" + `",type="ws_server"}`
		with = `{connector="edge",flow="f` + "\ufffd" + `",%s,type="ws_server"}`
		step = `{flow="f` + "\ufffd" + `",pipeline="p",step="window.w"}`
	)
	labels := func(more string) string { return fmt.Sprintf(with, more) }
	for _, want := range []string{
		"trace_spans_sent_total 31", `trace_spans_dropped_total{reason="rate"} 32`, `trace_spans_dropped_total{reason="queue"} 33`, `trace_spans_dropped_total{reason="collector"} 34`,
		"ready 0", `reloads_total{result="failure"} 2`, "last_reload_successful 0", "last_reload_duration_seconds 0.25",
		"connector_up" + edge + " 0", "connector_required" + edge + " 1", "connector_failed_attempts" + edge + " 3",
		"connector_state" + labels(`state="backing_off"`) + " 1", "connector_state" + labels(`state="open"`) + " 0",
		"connector_attempts_total" + edge + " 17", "connector_reconnects_total" + edge + " 18",
		"connector_connections" + edge + " 1", "connector_connections_opened_total" + edge + " 2",
		`connector_connections_closed_total{cause="peer",code="1000",connector="edge",flow="f` + "\ufffd" + `",type="ws_server"} 20`,
		"connector_events_received_total" + edge + " 3", "connector_events_sent_total" + edge + " 4", "connector_events_failed_total" + edge + " 7",
		"connector_received_bytes_total" + edge + " 12", "connector_sent_bytes_total" + edge + " 13",
		"connector_subscriptions_refused_total" + edge + " 9", "connector_slow_connections_closed_total" + edge + " 10",
		"connector_queued_events" + edge + " 15", "connector_queued_bytes" + edge + " 16",
		"connector_errors_total" + labels(`kind="decode"`) + " 19",
		"connector_events_lost_total" + labels(`reason="connection_ended"`) + " 5", "connector_events_lost_total" + labels(`reason="slow_connection"`) + " 45",
		"connector_events_lost_total" + labels(`reason="queue_full"`) + " 6", "connector_events_lost_total" + labels(`reason="nobody_there"`) + " 8",
		"connector_events_lost_total" + labels(`reason="not_connected"`) + " 14",
		`connector_event_latency_seconds_bucket{connector="edge",flow="f` + "\ufffd" + `",type="ws_server",le="1e-05"} 0`,
		`connector_event_latency_seconds_bucket{connector="edge",flow="f` + "\ufffd" + `",type="ws_server",le="2.5e-05"} 3`,
		`connector_event_latency_seconds_bucket{connector="edge",flow="f` + "\ufffd" + `",type="ws_server",le="10"} 3`,
		"connector_event_latency_seconds_count" + edge + " 4",
		`connect_events_total{connect="echo",flow="f` + "\ufffd" + `",result="delivered"} 21`, `result="failed"} 22`, `result="filtered"} 23`,
		`pipeline_errors_total{flow="f` + "\ufffd" + `",kind="step",pipeline="p"} 24`,
		"pipeline_step_events_received_total" + step + " 25", "pipeline_step_events_sent_total" + step + " 26", "pipeline_step_events_dropped_total" + step + " 27",
		"pipeline_step_events_failed_total" + step + " 28", "pipeline_step_held_events" + step + " 29", "pipeline_step_window_groups" + step + " 30",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	if want := "connector_oldest_queued_event_age_seconds" + edge + " 36"; !strings.Contains(text, want) { // an hour, and what this machine takes
		t.Errorf("there is no %s", want)
	}
	if strings.Contains(text, `step="filter.x"} 30`) || strings.Count(text, "\nflowrun_pipeline_step_window_groups") != 1 {
		t.Error("groups are of windows")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestMetricsAsPrometheusLikesThem is what promtool check metrics does.
func TestMetricsAsPrometheusLikesThem(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scraped(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "flowrun_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestMetricsAreListed(t *testing.T) {
	var rows []string
	help := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(scraped(t))); lines.Scan(); {
		word := strings.SplitN(lines.Text(), " ", 4)
		switch {
		case word[0] != "#" || !strings.HasPrefix(word[2], "flowrun_"):
		case word[1] == "HELP":
			help[word[2]] = word[3]
		case word[1] == "TYPE":
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", word[2], word[3], help[word[2]]))
		}
	}
	slices.Sort(rows)
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?m)(^\|---\|---\|---\|\n)((?:^\|.*\n)*)`)
	m := table.FindSubmatch(text)
	if m == nil {
		t.Fatal("README.md has no table")
	}
	want := strings.Join(rows, "")
	if *update {
		text = table.ReplaceAll(text, []byte("${1}"+want))
		if err := os.WriteFile("../README.md", text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(m[2])); diff != "" {
		t.Errorf("README.md lists other metrics than there are; -update writes them (-are +listed):\n%s", diff)
	}
}
