package main

import (
	"reflect"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// sendMetrics begins to send what is counted to where one of the flows or the environment
// says. That it cannot is no reason not to run the flows.
func sendMetrics(files []*flowfile.File, o telemetry.Options) (stop func()) {
	o.Settings = collectorOf(files)
	stop, err := telemetry.Start(o)
	if err != nil {
		o.Log.Warn("metrics are not sent by OTLP: correct it, and start again", zap.Error(err))
		return func() {}
	}
	return stop
}

func collectorOf(files []*flowfile.File) *flowfile.OTLP {
	for _, f := range files {
		if f.Telemetry.OTLP != nil {
			return f.Telemetry.OTLP
		}
	}
	return nil
}

// sameCollector reports whether nothing is to be set up anew.
func sameCollector(a, b []*flowfile.File) bool {
	return reflect.DeepEqual(collectorOf(a), collectorOf(b))
}
