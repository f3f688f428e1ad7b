package bgp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/codecs/bgp/internal/capability"
	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/runtime/flow"
)

// capNames are the names of capabilities, by their codes.
var capNames = map[uint8]string{
	1: "MP", 2: "ROUTE_REFRESH", 3: "OUTBOUND_FILTERING", 5: "EXTENDED_NEXTHOP", 6: "EXTENDED_MESSAGE", 7: "BGPSEC",
	8: "MULTIPLE_LABELS", 9: "ROLE", 64: "GRACEFUL_RESTART", 65: "AS4", 67: "DYNAMIC", 68: "MULTISESSION", 69: "ADDPATH",
	70: "ENHANCED_ROUTE_REFRESH", 71: "LLGR", 72: "ROUTING_POLICY", 73: "FQDN", 74: "BFD", 75: "VERSION", 128: "PRE_ROUTE_REFRESH",
}

const (
	capMP  = 1
	capAS4 = 65

	openHead    = 10  // version, AS number, hold time, identifier, length of parameters
	paramCaps   = 2   // the parameter that has capabilities
	paramExtend = 255 // instead of a length: lengths have two bytes (RFC 9072)
	asTrans     = 23456
)

// appendOpen appends an OPEN as JSON.
func appendOpen(dst, body []byte) []byte {
	if len(body) < openHead {
		return append(appendHex(append(dst, `{"params":`...), body), '}')
	}
	dst = strconv.AppendUint(append(dst, `{"bgp":`...), uint64(body[0]), 10)
	dst = strconv.AppendUint(append(dst, `,"asn":`...), uint64(binary.BigEndian.Uint16(body[1:])), 10)
	dst = appendAddr(append(dst, `,"id":`...), netip.AddrFrom4([4]byte(body[5:9])))
	dst = strconv.AppendUint(append(dst, `,"hold":`...), uint64(binary.BigEndian.Uint16(body[3:])), 10)
	if caps, ok := capsOf(body); ok {
		return append(appendCaps(append(dst, `,"caps":`...), caps), '}')
	}
	return append(appendHex(append(dst, `,"params":`...), body[openHead:]), '}')
}

// offered is one capability, as it stands in an OPEN.
type offered struct {
	code  uint8
	value []byte
}

// capsOf finds the capabilities of an OPEN. It is false where there are other
// parameters, or none can be found.
func capsOf(body []byte) (caps []offered, ok bool) {
	params, width := body[openHead:], 1
	n := int(body[openHead-1])
	if len(params) >= 3 && params[0] == paramExtend && n == paramExtend {
		n, params, width = int(binary.BigEndian.Uint16(params[1:])), params[3:], 2
	}
	if n != len(params) {
		return nil, false
	}
	for len(params) > 0 {
		if len(params) < 1+width || params[0] != paramCaps {
			return nil, false
		}
		n := int(params[1])
		if width == 2 {
			n = int(binary.BigEndian.Uint16(params[1:]))
		}
		if params = params[1+width:]; n > len(params) {
			return nil, false
		}
		list := params[:n]
		params = params[n:]
		for len(list) > 0 {
			if len(list) < 2 || len(list) < 2+int(list[1]) {
				return nil, false
			}
			caps = append(caps, offered{list[0], list[2 : 2+list[1]]})
			list = list[2+list[1]:]
		}
	}
	return caps, true
}

// appendCaps appends capabilities as an object. Those that are there several
// times are a list: that of families, and of hexadecimal texts for others.
func appendCaps(dst []byte, caps []offered) []byte {
	dst = append(dst, '{')
	done := [256]bool{}
	for _, c := range caps {
		if done[c.code] {
			continue
		}
		done[c.code] = true
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		name := capNames[c.code]
		if name == "" {
			name = "CAP_" + strconv.Itoa(int(c.code))
		}
		dst = append(append(append(dst, '"'), name...), `":`...)
		var same [][]byte
		for _, other := range caps {
			if other.code == c.code {
				same = append(same, other.value)
			}
		}
		dst = appendCap(dst, c.code, same)
	}
	return append(dst, '}')
}

func appendCap(dst []byte, code uint8, values [][]byte) []byte {
	if len(values) == 1 {
		if b, ok := capability.AppendJSON(dst, code, values[0]); ok {
			return b
		}
	}
	families := code == capMP
	for _, v := range values {
		families = families && len(v) == 4 && v[2] == 0
	}
	switch {
	case families:
		return appendList(dst, values, func(dst, v []byte) []byte {
			return append(append(append(dst, '"'), family.Name(binary.BigEndian.Uint16(v), v[3])...), '"')
		})
	case code == capAS4 && len(values) == 1 && len(values[0]) == 4:
		return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint32(values[0])), 10)
	case len(values) > 1:
		return appendList(dst, values, appendHex)
	case len(values[0]) == 0:
		return append(dst, "true"...)
	}
	return appendHex(dst, values[0])
}

// writeOpen writes an OPEN.
func writeOpen(dst []byte, n node) ([]byte, error) {
	version, hold := uint64(4), uint64(90)
	var asn uint64
	id := []byte{0, 0, 0, 0}
	var caps, params []byte
	raw := false
	for p := n.parts(); p.next(); {
		var err error
		switch p.key {
		case "bgp":
			version, err = numberOf(p.node, 8)
		case "asn":
			asn, err = numberOf(p.node, 32)
		case "id":
			id, err = writeAddrOf(id[:0], p.node, true)
		case "hold":
			hold, err = numberOf(p.node, 16)
		case "caps":
			caps, err = capsBytes(p.node)
		case "params":
			raw = true
			params, err = writeHex(nil, p.node)
		default:
			err = errors.New("it is no part of an OPEN")
		}
		if err != nil {
			return dst, fmt.Errorf("%s: %w", p.key, err)
		}
	}
	if raw && len(caps) > 0 {
		return dst, errors.New("an OPEN has either caps or params")
	}
	if len(caps) > 0 {
		params = append([]byte{paramCaps, uint8(min(len(caps), math.MaxUint8))}, caps...)
	}
	if asn > math.MaxUint16 {
		asn = asTrans
	}
	dst = binary.BigEndian.AppendUint16(append(dst, uint8(version)), uint16(asn))
	dst = append(binary.BigEndian.AppendUint16(dst, uint16(hold)), id...)
	if extended := len(params) > math.MaxUint8-1 && len(caps) > 0; extended && len(caps) < math.MaxUint16-3 {
		dst = binary.BigEndian.AppendUint16(append(dst, paramExtend, paramExtend), uint16(len(caps)+3))
		return append(binary.BigEndian.AppendUint16(append(dst, paramCaps), uint16(len(caps))), caps...), nil
	}
	return append(append(dst, uint8(min(len(params), math.MaxUint8))), params...), nil
}

func capsBytes(n node) ([]byte, error) {
	if n.kind() != flow.Map {
		return nil, fmt.Errorf("it is of type %v, not an object", n.kind())
	}
	var b []byte
	for p := n.parts(); p.next(); {
		code, err := capCode(p.key)
		if err != nil {
			return nil, err
		}
		several := p.kind() == flow.List && !inWords(code, p.node)
		if !several {
			b, err = writeCap(b, code, p.node)
		}
		for list := p.parts(); several && err == nil && list.next(); {
			b, err = writeCap(b, code, list.node)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.key, err)
		}
	}
	return b, nil
}

// inWords reports whether a list is the value of one capability; others are one
// capability for each element.
func inWords(code uint8, n node) bool {
	list := n.parts()
	return (code == capability.AddPath || code == capability.ExtendedHop) && list.next() && !strings.HasPrefix(list.text(), "0x")
}

func capCode(name string) (uint8, error) {
	for code, n := range capNames {
		if n == name {
			return code, nil
		}
	}
	if digits, ok := strings.CutPrefix(name, "CAP_"); ok {
		if n, err := strconv.ParseUint(digits, 10, 8); err == nil {
			return uint8(n), nil
		}
	}
	return 0, fmt.Errorf("%.40q is no name of a capability: one without a name is CAP_ and its number", name)
}

func writeCap(dst []byte, code uint8, n node) ([]byte, error) {
	at := len(dst)
	dst = append(dst, code, 0)
	var err error
	switch v := n.scalar(); {
	case v.Kind() == flow.Bool && v.Bool(): // there is nothing in it
	case strings.HasPrefix(v.Text(), "0x"):
		dst, err = writeHex(dst, n)
	case code == capMP:
		var afi uint16
		var safi uint8
		afi, safi, err = family.Parse(v.Text())
		dst = append(binary.BigEndian.AppendUint16(dst, afi), 0, safi)
	case code == capAS4:
		dst, err = writeNumber(dst, n)
	case code == capability.Role:
		dst, err = capability.AppendRole(dst, spelled(n))
	case code == capability.FQDN && n.kind() == flow.Map:
		dst, err = capability.AppendFQDN(dst, n.get("host").text(), n.get("domain").text())
	case n.kind() == flow.List:
		for list := n.parts(); list.next() && err == nil; {
			dst, err = capability.AppendWord(dst, code, list.text())
		}
	default:
		err = errors.New("its value must be true or hexadecimal text, 0x…")
	}
	length := len(dst) - at - 2
	if err == nil && length > math.MaxUint8 {
		err = errors.New("it is longer than 255 bytes")
	}
	dst[at+1] = uint8(length)
	return dst, err
}
