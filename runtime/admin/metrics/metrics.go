// Package metrics tells Prometheus what a process has counted.
//
// It keeps nothing: whatever is counted is counted where it happens, and read when
// somebody scrapes. Names follow Prometheus' conventions: base units, _total for what
// only grows. Labels say which flow, connector, connect, pipeline or step, or are of
// a fixed list; none holds an address, a key, a topic or the id of a connection, so
// that there are as many series as the flows have parts.
package metrics

import (
	"net/http"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/status"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Reloads says what has become of reloads so far.
type Reloads struct {
	Good, Bad uint64
	LastGood  bool          // so was the last one; true when there was none
	LastTook  time.Duration // of the last one; 0 when there was none
	LoadedAt  time.Time     // what runs now
}

// Spans says what has become of the spans of traces so far.
type Spans struct{ Sent, OverRate, OverQueue, Failed uint64 }

// Options say what is told.
type Options struct {
	Version, Commit, Go string // of the binary
	Counts              func() status.Counts
	Reloads             func() Reloads
	Spans               func() Spans
}

// New returns a registry of the process: with what it has counted, and with the
// figures of Go and of the operating system.
func New(o Options) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collector{o},
	)
	return r
}

// Handler serves what a registry gathers in the format that is asked for. It
// gathers for one client at a time: who asks without end, on many connections, takes
// one processor at most.
func Handler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(prometheus.GathererFunc(oneByOne(r.Gather)), promhttp.HandlerOpts{})
}

func oneByOne[T any](f func() (T, error)) func() (T, error) {
	var mu sync.Mutex
	return func() (T, error) {
		mu.Lock()
		defer mu.Unlock()
		return f()
	}
}

// collector reads what the process has counted already, when it is asked.
type collector struct{ Options }

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, list := range [][]*prometheus.Desc{ofProcess, ofConnectors, ofEdges, ofPipelines} {
		for _, d := range list {
			to <- d
		}
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	counts := c.Counts()
	c.process(put{to, nil}, counts.Health.Ready)
	for i := range counts.Connectors {
		h := &counts.Health.Connectors[i]
		connector(put{to, []string{text(h.Flow), h.Name, h.Type}}, h, &counts.Connectors[i])
	}
	for i := range counts.Edges {
		e := &counts.Edges[i]
		edge(put{to, []string{text(e.Flow), e.Name}}, e)
	}
	for i := range counts.Pipelines {
		p := &counts.Pipelines[i]
		pipeline(put{to, []string{text(p.Flow), p.Name}}, p)
	}
}
