package admin

import (
	"net/http"

	"go.uber.org/zap"
)

// tap lets a client look on at what passes, until one of them ends it.
func (s *Server) tap(w http.ResponseWriter, r *http.Request) {
	who := visitor(r.Context())
	refusal := s.taps.Serve(w, r, r.PathValue("place"), []zap.Field{zap.String("client", who.Addr.String()), zap.String("token", who.token)})
	if refusal != nil {
		refusal.Addr = who.Addr
		refuse(w, refusal)
	}
}
