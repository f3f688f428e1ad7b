package admin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/runtime/access"
)

// Error is the body of an answer that is not what was asked for.
type Error struct {
	Code    string `json:"code"`            // a word for programs: "not_found"
	Message string `json:"message"`         // a sentence for people
	Needs   Role   `json:"needs,omitempty"` // the role that was missing
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // of our own types
		status, body = http.StatusInternalServerError, []byte(`{"code":"internal","message":"the answer cannot be written as JSON"}`)
	}
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // to a client that has left
}

func fail(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, Error{Code: code, Message: message})
}

// refuse answers who is not let in, and leaves them nothing to hold on to.
func refuse(w http.ResponseWriter, f *access.Refusal) {
	h := w.Header()
	for _, c := range f.Challenges {
		h.Add("WWW-Authenticate", c)
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	h.Set("Connection", "close")
	fail(w, f.Status, f.Code, f.Message)
}
