package admin

import "net/http"

// Config is what /api/v1/config answers.
type Config struct {
	Files []ConfigFile `json:"files"`
}

// ConfigFile is a file of the flows that run, as it was read. What may be a secret,
// and comments, are left out.
type ConfigFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (s *Server) config(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, Config{s.options.Config()})
}
