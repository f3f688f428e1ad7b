// Package session learns from OPENs what the speakers of a session have agreed on, so that
// their UPDATEs can be read: how wide AS numbers are (RFC 6793), and whether prefixes have
// path identifiers (RFC 7911).
package session

import (
	"github.com/flowrun/flowrun/codecs/bgp/internal/capability"
	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/codecs/bgp/internal/spelling"
)

// offer is what a speaker says of itself in its OPEN.
type offer struct {
	known         bool
	as4           bool
	send, receive family.Set // path identifiers
	speaker       [6]byte    // its AS number and identifier
}

// offered reads the body of an OPEN. One whose capabilities cannot be found says nothing.
func offered(body []byte) (o offer) {
	if len(body) < capability.OpenHead {
		return o
	}
	caps, ok := capability.Of(body)
	if !ok {
		return o
	}
	o.known = true
	copy(o.speaker[:2], body[1:])
	copy(o.speaker[2:], body[5:9])
	for _, c := range caps {
		switch c.Code {
		case capability.AS4:
			o.as4 = true
		case capability.AddPath:
			receive, send := capability.Paths(c.Value)
			o.receive |= receive
			o.send |= send
		}
	}
	return o
}

// Terms are what a session has agreed on, and what of that is not certain.
type Terms struct {
	Layout spelling.Layout
	Doubt  spelling.Doubt
}

// Unknown are the terms of a session whose OPENs nobody has seen.
var Unknown = Terms{Doubt: spelling.Doubt{AS: true, Paths: family.All}}

// between are the terms of what one speaker sends to the other.
func between(from, to offer) Terms {
	t := Unknown
	t.Layout.AS2 = from.known && !from.as4 || to.known && !to.as4
	switch {
	case from.known && to.known:
		t.Layout.Paths = from.send & to.receive
		t.Doubt.Paths = 0
	case from.known:
		t.Doubt.Paths = from.send
	case to.known:
		t.Doubt.Paths = to.receive
	}
	return t
}

// Session is what is known of the session whose messages pass. The zero value knows nothing.
type Session struct {
	first, second offer
	opening       bool // nothing has followed the first OPEN
}

// Hear takes the body of an OPEN from where nothing says who speaks. That of another speaker
// which follows at once is its answer; else a new session begins.
func (s *Session) Hear(body []byte) {
	o := offered(body)
	if s.opening && s.first.known && o.known && o.speaker != s.first.speaker {
		s.second, s.opening = o, false
		return
	}
	*s = Session{first: o, opening: true}
}

// Pass tells of a message that is no OPEN.
func (s *Session) Pass() { s.opening = false }

// Say takes the body of an OPEN that one of the two speakers has sent.
func (s *Session) Say(left bool, body []byte) {
	if left {
		s.first = offered(body)
	} else {
		s.second = offered(body)
	}
}

// TwoOctets reports whether one of the speakers knows AS numbers of two octets only.
func (s *Session) TwoOctets() bool { return between(s.first, s.second).Layout.AS2 }

// Identified reports whether the speakers may send prefixes with path identifiers, as far as
// they have said anything.
func (s *Session) Identified() bool {
	t := s.Terms()
	return (s.first.known || s.second.known) && (t.Layout.Paths|t.Doubt.Paths) != 0
}

// Terms are those of a message from either speaker.
func (s *Session) Terms() Terms {
	one := between(s.first, s.second)
	if !s.second.known {
		return one
	}
	other := between(s.second, s.first)
	both := one.Layout.Paths & other.Layout.Paths
	one.Doubt.Paths = (one.Layout.Paths | other.Layout.Paths | one.Doubt.Paths | other.Doubt.Paths) &^ both
	one.Layout.Paths = both
	return one
}
