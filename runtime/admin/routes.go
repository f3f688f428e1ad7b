package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/admin/stream"
	"go.uber.org/zap"
)

// route is one thing that can be asked for.
type route struct {
	path    string
	open    bool // to everybody who reaches the listener: a probe
	streams bool // goes on for long, and is bounded by itself
	changes bool // something, so that it is a POST and needs a token
	serve   func(*Server, http.ResponseWriter, *http.Request)
}

// routes are all there are.
var routes = []route{
	{path: "/healthz", open: true, serve: (*Server).healthz},
	{path: "/readyz", open: true, serve: (*Server).readyz},
	{path: "/metrics", serve: func(s *Server, w http.ResponseWriter, r *http.Request) { s.metrics.ServeHTTP(w, r) }},
	{path: "/api/v1/version", serve: (*Server).version},
	{path: "/api/v1/status", serve: (*Server).status},
	{path: "/api/v1/connectors", serve: (*Server).connectors},
	{path: "/api/v1/ws", streams: true, serve: listening((*stream.Server).Socket)},
	{path: "/api/v1/events", streams: true, serve: listening((*stream.Server).Events)},
	{path: "/api/v1/logs/stream", streams: true, serve: listening((*stream.Server).Logs)},
	{path: "/api/v1/reload", changes: true, serve: (*Server).reload},
	{path: "/api/v1/drain", changes: true, serve: (*Server).drain},
}

func (r *route) methods() []string {
	if r.changes {
		return []string{http.MethodPost}
	}
	return []string{http.MethodGet, http.MethodHead}
}

// handler serves all routes, and answers what is none.
func (s *Server) handler() http.Handler {
	byPath := map[string]*route{}
	for i := range routes {
		byPath[routes[i].path] = &routes[i]
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		s.dispatch(w, r, byPath[r.URL.Path])
	})
}

// dispatch looks at who asks before it tells what there is.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, to *route) {
	who, refusal := s.guard.admit(r, to == nil || !to.open)
	if refusal != nil {
		s.options.Log.Debug("a request to the admin listener was refused", append(refusal.Fields(), zap.String("reason", refusal.Reason))...)
		refuse(w, refusal)
		return
	}
	defer who.Leave()
	switch {
	case to == nil:
		fail(w, http.StatusNotFound, "not_found", "there is nothing at this path")
	case !slices.Contains(to.methods(), r.Method):
		w.Header().Set("Allow", strings.Join(to.methods(), ", "))
		fail(w, http.StatusMethodNotAllowed, "method_not_allowed", "use "+to.methods()[0])
	case to.changes && !who.token:
		fail(w, http.StatusForbidden, "read_only", "without tokens nothing can be changed: start flowrun with --admin-tokens")
	default:
		if !read(w, r) {
			return
		}
		if to.streams {
			who.Leave()
		}
		to.serve(s, w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, who)))
	}
}

// read takes in a body, which nothing here needs, and answers one that is too long
// or does not come.
func read(w http.ResponseWriter, r *http.Request) bool {
	_, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return true
	}
	w.Header().Set("Connection", "close")
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		fail(w, http.StatusRequestEntityTooLarge, "body_too_large", "the body of a request has at most 64 KiB, and none is needed here")
	} else {
		fail(w, http.StatusBadRequest, "body_incomplete", "the body of the request has not come")
	}
	return false
}
