package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/status"
)

var (
	buildInfo     = desc("build_info", "1, with how the binary was built.", "version", "commit", "goversion")
	ready         = desc("ready", "1 while the flows run and every required connector is up, else 0.")
	reloadsTotal  = desc("reloads_total", "Reloads, by whether they succeeded.", "result")
	lastReload    = desc("last_reload_successful", "1 unless the last reload failed.")
	reloadTook    = desc("last_reload_duration_seconds", "How long the last reload took; 0 before the first.")
	flowsLoadedAt = desc("flows_loaded_timestamp_seconds", "When the flows that run were read, as Unix time.")
	spansSent     = desc("trace_spans_sent_total", "Spans of traces that a collector has taken.")
	spansDropped  = desc("trace_spans_dropped_total", "Spans of traces that nobody gets, by reason: rate, when more were to be made than may be in a second; queue, when there was no room to wait in; collector, when that did not take them.", "reason")

	ofProcess = []*prometheus.Desc{buildInfo, ready, reloadsTotal, lastReload, reloadTook, flowsLoadedAt, spansSent, spansDropped}
)

func (c collector) process(p put, isReady bool) {
	reloads := c.Reloads()
	p.gauge(buildInfo, 1, c.Version, c.Commit, c.Go)
	p.gauge(ready, oneIf(isReady))
	p.counter(reloadsTotal, reloads.Good, "success")
	p.counter(reloadsTotal, reloads.Bad, "failure")
	p.gauge(lastReload, oneIf(reloads.LastGood))
	p.gauge(reloadTook, reloads.LastTook.Seconds())
	p.gauge(flowsLoadedAt, float64(reloads.LoadedAt.UnixMilli())/1000)
	spans := c.Spans()
	p.counter(spansSent, spans.Sent)
	p.counter(spansDropped, spans.OverRate, "rate")
	p.counter(spansDropped, spans.OverQueue, "queue")
	p.counter(spansDropped, spans.Failed, "collector")
}

var (
	edgeEvents = desc("connect_events_total", "Events that came by a connect, by result: delivered to what it leads to; failed, when that did not take it and no err port did, or its condition could not be told; filtered, when that was not true.", "flow", "connect", "result")

	ofEdges = []*prometheus.Desc{edgeEvents}
)

func edge(p put, e *status.EdgeCounts) {
	p.counter(edgeEvents, e.Delivered, "delivered")
	p.counter(edgeEvents, e.Failed, "failed")
	p.counter(edgeEvents, e.Filtered, "filtered")
}

var (
	pipelineErrors = desc("pipeline_errors_total", "What has gone wrong in a pipeline, by kind: step, or where of a connect that begins at it.", "flow", "pipeline", "kind")
	stepIn         = step("events_received_total", "Events that came to a step.")
	stepOut        = step("events_sent_total", "Events that a step sent on. One that leaves by several ports counts once.")
	stepDropped    = step("events_dropped_total", "Events that a step kept from going on, as the flow wants it.")
	stepFailed     = step("events_failed_total", "Events that a step could not deal with.")
	stepHeld       = step("held_events", "Events that a step holds.")
	stepGroups     = step("window_groups", "Groups of a window that are open.")

	ofPipelines = []*prometheus.Desc{pipelineErrors, stepIn, stepOut, stepDropped, stepFailed, stepHeld, stepGroups}
)

func step(name, help string) *prometheus.Desc {
	return desc("pipeline_step_"+name, help, "flow", "pipeline", "step")
}

func pipeline(p put, c *status.PipelineCounts) {
	errorsByKind(p, pipelineErrors, c.Problems)
	for i := range c.Steps {
		s := &c.Steps[i]
		name := s.Type + "." + s.Label
		p.counter(stepIn, s.In, name)
		p.counter(stepOut, s.Out, name)
		p.counter(stepDropped, s.Dropped, name)
		p.counter(stepFailed, s.Failed, name)
		p.gauge(stepHeld, float64(s.Held), name)
		if s.Type == "window" {
			p.gauge(stepGroups, float64(s.Groups), name)
		}
	}
}

// errorsByKind tells of the kinds of which there were some.
func errorsByKind(p put, d *prometheus.Desc, problems flow.ProblemCounts) {
	for i, n := range problems {
		if n > 0 {
			p.counter(d, n, flow.ProblemKinds[i])
		}
	}
}
