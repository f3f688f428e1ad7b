package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowrun/flowrun/runtime/histogram"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("flowrun_"+name, help, labels, nil)
}

// text is the name of a file, which may be called anything, as a label may be.
func text(name string) string { return strings.ToValidUTF8(name, "\ufffd") }

// put gives metrics of one part of the process, which labels name.
type put struct {
	to     chan<- prometheus.Metric
	labels []string
}

func (p put) one(d *prometheus.Desc, kind prometheus.ValueType, value float64, more []string) {
	labels := append(p.labels[:len(p.labels):len(p.labels)], more...)
	p.to <- prometheus.MustNewConstMetric(d, kind, value, labels...) // the labels are as many as d has
}

func (p put) gauge(d *prometheus.Desc, value float64, more ...string) {
	p.one(d, prometheus.GaugeValue, value, more)
}

func (p put) counter(d *prometheus.Desc, n uint64, more ...string) {
	p.one(d, prometheus.CounterValue, float64(n), more)
}

func (p put) histogram(d *prometheus.Desc, s *histogram.Snapshot) {
	p.to <- prometheus.MustNewConstHistogram(d, s.Count(), s.Sum.Seconds(), s.UpTo(), p.labels...)
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
