package bgp

import (
	"crypto/md5" // what OpenBMP makes its hashes with
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/packet/bmp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/session"
)

// readBMP reads a message of the BGP monitoring protocol. One that is no Route
// Monitoring makes no event. The router, if the format tells, is who the peers are those of.
func (m *message) readBMP(b []byte, peers *session.Peers, router [16]byte) error {
	var head bmp.BMPHeader
	if len(b) < bmp.BMP_HEADER_SIZE {
		return truncated("a BMP message", bmp.BMP_HEADER_SIZE, len(b))
	}
	if err := head.DecodeFromBytes(b); err != nil {
		return fmt.Errorf("its version is %d, not 3", b[0])
	}
	switch n := uint64(head.Length); {
	case n > uint64(len(b)):
		return truncated("a BMP message", int(n), len(b))
	case n < uint64(len(b)):
		return errMore
	case head.Type == bmp.BMP_MSG_PEER_UP_NOTIFICATION || head.Type == bmp.BMP_MSG_PEER_DOWN_NOTIFICATION:
		learnPeer(b[bmp.BMP_HEADER_SIZE:], peers, router, head.Type == bmp.BMP_MSG_PEER_UP_NOTIFICATION)
		return errNoEvent
	case head.Type != bmp.BMP_MSG_ROUTE_MONITORING:
		return errNoEvent
	}
	b = b[bmp.BMP_HEADER_SIZE:]
	var peer bmp.BMPPeerHeader
	if err := peer.DecodeFromBytes(b); err != nil {
		return err
	}
	// GoBGP has the time as a float, which does not hold all microseconds.
	seconds, micros := binary.BigEndian.Uint32(b[34:]), binary.BigEndian.Uint32(b[38:])
	if m.ns, m.timed = int64(seconds)*1e9+int64(micros)*1e3, true; seconds == 0 && micros == 0 {
		m.timed = false // RFC 7854: it is not known
	}
	if peer.PeerAddress.IsValid() {
		m.tag("PEER_IP", peer.PeerAddress.String())
	}
	m.tag("PEER_AS", strconv.FormatUint(uint64(peer.PeerAS), 10))
	t := peers.Terms(session.PeerOf(router, b), b)
	m.terms.Layout.AS2, m.terms.Doubt.AS = t.Layout.AS2, t.Doubt.AS
	if m.terms.Doubt.Paths != 0 { // the flow does not say
		m.terms = t
	}
	return m.readRaw(b[bmp.BMP_PEER_HEADER_SIZE:])
}

// learnPeer takes what follows the header of a Peer Up message, or of a Peer Down.
func learnPeer(b []byte, peers *session.Peers, router [16]byte, up bool) {
	if len(b) < bmp.BMP_PEER_HEADER_SIZE {
		return
	}
	if peer := session.PeerOf(router, b); up {
		peers.Up(peer, b[bmp.BMP_PEER_HEADER_SIZE:])
	} else {
		peers.Down(peer)
	}
}

func (m *message) writeBMP(dst []byte) ([]byte, error) {
	if m.typ != bgp.BGP_MSG_UPDATE {
		return dst, fmt.Errorf("it is of type %s, and Route Monitoring has UPDATEs only: filter them before", typeName(m.typ))
	}
	if m.ns < 0 || m.ns/1e9 >= 1<<32 {
		return dst, errors.New("its time cannot be written in 32 bits")
	}
	address, err := m.tagAddr("PEER_IP")
	if err != nil {
		return dst, err
	}
	if !address.IsValid() {
		address = netip.IPv4Unspecified()
	}
	as, err := m.tagNumber("PEER_AS", 32)
	if err != nil {
		return dst, err
	}
	dst = binary.BigEndian.AppendUint32(append(dst, bmp.BMP_VERSION), uint32(bmp.BMP_HEADER_SIZE+bmp.BMP_PEER_HEADER_SIZE+bgp.BGP_HEADER_LENGTH+len(m.body)))
	dst = append(dst, bmp.BMP_MSG_ROUTE_MONITORING, bmp.BMP_PEER_TYPE_GLOBAL)
	dst = append(dst, make([]byte, 1+8)...) // flags, distinguisher
	if address.Is4() {
		dst = append(dst, make([]byte, 12)...)
	} else {
		dst[len(dst)-9] |= bmp.BMP_PEER_FLAG_IPV6
	}
	dst = writeAddr(dst, address)
	dst = binary.BigEndian.AppendUint32(dst, uint32(as))
	dst = append(dst, 0, 0, 0, 0) // the router's identifier
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.ns/1e9))
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.ns%1e9/1e3))
	return m.writeRaw(dst), nil
}

// The header of OpenBMP's messages, version 1.7, as its "message bus" writes
// it for raw BMP: fixed fields, the collector, the router, and a count of rows.
const (
	obmpMagic  = "OBMP"
	obmpFixed  = 22 // up to the time's microseconds
	obmpRaw    = 12
	obmpRouter = 0x80 // flag: there is a router
	obmpV6     = 0x40 // flag: with an IPv6 address
)

// readOBMP reads a BMP message behind the header of OpenBMP.
func (m *message) readOBMP(b []byte, peers *session.Peers) error {
	if len(b) < obmpFixed {
		return truncated("an OpenBMP message", obmpFixed, len(b))
	}
	if string(b[:4]) != obmpMagic || b[4] != 1 {
		return errors.New("it does not begin with OBMP and the version 1")
	}
	head, data := int(binary.BigEndian.Uint16(b[6:])), uint64(binary.BigEndian.Uint32(b[8:]))
	switch n := uint64(head) + data; {
	case n > uint64(len(b)):
		return truncated("an OpenBMP message", int(n), len(b))
	case n < uint64(len(b)):
		return errMore
	case head < obmpFixed:
		return fmt.Errorf("its header would have %d bytes", head)
	case b[13] != obmpRaw:
		return errNoEvent
	}
	flags, at := b[12], int64(binary.BigEndian.Uint32(b[14:]))*1e9+int64(binary.BigEndian.Uint32(b[18:]))*1e3
	router, err := m.readCollector(b[obmpFixed:head], flags)
	if err != nil {
		return err
	}
	err = m.readBMP(b[head:], peers, router)
	if !m.timed {
		m.ns, m.timed = at, at != 0
	}
	return err
}

// readCollector reads what stands between the fixed fields and the message. It returns the
// router's hash.
func (m *message) readCollector(b []byte, flags uint8) (hash [16]byte, err error) {
	cut := func(n int) []byte {
		if n > len(b) {
			b = nil
			return nil
		}
		part := b[:n]
		b = b[n:]
		return part
	}
	name := func() string {
		n := cut(2)
		if n == nil {
			return ""
		}
		return string(cut(int(binary.BigEndian.Uint16(n))))
	}
	cut(md5.Size)
	if s := name(); s != "" {
		m.tag("COLLECTOR", s)
	}
	copy(hash[:], cut(md5.Size))
	address := cut(16)
	if address == nil {
		return hash, errors.New("its header ends before the router's address")
	}
	if flags&obmpV6 == 0 {
		address = address[12:]
	}
	router := name()
	if a := addrText(address); router == "" && a != "0.0.0.0" && a != "::" {
		router = a
	}
	if router != "" {
		m.tag("ROUTER", router)
	}
	return hash, nil
}

func (m *message) writeOBMP(dst []byte) ([]byte, error) {
	collector, router := m.tagText("COLLECTOR"), m.tagText("ROUTER")
	if len(collector) > math.MaxUint8 || len(router) > math.MaxUint8 {
		return dst, errors.New("its tags COLLECTOR and ROUTER have at most 255 bytes")
	}
	flags := uint8(obmpRouter)
	var address [16]byte
	if a, err := netip.ParseAddr(router); err == nil && a.Zone() == "" {
		if a = a.Unmap(); a.Is6() {
			flags |= obmpV6
			address = a.As16()
		} else {
			four := a.As4()
			copy(address[12:], four[:])
		}
	}
	start := len(dst)
	dst = append(append(dst, obmpMagic...), 1, 7, 0, 0, 0, 0, 0, 0, flags, obmpRaw)
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.ns/1e9))
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.ns%1e9/1e3))
	hash := md5.Sum([]byte(collector))
	dst = append(append(dst, hash[:]...), 0, uint8(len(collector)))
	dst = append(dst, collector...)
	hash = md5.Sum([]byte(router))
	dst = append(append(dst, hash[:]...), address[:]...)
	dst = append(append(dst, 0, uint8(len(router))), router...)
	dst = binary.BigEndian.AppendUint32(dst, 1) // rows
	head := len(dst)
	dst, err := m.writeBMP(dst)
	if err != nil {
		return dst, err
	}
	binary.BigEndian.PutUint16(dst[start+6:], uint16(head-start))
	binary.BigEndian.PutUint32(dst[start+8:], uint32(len(dst)-head))
	return dst, nil
}
