package session

import (
	"encoding/binary"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/packet/bmp"
)

// Peer names a peer of a router that is monitored: the router (a hash, where the messages of
// several come together), the peer's type, distinguisher and address.
type Peer struct {
	router [16]byte
	peer   [1 + 8 + 16]byte
}

// PeerOf is the peer of a per-peer header of RFC 7854, which is whole.
func PeerOf(router [16]byte, header []byte) Peer {
	p := Peer{router: router}
	p.peer[0] = header[0]
	copy(p.peer[1:], header[2:26])
	return p
}

// Peers are the sessions of routers that are monitored, as their Peer Up messages tell.
type Peers struct {
	Most int // so many are remembered
	of   map[Peer]terms
}

// terms are those of what a router hears from a peer, and of what it says (RFC 8671).
type terms struct{ in, out Terms }

// Up takes what follows the per-peer header in a Peer Up message. Where there are Most peers
// already, any of them is forgotten.
func (p *Peers) Up(peer Peer, b []byte) {
	const addresses = 16 + 2 + 2 // the router's, and the ports
	p.Down(peer)
	if len(b) < addresses {
		return
	}
	sent, rest := cutOpen(b[addresses:])
	received, _ := cutOpen(rest)
	mine, its := offered(sent), offered(received)
	if !mine.known || !its.known {
		return
	}
	if len(p.of) >= p.Most {
		for other := range p.of {
			delete(p.of, other)
			break
		}
	}
	if p.of == nil {
		p.of = map[Peer]terms{}
	}
	known := terms{in: between(its, mine), out: between(mine, its)}
	if peer.peer[0] == bmp.BMP_PEER_TYPE_LOCAL_RIB { // RFC 9069: both OPENs are the router's own
		known.in.Layout.Paths = mine.send | mine.receive
	}
	p.of[peer] = known
}

// Down forgets a peer.
func (p *Peers) Down(peer Peer) { delete(p.of, peer) }

// Terms are those of a message in a Route Monitoring message, by its per-peer header, which
// itself says how wide AS numbers are.
func (p *Peers) Terms(peer Peer, header []byte) Terms {
	const out = bmp.BMP_PEER_FLAG_ADJ_RIB_TYP
	local := header[0] == bmp.BMP_PEER_TYPE_LOCAL_RIB
	t := Unknown
	if known, ok := p.of[peer]; ok {
		if t = known.in; !local && header[1]&out != 0 {
			t = known.out
		}
	}
	t.Layout.AS2 = !local && header[1]&bmp.BMP_PEER_FLAG_TWO_AS != 0
	return t
}

// cutOpen cuts the body of an OPEN from what begins with the message.
func cutOpen(b []byte) (body, rest []byte) {
	const head = bgp.BGP_HEADER_LENGTH
	if len(b) < head {
		return nil, nil
	}
	n := int(binary.BigEndian.Uint16(b[16:]))
	if n < head || n > len(b) || b[18] != bgp.BGP_MSG_OPEN {
		return nil, nil
	}
	return b[head:n], b[n:]
}
