package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"go.uber.org/zap"
)

// Refusal is the answer to a client that is not let in.
type Refusal struct {
	Status     int            // of the answer: 400, 401, 403, 429 or 503
	Code       string         // one word for programs: "origin_not_allowed"
	Message    string         // for the client; nothing that a stranger should not know
	Reason     string         // for the log: which rule it was, never a credential
	RetryAfter time.Duration  // when it may be worth another try; 0 to say nothing
	Challenges []string       // WWW-Authenticate, with a 401
	Auth       bool           // it is about who the client is, not where it comes from or how many there are
	Addr       netip.AddrPort // of the client, as Visitor.Addr
	Origin     string         // for the log: the one that was refused, as printable ASCII and shortened; "" when it is not about that
}

// Body is {"error": code, "message": text}.
func (f *Refusal) Body() []byte {
	body, _ := json.Marshal(struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}{f.Code, f.Message}) // two strings
	return body
}

// WriteTo answers a request, and ends the connection: whoever was refused has
// nothing to hold on to.
func (f *Refusal) WriteTo(w http.ResponseWriter) {
	h := w.Header()
	for _, c := range f.Challenges {
		h.Add("WWW-Authenticate", c)
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	body := append(f.Body(), '\n')
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Connection", "close")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body) // to a client that has left
}

// Error describes the refusal for the log.
func (f *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", f.Status, f.Code, f.Reason) }

// Fields are what the log says beside the reason.
func (f *Refusal) Fields() []zap.Field {
	fields := []zap.Field{zap.Stringer("client", f.Addr), zap.Int("status", f.Status), zap.String("code", f.Code)}
	if f.Origin != "" {
		fields = append(fields, zap.String("origin", f.Origin))
	}
	return fields
}

// The codes of refusals by auth blocks, from the least telling to the most.
const (
	codeMissing     = "credentials_missing"
	codeUnavailable = "auth_unavailable"
	codeInvalid     = "credentials_invalid"
	codeForbidden   = "not_allowed"
	codeExpired     = "token_expired"
)

var telling = map[string]int{codeMissing: 1, codeUnavailable: 2, codeInvalid: 3, codeForbidden: 4, codeExpired: 5}

// or returns the more telling of two refusals, with the challenges of both.
func (f *Refusal) or(other *Refusal) *Refusal {
	if f == nil {
		return other
	}
	best := *f
	if telling[other.Code] > telling[f.Code] {
		best = *other
	}
	best.Challenges = append(append([]string{}, f.Challenges...), other.Challenges...)
	return &best
}

func missing(reason, challenge string) *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Code: codeMissing, Message: "credentials are needed", Reason: reason, Challenges: challenges(challenge)}
}

func invalid(reason, challenge string) *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Code: codeInvalid, Message: "the credentials are not accepted", Reason: reason, Challenges: challenges(challenge)}
}

func challenges(c string) []string {
	if c == "" {
		return nil
	}
	return []string{c}
}
