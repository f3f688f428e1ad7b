package http

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// ServeHTTP takes a request of the route, which has begun.
func (r *route) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s := r.server
	if !s.isRunning(q) {
		s.turnAway()
		return
	}
	s.allowPage(w, q)
	if q.Method == http.MethodOptions {
		s.preflight(w, q)
		s.turnAway()
		return
	}
	visitor := s.admit(w, q)
	if visitor == nil {
		s.turnAway()
		return
	}
	if s.config.SSE != nil {
		s.serveStream(w, q, r, visitor)
		return
	}
	defer visitor.Leave()
	x := &exchange{server: s, w: w, r: q, control: *http.NewResponseController(w)}
	defer s.leave(x)
	x.ending = s.enter(x)
	if refusal := s.check(q); refusal != nil {
		s.announced()
		x.refuse(refusal, refusal)
		return
	}
	packed, refusal := s.unpack(q)
	if refusal != nil {
		s.announced()
		w.Header().Set("Accept-Encoding", codings)
		x.refuse(refusal, refusal)
		return
	}
	if packed != nil {
		defer func() { _ = packed.Close() }() // it never fails
	}
	x.serve(r, s.peer(q, r, visitor))
}

// isRunning waits for Run, which comes soon after a request can arrive.
func (s *server) isRunning(q *http.Request) bool {
	select {
	case <-s.running:
		return true
	default:
	}
	select {
	case <-s.running:
		return true
	case <-q.Context().Done():
		return false
	}
}

// admit asks whether the client may come in. It returns nil when not, and the
// client has been told.
func (s *server) admit(w http.ResponseWriter, q *http.Request) *access.Visitor {
	visitor, refusal := s.gate.Admit(q)
	if refusal != nil {
		s.refused(q, refusal)
		// To find out who it is may have taken longer than an answer may.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Duration(s.config.Queue.WriteTimeout))) // of a broken connection, Write tells
		refusal.WriteTo(w)
		return nil
	}
	return visitor
}

// refused logs that a client was not let in. The reason is in the message, which
// the log limits by: a flood of one does not hide the others.
func (s *server) refused(q *http.Request, refusal *access.Refusal) {
	s.host.Log().Info("request refused: "+refusal.Reason, zap.String("peer", q.RemoteAddr), zap.Stringer("client", refusal.Addr),
		zap.Int("status", refusal.Status), zap.String("code", refusal.Code))
}

// check looks at what a request says about its body.
func (s *server) check(q *http.Request) *access.Refusal {
	if q.ContentLength > s.config.maxBody() {
		return tooLarge
	}
	if s.config.Accept != nil && q.ContentLength != 0 && !s.config.accepts(q.Header.Get("Content-Type")) {
		return &access.Refusal{
			Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
			Message: "the type of the body is not one of " + strings.Join(s.config.Accept, ", "), Reason: "its type is not one of accept",
		}
	}
	return nil
}

// peer describes who has sent the request.
func (s *server) peer(q *http.Request, r *route, visitor *access.Visitor) flow.Peer {
	p := flow.Peer{
		TLS:    q.TLS != nil,
		Path:   q.URL.Path,
		Query:  q.URL.RawQuery,
		Fields: q.Header,
		Claims: visitor.Claims,
	}
	if visitor.Addr.IsValid() {
		p.Host, p.Port = visitor.Addr.Addr().String(), int(visitor.Addr.Port())
	}
	for _, name := range r.params {
		if p.Params == nil {
			p.Params = make(map[string]string, len(r.params))
		}
		p.Params[name] = q.PathValue(name)
	}
	return p
}

// What requests are refused for, beside what package access refuses them for.
var (
	tooLarge  = &access.Refusal{Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Message: "the body is too large", Reason: "the body is longer than max_body"}
	tooSlow   = &access.Refusal{Status: http.StatusRequestTimeout, Code: "body_too_slow", Message: "the body did not come in time", Reason: "body_timeout is reached"}
	malformed = &access.Refusal{Status: http.StatusBadRequest, Code: "malformed_body", Message: "the body cannot be read", Reason: "the body cannot be read"}
	noReply   = &access.Refusal{Status: http.StatusGatewayTimeout, Code: "no_reply", Message: "there was no reply in time", Reason: "the flow has not replied within reply_timeout"}
	goingAway = &access.Refusal{Status: http.StatusServiceUnavailable, Code: "ending", Message: "the server is ending", Reason: "the connector ends, and no reply can come any more", RetryAfter: retryAfter}
)

// refusalOf says how a request is answered that could not be read, or whose events
// were not delivered. What
// the client has sent wrong, it is told; what goes wrong here is for the log.
func refusalOf(err error) *access.Refusal {
	refusal, unreadable := (*access.Refusal)(nil), (*flow.Unreadable)(nil)
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &unreadable):
		return &access.Refusal{Status: http.StatusBadRequest, Code: "unreadable", Message: unreadable.Error(), Reason: "a message cannot be read"}
	case errors.Is(err, flow.ErrClosed), errors.Is(err, flow.ErrFull):
		return &access.Refusal{Status: http.StatusServiceUnavailable, Code: "not_delivered", Message: "the request cannot be dealt with now", Reason: "an event was not delivered", RetryAfter: retryAfter}
	}
	return &access.Refusal{Status: http.StatusInternalServerError, Code: "not_delivered", Message: "the request could not be dealt with", Reason: "an event was not delivered"}
}
