package engine

import (
	"iter"

	"github.com/flowrun/flowrun/runtime/engine/internal/uses"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/status"
)

// Counts returns what has been counted. It may be called at any time, from any
// goroutine.
func (e *Engine) Counts() status.Counts {
	now := e.now.Load()
	c := status.Counts{Health: e.health(now), Connectors: make([]status.ConnectorCounts, len(now.units))}
	for i, u := range now.units {
		c.Connectors[i] = u.counts()
	}
	for _, f := range now.flows {
		for _, block := range f.file.Connects {
			edge := f.edges[block.Name]
			c.Edges = append(c.Edges, status.EdgeCounts{
				Flow: f.file.Name, Name: block.Name,
				Delivered: edge.Delivered.Load(), Failed: edge.Failed.Load(), Filtered: edge.Filtered.Load(),
			})
		}
		for _, block := range f.file.Pipelines {
			if p := f.pipelineCounts(block.Name); p.Steps != nil {
				c.Pipelines = append(c.Pipelines, p)
			}
		}
	}
	return c
}

func (u *unit) counts() status.ConnectorCounts {
	c := status.ConnectorCounts{
		Problems: u.problems.Counts(), Endings: u.table.Endings(),
		Latency: u.table.Latency(), Handshake: u.handshake.Snapshot(), RoundTrip: u.roundTrip.Snapshot(),
	}
	c.Attempts, c.Reconnects = u.life.Counts()
	return c
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
func (f *flowing) pipelineCounts(name string) status.PipelineCounts {
	p := status.PipelineCounts{Flow: f.file.Name, Name: name, Steps: uses.Stats(f.instances, name)}
	if problems := f.problems["pipeline."+name]; problems != nil {
		p.Problems = problems.Counts()
	}
	return p
}
