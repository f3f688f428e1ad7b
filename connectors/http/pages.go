package http

import (
	"net/http"
	"slices"
	"strings"
)

// allowPage lets a page of another origin see the answer, when it is one of those
// that may connect (CORS, in the Fetch standard).
func (s *server) allowPage(w http.ResponseWriter, q *http.Request) {
	if len(q.Header["Origin"]) == 0 || !s.gate.FromPage(q) {
		return
	}
	h := w.Header()
	h["Access-Control-Allow-Origin"] = []string{q.Header.Get("Origin")}
	h.Add("Vary", "Origin")
}

// preflight answers a browser that asks whether a page may send a request. That the
// page may not, it sees by what is missing.
func (s *server) preflight(w http.ResponseWriter, q *http.Request) {
	h := w.Header()
	if h["Access-Control-Allow-Origin"] != nil {
		h.Set("Access-Control-Allow-Methods", strings.Join(s.methods(), ", "))
		if asked := q.Header["Access-Control-Request-Headers"]; len(asked) > 0 {
			h.Set("Access-Control-Allow-Headers", strings.Join(asked, ", "))
		}
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// methods are those of all routes. A page that asks with one of another path will
// be told by the answer.
func (s *server) methods() (all []string) {
	for _, r := range s.routes {
		all = append(all, r.methods...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
