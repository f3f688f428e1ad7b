package admin

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

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/link"
)

var update = flag.Bool("update", false, "write the list of metrics into README.md")

// scraped is what a process with one connector answers, whose flow has a name that
// is no text.
func scraped(t *testing.T) string {
	t.Helper()
	o := new(told).options()
	o.Health = func() engine.Health {
		return engine.Health{Phase: engine.Running, Connectors: []engine.ConnectorHealth{{
			Flow: "f\xff", Type: "ws_server", Name: "edge", Required: true, State: engine.BackingOff, Attempts: 3,
			Stats: link.Stats{Open: 1, Opened: 2, EventsIn: 3, EventsOut: 4, Lost: 5, Dropped: 6, Failed: 7, Unheard: 8, Refused: 9, Slow: 10, Queued: 11},
		}}}
	}
	o.Reloads = func() Reloads { return Reloads{Good: 1, Bad: 2} }
	w := httptest.NewRecorder()
	newMetrics(o).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetricsTellWhatIsCounted(t *testing.T) {
	text := scraped(t)
	edge := `{connector="edge",flow="f` + "\ufffd" + `",type="ws_server"}`
	for _, want := range []string{
		"flowrun_ready 0", `flowrun_reloads_total{result="failure"} 2`, "flowrun_last_reload_successful 0",
		"flowrun_connector_up" + edge + " 0", "flowrun_connector_required" + edge + " 1", "flowrun_connector_failed_attempts" + edge + " 3",
		"flowrun_connector_connections" + edge + " 1", "flowrun_connector_connections_opened_total" + edge + " 2",
		"flowrun_connector_events_received_total" + edge + " 3", "flowrun_connector_events_sent_total" + edge + " 4", "flowrun_connector_events_failed_total" + edge + " 7",
		"flowrun_connector_subscriptions_refused_total" + edge + " 9", "flowrun_connector_slow_connections_closed_total" + edge + " 10", "flowrun_connector_queued_events" + edge + " 11",
		`reason="connection_ended",type="ws_server"} 5`, `reason="queue_full",type="ws_server"} 6`, `reason="nobody_there",type="ws_server"} 8`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s", want)
		}
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
	text, err := os.ReadFile("README.md")
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
		if err := os.WriteFile("README.md", text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(m[2])); diff != "" {
		t.Errorf("README.md lists other metrics than there are; -update writes them (-are +listed):\n%s", diff)
	}
}
