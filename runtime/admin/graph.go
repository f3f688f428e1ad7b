package admin

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/graph"
)

// graphParameter says how a graph is drawn.
var graphParameter = parameter{"format", "json (when not given), text, mermaid, dot or svg"}

// graph draws how a flow is wired.
func (s *Server) graph(w http.ResponseWriter, r *http.Request) {
	f, ok := s.flow(w, r)
	if !ok {
		return
	}
	name := r.URL.Query().Get("format")
	if name == "" {
		name = "json"
	}
	format, names, ok := graph.FormatOf(name)
	if !ok {
		fail(w, http.StatusBadRequest, "unknown_format", "there is no format "+quoted(name)+": the formats are "+strings.Join(names, ", "))
		return
	}
	body := format.Draw(f.Graph)
	h := w.Header()
	h.Set("Content-Type", format.Media)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // of a picture with names in it
	_, _ = w.Write([]byte(body))                                                      // to a client that has left
}
