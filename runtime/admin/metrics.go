package admin

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/flowrun/flowrun/runtime/engine"
)

// Build says how the binary was built.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Time    string `json:"time,omitempty"`
	Changed bool   `json:"changed,omitempty"` // from a work tree with uncommitted changes
	Go      string `json:"go"`
}

// Reloads says what has become of reloads so far.
type Reloads struct {
	Good, Bad uint64
	LastGood  bool      // so was the last one; true when there was none
	LoadedAt  time.Time // what runs now
}

// newMetrics serves metrics in the format of Prometheus.
func newMetrics(o Options) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collector{o},
	)
	return promhttp.HandlerFor(prometheus.GathererFunc(oneByOne(r.Gather)), promhttp.HandlerOpts{})
}

// oneByOne lets one caller in at a time: who asks without end, on many connections,
// takes one processor at most.
func oneByOne[T any](f func() (T, error)) func() (T, error) {
	var mu sync.Mutex
	return func() (T, error) {
		mu.Lock()
		defer mu.Unlock()
		return f()
	}
}

// collector reads what the process has counted already, when it is asked. It keeps
// nothing, so that counting costs what it costs without it.
type collector struct{ Options }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("flowrun_"+name, help, labels, nil)
}

var (
	buildInfo     = desc("build_info", "1, with how the binary was built.", "version", "commit", "goversion")
	ready         = desc("ready", "1 while the flows run and every required connector is up, else 0.")
	reloadsTotal  = desc("reloads_total", "Reloads, by whether they succeeded.", "result")
	lastReload    = desc("last_reload_successful", "1 unless the last reload failed.")
	flowsLoadedAt = desc("flows_loaded_timestamp_seconds", "When the flows that run were read, as Unix time.")
)

// connectorMetric is what is told of each connector.
type connectorMetric struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	value  func(*engine.ConnectorHealth) float64
	labels []string // beside those that say which connector
}

// perConnector are the metrics of each connector, labelled by where it stands.
var perConnector = []connectorMetric{
	gauge("up", "1 while the connector is open or done with its work, else 0.", func(c *engine.ConnectorHealth) float64 { return oneIf(c.State.Up()) }),
	gauge("paused", "1 while the connector receives nothing because it was paused, else 0.", func(c *engine.ConnectorHealth) float64 { return oneIf(c.Paused) }),
	gauge("required", "1 if the process is ready only while the connector is up, else 0.", func(c *engine.ConnectorHealth) float64 { return oneIf(c.Required) }),
	gauge("failed_attempts", "Attempts to open it that failed, in a row.", func(c *engine.ConnectorHealth) float64 { return float64(c.Attempts) }),
	gauge("connections", "Connections that are open.", func(c *engine.ConnectorHealth) float64 { return float64(c.Stats.Open) }),
	gauge("queued_events", "Events that wait in the queue that outlives connections.", func(c *engine.ConnectorHealth) float64 { return float64(c.Stats.Queued) }),
	counter("connections_opened_total", "Connections that were opened.", func(c *engine.ConnectorHealth) uint64 { return c.Stats.Opened }),
	counter("events_received_total", "Events that came in and were decoded.", func(c *engine.ConnectorHealth) uint64 { return c.Stats.EventsIn }),
	counter("events_sent_total", "Events that were written.", func(c *engine.ConnectorHealth) uint64 { return c.Stats.EventsOut }),
	counter("events_failed_total", "Events that came in and that no sink and no err port took.", func(c *engine.ConnectorHealth) uint64 { return c.Stats.Failed }),
	lost("connection_ended", func(c *engine.ConnectorHealth) uint64 { return c.Stats.Lost }),
	lost("queue_full", func(c *engine.ConnectorHealth) uint64 { return c.Stats.Dropped }),
	lost("nobody_there", func(c *engine.ConnectorHealth) uint64 { return c.Stats.Unheard }),
	counter("slow_connections_closed_total", "Connections that were ended because their queue was full.", func(c *engine.ConnectorHealth) uint64 { return c.Stats.Slow }),
	counter("subscriptions_refused_total", "Subscriptions to topics that were not made.", func(c *engine.ConnectorHealth) uint64 { return c.Stats.Refused }),
}

func gauge(name, help string, value func(*engine.ConnectorHealth) float64) connectorMetric {
	return connectorMetric{desc("connector_"+name, help, "flow", "connector", "type"), prometheus.GaugeValue, value, nil}
}

func counter(name, help string, value func(*engine.ConnectorHealth) uint64) connectorMetric {
	return connectorMetric{
		desc("connector_"+name, help, "flow", "connector", "type"), prometheus.CounterValue,
		func(c *engine.ConnectorHealth) float64 { return float64(value(c)) }, nil,
	}
}

var eventsLost = desc("connector_events_lost_total", "Events that were to be written and were not, by reason: connection_ended, queue_full, nobody_there.", "flow", "connector", "type", "reason")

func lost(reason string, value func(*engine.ConnectorHealth) uint64) connectorMetric {
	return connectorMetric{eventsLost, prometheus.CounterValue, func(c *engine.ConnectorHealth) float64 { return float64(value(c)) }, []string{reason}}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{buildInfo, ready, reloadsTotal, lastReload, flowsLoadedAt} {
		to <- d
	}
	for _, m := range perConnector {
		to <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, value, labels...) // the labels are as many as d has
	}
	h, reloads := c.Health(), c.Reloads()
	put(buildInfo, prometheus.GaugeValue, 1, c.Build.Version, c.Build.Commit, c.Build.Go)
	put(ready, prometheus.GaugeValue, oneIf(h.Ready))
	put(reloadsTotal, prometheus.CounterValue, float64(reloads.Good), "success")
	put(reloadsTotal, prometheus.CounterValue, float64(reloads.Bad), "failure")
	put(lastReload, prometheus.GaugeValue, oneIf(reloads.LastGood))
	put(flowsLoadedAt, prometheus.GaugeValue, float64(reloads.LoadedAt.UnixMilli())/1000)
	for i := range h.Connectors {
		k := &h.Connectors[i]
		name := strings.ToValidUTF8(k.Flow, "\ufffd") // of a file, which may be called anything
		for _, m := range perConnector {
			put(m.desc, m.kind, m.value(k), append([]string{name, k.Name, k.Type}, m.labels...)...)
		}
	}
}
