package engine

import "github.com/flowrun/flowrun/runtime/graph"

// Flow is one of the flows that run.
type Flow struct {
	Name        string
	Path        string // of the file or folder, as it was named
	Description string
	Paused      bool // by name; each of its connectors may be paused by itself
	Graph       *graph.Graph
}

// Flows describes what runs. It may be called at any time, from any goroutine.
func (e *Engine) Flows() []Flow {
	var all []Flow
	for _, f := range e.now.Load().flows {
		all = append(all, Flow{
			Name: f.file.Name, Path: f.file.Path, Description: f.file.Description,
			Paused: e.isPaused(part{flow: f.file.Name}), Graph: f.graph,
		})
	}
	return all
}
