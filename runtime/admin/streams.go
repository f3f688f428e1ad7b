package admin

import (
	"encoding/json"
	"net/http"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/admin/stream"
	"github.com/flowrun/flowrun/runtime/status"
)

// newStreams returns what serves what clients listen to. The names of connectors are
// those of this moment: one may be new since a reload.
func newStreams(o Options) *stream.Server {
	return stream.New(stream.Options{
		Notices: o.Notices,
		Records: o.Records,
		Events:  o.Settings.Events,
		Logs:    o.Settings.Logs,
		Exists: func(name string) bool {
			for _, c := range o.Health().Connectors {
				if c.Name == name {
					return true
				}
			}
			return false
		},
		Log: o.Log,
	})
}

// Snapshot spells all connectors in one line, as /api/v1/connectors tells of them: for
// flows that ask for it.
func Snapshot(h status.Health) []byte {
	text, err := json.Marshal(map[string][]Connector{"connectors": connectorsOf(h)})
	if err != nil { // of our own types
		return []byte("null")
	}
	return text
}

// listening answers with what serve does, or why it does not.
func listening(serve func(*stream.Server, http.ResponseWriter, *http.Request) *access.Refusal) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		if refusal := serve(s.streams, w, r); refusal != nil {
			refuse(w, refusal)
		}
	}
}

// peers serves what becomes of the connections of the connector in the path.
func peers(s *stream.Server, w http.ResponseWriter, r *http.Request) *access.Refusal {
	return s.Peers(w, r, r.PathValue("name"))
}
