package engine

import "github.com/flowrun/flowrun/runtime/status"

// Flows describes what runs. It may be called at any time, from any goroutine.
func (e *Engine) Flows() []status.Flow {
	var all []status.Flow
	for _, f := range e.now.Load().flows {
		all = append(all, status.Flow{
			Name: f.file.Name, Path: f.file.Path, Description: f.file.Description,
			Paused: e.isPaused(part{flow: f.file.Name}), Graph: f.graph,
		})
	}
	return all
}
