package stream

import (
	"net/http"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/notice"
)

// events is how notices are told.
type events struct {
	buf []byte
}

func (e *events) tell(n notice.Notice, add func([]byte)) {
	e.buf = notice.Append(e.buf[:0], n)
	add(e.buf)
}

func (e *events) lost(n uint64, add func([]byte)) {
	e.tell(notice.EventsLost(n), add)
}

// Events serves notices as Server-Sent Events.
func (s *Server) Events(w http.ResponseWriter, r *http.Request) *access.Refusal {
	wants, refusal := s.choose(r)
	if refusal != nil {
		return refusal
	}
	return s.sent(w, r, wants, &events{})
}

// Socket serves notices over WebSocket.
func (s *Server) Socket(w http.ResponseWriter, r *http.Request) *access.Refusal {
	wants, refusal := s.choose(r)
	if refusal != nil {
		return refusal
	}
	return s.upgraded(w, r, wants, &events{})
}

// Peers serves what becomes of the connections of one connector, over WebSocket or,
// to who asks for that, as Server-Sent Events.
func (s *Server) Peers(w http.ResponseWriter, r *http.Request, connector string) *access.Refusal {
	as, wants, refusal := s.choosePeers(r, connector)
	if refusal != nil {
		return refusal
	}
	if !isUpgrade(r) && accepts(r) {
		return s.sent(w, r, wants, as)
	}
	return s.upgraded(w, r, wants, as)
}

// sent serves notices that are wanted as Server-Sent Events, if there is room.
func (s *Server) sent(w http.ResponseWriter, r *http.Request, wants func(notice.Notice) bool, as spelling) *access.Refusal {
	leave, refusal := s.enter(&s.clients, s.Options.Events.MaxClients)
	if refusal != nil {
		return refusal
	}
	defer leave()
	from := s.Notices.Only(eventQueue, wants)
	defer from.Close()
	return s.answer(w, r, from, as, nil)
}
