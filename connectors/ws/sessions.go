package ws

import (
	"errors"
	"net/http"
	"net/netip"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// occupied reports whether the client's session key has all the connections that
// it may have; then the client has been told. When several come at once, open
// decides.
func (s *server) occupied(w http.ResponseWriter, r *http.Request, v *access.Visitor, peer *flow.Peer) bool {
	if s.config.Session == nil {
		return false
	}
	err := s.host.Admit(*peer)
	if err != nil {
		s.refuse(w, r, noSession(err, v.Addr))
	}
	return err != nil
}

// noSession is the answer to a client that gets no session.
func noSession(err error, client netip.AddrPort) *access.Refusal {
	f := &access.Refusal{Status: http.StatusForbidden, Code: "no_session", Message: "the session key cannot be told", Reason: err.Error(), Auth: true, Addr: client}
	if errors.Is(err, flow.ErrDuplicate) {
		f.Status, f.Code, f.Message = http.StatusConflict, "duplicate_session", flow.ErrDuplicate.Error()
	}
	return f
}

// unwanted says goodbye to a client that the runtime does not want after all.
func (s *server) unwanted(c *socket.Conn, peer *flow.Peer, err error) {
	if errors.Is(err, flow.ErrClosed) {
		c.Say(farewell(s.host.Farewell()))
		return
	}
	refusal := noSession(err, netip.AddrPort{})
	s.host.Log().Info("connection refused: "+refusal.Reason, zap.String("peer", peer.Addr()), zap.Int("code", socket.PolicyViolation))
	if s.config.Reject.Reject == "message" {
		s.lastMessage(c, refusal)
	} else {
		c.Say(socket.Farewell{Code: socket.PolicyViolation, Reason: refusal.Message})
	}
}
