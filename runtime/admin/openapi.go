package admin

import (
	_ "embed"
	"net/http"
	"strconv"
)

// openAPI describes the routes for programs. It is made of their table and of the
// types of answers: go test -update writes it.
//
//go:embed openapi.json
var openAPI []byte

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(openAPI)))
	_, _ = w.Write(openAPI) // to a client that has left
}
