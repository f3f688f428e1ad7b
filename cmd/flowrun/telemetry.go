package main

import (
	"crypto/rand"
	"reflect"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/admin/metrics"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// reports are what a process sends of itself to where one of the flows or the
// environment says.
type reports struct {
	telemetry.Options
	engine *engine.Engine
	sender *telemetry.Sender // nil before there is one
}

func newReports(e *engine.Engine, version string, log *zap.Logger) *reports {
	return &reports{engine: e, Options: telemetry.Options{Version: version, Instance: rand.Text(), Counts: new(telemetry.Counts), Log: log}}
}

// follow sends to where the flows say from now on. That it cannot is no reason not to
// run them: it goes on as before then.
func (r *reports) follow(files []*flowfile.File) {
	o := r.Options
	o.Settings = collectorOf(files)
	if r.sender != nil && reflect.DeepEqual(o.Settings, r.Settings) {
		return
	}
	s, err := telemetry.Start(o)
	if err != nil {
		r.Log.Warn("nothing is sent by OTLP as it is written now: correct it, and reload or start again", zap.Error(err))
		return
	}
	if t := s.Tracer(); t != nil {
		r.engine.Trace(t)
	} else {
		r.engine.Trace(nil)
	}
	r.stop()
	r.Options, r.sender = o, s
}

func (r *reports) stop() {
	if r.sender != nil {
		r.sender.Stop()
	}
}

// spans counts those of traces.
func (r *reports) spans() metrics.Spans {
	c := r.Counts
	return metrics.Spans{Sent: c.Sent(), OverRate: c.OverRate(), OverQueue: c.OverQueue(), Failed: c.Failed()}
}

func collectorOf(files []*flowfile.File) *flowfile.OTLP {
	for _, f := range files {
		if f.Telemetry.OTLP != nil {
			return f.Telemetry.OTLP
		}
	}
	return nil
}
