package admin

import (
	"errors"
	"net/http"
	"strings"

	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/status"
)

// flowParameter says of which flow a connector is.
var flowParameter = parameter{"flow", "of which flow, where several have such a connector"}

// connector finds the one that a request names by its path, or answers why there is
// none.
func (s *Server) connector(w http.ResponseWriter, r *http.Request) (c *status.Connector, ok bool) {
	name, of := r.PathValue("name"), r.URL.Query().Get("flow")
	h := s.options.Health()
	var flows []string
	for i := range h.Connectors {
		if k := &h.Connectors[i]; k.Name == name && (of == "" || k.Flow == of) {
			c = k
			flows = append(flows, k.Flow)
		}
	}
	switch len(flows) {
	case 1:
		return c, true
	case 0:
		fail(w, http.StatusNotFound, "unknown_connector", "there is no connector "+quoted(name)+inFlow(of))
	default:
		fail(w, http.StatusConflict, "several_connectors", "several flows have a connector "+quoted(name)+": say which one by ?flow=, of "+strings.Join(flows, ", "))
	}
	return nil, false
}

// flow finds the one that a request names by its path, or answers that there is none.
func (s *Server) flow(w http.ResponseWriter, r *http.Request) (f status.Flow, ok bool) {
	name := r.PathValue("name")
	for _, f := range s.options.Flows() {
		if f.Name == name {
			return f, true
		}
	}
	fail(w, http.StatusNotFound, "unknown_flow", "there is no flow "+quoted(name))
	return f, false
}

func inFlow(name string) string {
	if name == "" {
		return ""
	}
	return " in the flow " + quoted(name)
}

// quoted shows what a client has said, within bounds.
func quoted(text string) string {
	const most = 100
	if len(text) > most {
		text = text[:most] + "…"
	}
	return `"` + strings.ToValidUTF8(text, "\ufffd") + `"`
}

// refused answers what an engine says of something that it was told to do.
func refused(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, engine.ErrUnknown):
		fail(w, http.StatusNotFound, "gone", err.Error())
	case errors.Is(err, engine.ErrNotRunning):
		fail(w, http.StatusConflict, "not_running", err.Error())
	case errors.Is(err, engine.ErrFlowPaused):
		fail(w, http.StatusConflict, "flow_paused", err.Error())
	default:
		fail(w, http.StatusConflict, "refused", err.Error())
	}
}
