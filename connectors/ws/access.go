package ws

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Limits is the block of that name.
type Limits struct {
	access.Limits
	MaxHandshakes int `hcl:"max_handshakes" min:"1" doc:"connections that have not done their handshake yet, on the whole address; of more, the oldest is cut. Each may hold a header of 64KiB until connect_timeout"`
	Rates
}

// Reject says how a client is told that it may not connect.
type Reject struct {
	Reject        string    `hcl:"reject" oneof:"status|message" doc:"how clients are told that auth or sessions refuse them: by the status of the handshake, 401, 403 or 409; or upgraded, sent a last message, and parted with, for clients that cannot see a status"`
	RejectMessage flow.Expr `hcl:"reject_message" vars:"status|error|message" doc:"with reject = \"message\": the text of that message, like jsonencode({ error = message }). error is a word for programs (credentials_missing, credentials_invalid, token_expired, not_allowed, auth_unavailable, duplicate_session or no_session), message a text for people, and status what the handshake would have been answered with. Without it, the two as JSON"`
	RejectClose   string    `hcl:"reject_close" oneof:"close|abort" doc:"with reject = \"message\": a close frame with 1008 after the message, or a cut without one"`
}

func (c *Reject) check() error {
	switch {
	case c.Reject != "message" && c.RejectMessage != nil:
		return &setting.Error{Field: "reject_message", Err: errors.New(`reject_message needs reject = "message"`)}
	case c.Reject != "message" && c.RejectClose == "abort":
		return &setting.Error{Field: "reject_close", Err: errors.New(`reject_close needs reject = "message"`)}
	}
	if k, ok := c.RejectMessage.(flow.Kinded); ok && k.Kinds()&flow.OfText == 0 {
		return &setting.Error{Field: "reject_message", Err: fmt.Errorf("reject_message wants a string, not %s: jsonencode makes one", k.Kinds())}
	}
	return nil
}

// text is what a client is sent that is turned away.
func (c *Reject) text(f *access.Refusal) ([]byte, error) {
	if c.RejectMessage == nil {
		return f.Body(), nil
	}
	v, err := c.RejectMessage.Eval(&flow.Event{}, flow.IntOf(int64(f.Status)), flow.TextOf(f.Code), flow.TextOf(f.Message))
	if err == nil && v.Kind() != flow.Text {
		err = fmt.Errorf("it is not a string, but %s", v.Kind())
	}
	return []byte(v.Text()), err
}

// admit asks whether the client may connect. It returns nil when not, and the
// client has been told.
func (s *server) admit(w http.ResponseWriter, r *http.Request) *access.Visitor {
	visitor, refusal := s.gate.Admit(r)
	if refusal == nil {
		return visitor
	}
	s.refuse(w, r, refusal)
	return nil
}

// refuse tells a client that it may not connect.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, refusal *access.Refusal) {
	s.refused(r.RemoteAddr, refusal)
	if s.config.Reject.Reject == "message" && refusal.Auth {
		s.turnAway(w, r, refusal)
	} else {
		refusal.WriteTo(w)
	}
}

// refused logs that a client was not let in. The reason is in the message, which
// the log limits by: a flood of one does not hide the others.
func (s *server) refused(peer string, refusal *access.Refusal) {
	s.host.Log().Info("handshake refused: "+refusal.Reason, append([]zap.Field{zap.String("peer", peer)}, refusal.Fields()...)...)
}

// turnAway upgrades a client that is not let in, to be able to tell it why.
func (s *server) turnAway(w http.ResponseWriter, r *http.Request, refusal *access.Refusal) {
	c, _, err := socket.Accept(w, r, s.group)
	if err != nil {
		return // of a client that does not upgrade; it has been answered
	}
	defer c.HangUp()
	s.lastMessage(c, refusal)
}

// lastMessage tells a client that has been upgraded why it is not let in.
func (s *server) lastMessage(c *socket.Conn, refusal *access.Refusal) {
	text, err := s.config.Reject.text(refusal)
	if err != nil {
		s.host.Log().Warn("reject_message cannot be computed", zap.Error(err))
		text = refusal.Body()
	}
	why := socket.Farewell{Code: socket.PolicyViolation, Reason: refusal.Message, Message: string(text)}
	if s.config.RejectClose == "abort" {
		why.Code = 0
	}
	c.TurnAway(why)
}

// expire ends the connection when its client's identity does. The result
// stops that.
func (c *served) expire(v *access.Visitor) (stop func() bool) {
	return v.AtExpiry(func() {
		c.server.host.Log().Info("who a client was holds no longer, the connection is closed with 1008",
			zap.String("peer", c.peer), zap.String("connection", c.link.ID()), zap.String("reason", v.Expired))
		c.conn.Part(socket.Farewell{Code: socket.PolicyViolation, Reason: v.Expired, Why: flow.EndedExpired})
	})
}
