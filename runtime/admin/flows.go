package admin

import (
	"net/http"

	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// What a flow does, as far as it was told.
const (
	running = "running"
	paused  = "paused"
)

// Flows is what /api/v1/flows answers.
type Flows struct {
	Flows []Flow `json:"flows"`
}

// Flow is one of the flows of the process.
type Flow struct {
	Name        string `json:"name"`
	File        string `json:"file"` // or folder, as it was named
	Description string `json:"description,omitempty"`
	// Status is "running", or "paused" while its connectors receive nothing.
	Status     string  `json:"status"`
	Connectors []Brief `json:"connectors"` // in the order of start
}

// FlowPatch is what of a flow is to change.
type FlowPatch struct {
	Status string `json:"status"` // "running" or "paused"
}

func (s *Server) flowOf(f status.Flow) Flow {
	to := Flow{Name: f.Name, File: f.Path, Description: f.Description, Status: running, Connectors: []Brief{}}
	if f.Paused {
		to.Status = paused
	}
	h := s.options.Health()
	for i := range h.Connectors {
		if c := &h.Connectors[i]; c.Flow == f.Name {
			to.Connectors = append(to.Connectors, briefOf(c))
		}
	}
	return to
}

func (s *Server) flows(w http.ResponseWriter, _ *http.Request) {
	all := Flows{Flows: []Flow{}}
	for _, f := range s.options.Flows() {
		all.Flows = append(all.Flows, s.flowOf(f))
	}
	answer(w, http.StatusOK, all)
}

func (s *Server) oneFlow(w http.ResponseWriter, r *http.Request) {
	if f, ok := s.flow(w, r); ok {
		answer(w, http.StatusOK, s.flowOf(f))
	}
}

// patchFlow pauses or resumes a flow.
func (s *Server) patchFlow(w http.ResponseWriter, r *http.Request) {
	var patch FlowPatch
	if !decode(w, r, &patch) {
		return
	}
	switch patch.Status {
	case paused:
		s.pauseFlow(w, r)
	case running:
		s.resumeFlow(w, r)
	default:
		fail(w, http.StatusUnprocessableEntity, "status_invalid", `status is "running" or "paused"`)
	}
}

func (s *Server) pauseFlow(w http.ResponseWriter, r *http.Request) {
	s.setFlow(w, r, "pause a flow", s.options.Pause)
}

func (s *Server) resumeFlow(w http.ResponseWriter, r *http.Request) {
	s.setFlow(w, r, "resume a flow", s.options.Resume)
}

func (s *Server) setFlow(w http.ResponseWriter, r *http.Request, what string, set func(flow, connector string) error) {
	f, ok := s.flow(w, r)
	if !ok {
		return
	}
	s.told(r, what, zap.String("flow", f.Name))
	if err := set(f.Name, ""); err != nil {
		refused(w, err)
		return
	}
	s.oneFlow(w, r)
}

func (s *Server) oneConnector(w http.ResponseWriter, r *http.Request) {
	if c, ok := s.connector(w, r); ok {
		answer(w, http.StatusOK, connectorOf(c))
	}
}

func (s *Server) pauseConnector(w http.ResponseWriter, r *http.Request) {
	s.setConnector(w, r, "pause a connector", s.options.Pause)
}

func (s *Server) resumeConnector(w http.ResponseWriter, r *http.Request) {
	s.setConnector(w, r, "resume a connector", s.options.Resume)
}

func (s *Server) setConnector(w http.ResponseWriter, r *http.Request, what string, set func(flow, connector string) error) {
	c, ok := s.connector(w, r)
	if !ok {
		return
	}
	s.told(r, what, zap.String("flow", c.Flow), zap.String("connector", c.Name))
	if err := set(c.Flow, c.Name); err != nil {
		refused(w, err)
		return
	}
	s.oneConnector(w, r)
}
