package bgp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/codecs/bgp/internal/session"
)

// The types and subtypes of RFC 6396 and 8050 that are messages.
const (
	mrtBGP4MP   = 16
	mrtBGP4MPET = 17 // with microseconds

	mrtMessage           = 1
	mrtMessageAS4        = 4
	mrtMessageLocal      = 6
	mrtMessageAS4Local   = 7
	mrtMessageAddPath    = 8
	mrtMessageAS4AddPath = 9
	mrtMessageLocalAP    = 10
	mrtMessageAS4LocalAP = 11

	mrtHead = 12
)

// readMRT reads a record of MRT. One that is no message of a session makes no
// event.
func (m *message) readMRT(b []byte) error {
	if len(b) < mrtHead {
		return truncated("an MRT record", mrtHead, len(b))
	}
	typ, subtype := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	switch n := uint64(binary.BigEndian.Uint32(b[8:])); {
	case n > uint64(len(b)-mrtHead):
		return truncated("an MRT record", int(n)+mrtHead, len(b))
	case n < uint64(len(b)-mrtHead):
		return errMore
	}
	m.ns, m.timed, m.terms = int64(binary.BigEndian.Uint32(b))*1e9, true, session.Terms{}
	body := b[mrtHead:]
	switch typ {
	case mrtBGP4MP:
	case mrtBGP4MPET:
		if len(body) < 4 {
			return errors.New("the record ends before its microseconds")
		}
		m.ns += int64(binary.BigEndian.Uint32(body)) * 1e3
		body = body[4:]
	default:
		return errNoEvent
	}
	switch subtype {
	case mrtMessage, mrtMessageLocal, mrtMessageAddPath, mrtMessageLocalAP:
		m.terms.Layout.AS2 = true
	case mrtMessageAS4, mrtMessageAS4Local, mrtMessageAS4AddPath, mrtMessageAS4LocalAP:
	default:
		return errNoEvent
	}
	if subtype >= mrtMessageAddPath { // some families have path identifiers
		m.terms.Layout.Paths, m.terms.Doubt.Paths = family.All, family.All
	}
	body, err := m.readPeers(body)
	if err != nil {
		return err
	}
	return m.readRaw(body)
}

// readPeers reads who speaks with whom.
func (m *message) readPeers(b []byte) ([]byte, error) {
	width := 4
	as2 := m.terms.Layout.AS2
	if as2 {
		width = 2
	}
	if len(b) < 2*width+4 {
		return nil, errors.New("the record ends within its peers")
	}
	as := func(b []byte) string {
		if as2 {
			return strconv.Itoa(int(binary.BigEndian.Uint16(b)))
		}
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(b)), 10)
	}
	peer, local, b := as(b), as(b[width:]), b[2*width:]
	iface, afi, b := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), b[4:]
	size := map[uint16]int{1: 4, 2: 16}[afi]
	if size == 0 {
		return nil, fmt.Errorf("its peers have addresses of the kind %d, which is neither IPv4 nor IPv6", afi)
	}
	if len(b) < 2*size {
		return nil, errors.New("the record ends within its peers")
	}
	m.tag("PEER_AS", peer)
	m.tag("PEER_IP", addrText(b[:size]))
	m.tag("LOCAL_AS", local)
	m.tag("LOCAL_IP", addrText(b[size:2*size]))
	m.tag("INTERFACE", strconv.Itoa(int(iface)))
	return b[2*size:], nil
}

func addrText(b []byte) string {
	a, _ := netip.AddrFromSlice(b)
	return a.String()
}

func (m *message) writeMRT(dst []byte) ([]byte, error) {
	if m.ns < 0 || m.ns/1e9 >= 1<<32 {
		return dst, errors.New("its time cannot be written in 32 bits")
	}
	peer, local, err := m.addresses()
	if err != nil {
		return dst, err
	}
	subtype, bits := mrtMessageAS4, 32
	if m.layout.AS2 {
		subtype, bits = mrtMessage, 16
	}
	if m.layout.Paths != 0 {
		subtype = map[int]int{mrtMessageAS4: mrtMessageAS4AddPath, mrtMessage: mrtMessageAddPath}[subtype]
	}
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.ns/1e9))
	dst = binary.BigEndian.AppendUint16(dst, mrtBGP4MPET)
	dst = binary.BigEndian.AppendUint16(dst, uint16(subtype))
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.ns%1e9/1e3))
	for _, key := range []string{"PEER_AS", "LOCAL_AS"} {
		n, err := m.tagNumber(key, bits)
		if err != nil {
			return dst[:start], err
		}
		if m.layout.AS2 {
			dst = binary.BigEndian.AppendUint16(dst, uint16(n))
		} else {
			dst = binary.BigEndian.AppendUint32(dst, uint32(n))
		}
	}
	n, err := m.tagNumber("INTERFACE", 16)
	if err != nil {
		return dst[:start], err
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	dst = append(dst, 0, map[bool]byte{true: 1, false: 2}[peer.Is4()])
	dst = append(append(dst, peer.AsSlice()...), local.AsSlice()...)
	dst = m.writeRaw(dst)
	binary.BigEndian.PutUint32(dst[start+8:], uint32(len(dst)-start-mrtHead))
	return dst, nil
}

// addresses are those of the peers, of one kind: zeros where a tag is missing.
func (m *message) addresses() (peer, local netip.Addr, err error) {
	if peer, err = m.tagAddr("PEER_IP"); err != nil {
		return peer, local, err
	}
	if local, err = m.tagAddr("LOCAL_IP"); err != nil {
		return peer, local, err
	}
	none := func(like netip.Addr) netip.Addr {
		if like.Is6() {
			return netip.IPv6Unspecified()
		}
		return netip.IPv4Unspecified()
	}
	if !peer.IsValid() {
		peer = none(local)
	}
	if !local.IsValid() {
		local = none(peer)
	}
	if peer.Is4() != local.Is4() {
		return peer, local, errors.New("its tags PEER_IP and LOCAL_IP are addresses of different kinds")
	}
	return peer, local, nil
}

// tagAddr is a tag that is an address; the zero Addr where it is missing.
func (m *message) tagAddr(key string) (netip.Addr, error) {
	s := m.tagText(key)
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return a, fmt.Errorf("its tag %s is %.50q, which is no address", key, s)
	}
	return a.Unmap(), nil
}
