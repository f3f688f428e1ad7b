package stream

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/sse"
)

// choose reads which notices a client wants: ?types= and ?connector=. Those that
// are about no connector are not about the one that is asked for.
func (s *Server) choose(r *http.Request) (wants func(notice.Notice) bool, refusal *access.Refusal) {
	types, refusal := typesOf(r, notice.Types)
	if refusal != nil {
		return nil, refusal
	}
	name := r.URL.Query().Get("connector")
	if name != "" && !s.Exists(name) {
		return nil, noConnector(http.StatusBadRequest, name)
	}
	return func(n notice.Notice) bool {
		return slices.Contains(types, n.Type) && (name == "" || n.Connector != nil && n.Connector.Name == name)
	}, nil
}

// typesOf is the types that a client asks for, all when it asks for none.
func typesOf(r *http.Request, known []string) ([]string, *access.Refusal) {
	var types []string
	for _, list := range r.URL.Query()["types"] {
		for name := range strings.SplitSeq(list, ",") {
			switch name = strings.TrimSpace(name); {
			case name == "":
			case slices.Contains(known, name):
				types = append(types, name)
			default:
				return nil, bad("unknown_type", fmt.Sprintf("there is no event of the type %q: the types are %s", name, strings.Join(known, ", ")))
			}
		}
	}
	if types == nil {
		return known, nil
	}
	return types, nil
}

func bad(code, message string) *access.Refusal {
	return &access.Refusal{Status: http.StatusBadRequest, Code: code, Message: message}
}

func noConnector(status int, name string) *access.Refusal {
	return &access.Refusal{Status: status, Code: "unknown_connector", Message: fmt.Sprintf("there is no connector %q", name)}
}

// accepts reports whether a client asks for Server-Sent Events by name.
func accepts(r *http.Request) bool {
	for _, list := range r.Header.Values("Accept") {
		for kind := range strings.SplitSeq(list, ",") {
			if name, _, err := mime.ParseMediaType(kind); err == nil && name == sse.ContentType {
				return true
			}
		}
	}
	return false
}
