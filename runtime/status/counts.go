package status

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/histogram"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

// Counts are what the process has counted so far. What a reload has kept goes on
// counting, what it has made anew begins at 0.
type Counts struct {
	Health     Health
	Connectors []ConnectorCounts // in the order of those in Health
	Edges      []EdgeCounts
	Pipelines  []PipelineCounts
}

// ConnectorCounts are those of one connector, beside its Stats.
type ConnectorCounts struct {
	Attempts   uint64 // to be open: to connect, to listen
	Reconnects uint64 // of these, that succeeded after an earlier one had
	Problems   flow.ProblemCounts
	Endings    []link.Ending // of connections
	// Latency is how long events took from their arrival in the process until they
	// were handed to the writer of this connector; Handshake, how long it took to
	// open connections; RoundTrip, how long answers to pings took.
	Latency, Handshake, RoundTrip histogram.Snapshot
}

// EdgeCounts are those of one connect block.
type EdgeCounts struct {
	Flow, Name                  string
	Delivered, Failed, Filtered uint64
}

// PipelineCounts are those of one pipeline, of all its uses together.
type PipelineCounts struct {
	Flow, Name string
	Problems   flow.ProblemCounts
	Steps      []pipeline.StepStats
}
