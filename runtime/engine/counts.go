package engine

import (
	"iter"

	"github.com/flowrun/flowrun/runtime/engine/internal/uses"
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

// Counts returns what has been counted. It may be called at any time, from any
// goroutine.
func (e *Engine) Counts() Counts {
	now := e.now.Load()
	c := Counts{Health: e.health(now), Connectors: make([]ConnectorCounts, len(now.units))}
	for i, u := range now.units {
		c.Connectors[i] = u.counts()
	}
	for _, f := range now.flows {
		for _, block := range f.file.Connects {
			edge := f.edges[block.Name]
			c.Edges = append(c.Edges, EdgeCounts{f.file.Name, block.Name, edge.Delivered.Load(), edge.Failed.Load(), edge.Filtered.Load()})
		}
		for _, block := range f.file.Pipelines {
			if p := f.pipelineCounts(block.Name); p.Steps != nil {
				c.Pipelines = append(c.Pipelines, p)
			}
		}
	}
	return c
}

func (u *unit) counts() ConnectorCounts {
	c := ConnectorCounts{
		Problems: u.problems.Counts(), Endings: u.table.Endings(),
		Latency: u.table.Latency(), Handshake: u.handshake.Snapshot(), RoundTrip: u.roundTrip.Snapshot(),
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	c.Attempts = u.attempts
	if u.openings > 0 {
		c.Reconnects = u.openings - 1
	}
	return c
}

// tries counts an attempt to have a connection, where each key has one.
func (u *unit) tries() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.attempts++
}

// reopened counts a key that has a connection again.
func (u *unit) reopened() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.openings++
}

// Connections goes through the open connections of all connectors, as link.Infos
// does: those included that a reload has left out and that have not ended.
func (e *Engine) Connections() iter.Seq[link.Info] { return link.Infos(e.tables()) }

// Connection finds an open connection by its id, with an error as link.Find's.
func (e *Engine) Connection(id string) (*link.Link, error) { return link.Find(e.tables(), id) }

func (e *Engine) tables() (all []*link.Table) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, g := range e.groups() {
		for _, u := range g.units {
			all = append(all, u.table)
		}
	}
	return all
}

// pipelineCounts has no Steps where the pipeline is in no use.
func (f *flowing) pipelineCounts(name string) PipelineCounts {
	p := PipelineCounts{Flow: f.file.Name, Name: name, Steps: uses.Stats(f.instances, name)}
	if problems := f.problems["pipeline."+name]; problems != nil {
		p.Problems = problems.Counts()
	}
	return p
}
