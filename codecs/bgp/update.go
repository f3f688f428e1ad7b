package bgp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/attribute"
	"github.com/flowrun/flowrun/codecs/bgp/internal/extended"
	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/codecs/bgp/internal/flowspec"
)

// updateParts are the three parts of an UPDATE.
func updateParts(body []byte) (withdrawn, attrs, reach []byte, err error) {
	cut := func(what string) []byte {
		if err != nil {
			return nil
		}
		if len(body) < 2 {
			err = fmt.Errorf("its UPDATE ends before the length of its %s", what)
			return nil
		}
		n := int(binary.BigEndian.Uint16(body))
		if n > len(body)-2 {
			err = fmt.Errorf("its %s would have %d bytes, and the UPDATE has %d left", what, n, len(body)-2)
			return nil
		}
		part := body[2 : 2+n]
		body = body[2+n:]
		return part
	}
	withdrawn = cut("withdrawn routes")
	attrs = cut("attributes")
	return withdrawn, attrs, body, err
}

// checkUpdate accepts an UPDATE of which all parts can be found. What is in an
// attribute may be wrong: then it is shown as hexadecimal text.
func checkUpdate(body []byte, addPath bool) error {
	withdrawn, attrs, reach, err := updateParts(body)
	if err != nil {
		return err
	}
	for _, prefixes := range [][]byte{withdrawn, reach} {
		if err := eachPrefix(prefixes, 1, addPath, func(uint32, netip.Prefix) {}); err != nil {
			return err
		}
	}
	return eachAttr(attrs, func(_, _ []byte) {})
}

// eachAttr calls f for each attribute: whole, and its value.
func eachAttr(attrs []byte, f func(whole, value []byte)) error {
	for len(attrs) > 0 {
		head := 3
		if len(attrs) > 0 && attrs[0]&uint8(bgp.BGP_ATTR_FLAG_EXTENDED_LENGTH) != 0 {
			head = 4
		}
		if len(attrs) < head {
			return errors.New("an attribute ends within its header")
		}
		n := int(attrs[2])
		if head == 4 {
			n = int(binary.BigEndian.Uint16(attrs[2:]))
		}
		if n > len(attrs)-head {
			return fmt.Errorf("attribute %d would have %d bytes, and %d are left", attrs[1], n, len(attrs)-head)
		}
		f(attrs[:head+n], attrs[head:head+n])
		attrs = attrs[head+n:]
	}
	return nil
}

// eachPrefix calls f for each prefix of a plain family.
func eachPrefix(b []byte, afi uint16, addPath bool, f func(id uint32, p netip.Prefix)) error {
	longest := 32
	if afi == 2 {
		longest = 128
	}
	for len(b) > 0 {
		var id uint32
		if addPath {
			if len(b) < 5 {
				return errors.New("a prefix ends within its path identifier")
			}
			id, b = binary.BigEndian.Uint32(b), b[4:]
		}
		bits := int(b[0])
		size := (bits + 7) / 8
		if bits > longest || len(b) < 1+size {
			return fmt.Errorf("a prefix is none: it would have %d bits, and %d bytes are left", bits, len(b)-1)
		}
		var addr [16]byte
		copy(addr[:], b[1:1+size])
		a := netip.AddrFrom16(addr)
		if afi == 1 {
			a = netip.AddrFrom4([4]byte(addr[:4]))
		}
		f(id, netip.PrefixFrom(a, bits).Masked())
		b = b[1+size:]
	}
	return nil
}

// appendUpdate appends an UPDATE that was checked, as JSON.
func appendUpdate(dst, body []byte, as2, addPath bool) []byte {
	withdrawn, attrs, reach, err := updateParts(body)
	if err != nil {
		return append(dst, "{}"...)
	}
	dst = append(dst, '{')
	comma := func() {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
	}
	for _, part := range []struct {
		key      string
		prefixes []byte
	}{{`"reach":`, reach}, {`"unreach":`, withdrawn}} {
		if len(part.prefixes) > 0 {
			comma()
			dst = appendPrefixes(append(dst, part.key...), part.prefixes, 1, addPath)
		}
	}
	if len(attrs) > 0 {
		comma()
		dst = append(dst, `"attrs":{`...)
		_ = eachAttr(attrs, func(whole, value []byte) {
			comma()
			dst = append(append(append(dst, '"'), attribute.Name(whole[1])...), `":{"flags":"`...)
			dst = append(attribute.AppendFlags(dst, whole[0]), `","value":`...)
			dst = append(appendAttr(dst, whole, value, as2, addPath), '}')
		})
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendPrefixes appends a list of prefixes of a plain family. Those with a
// path identifier are spelled "#5#192.0.2.0/24".
func appendPrefixes(dst, b []byte, afi uint16, addPath bool) []byte {
	dst = append(dst, '[')
	_ = eachPrefix(b, afi, addPath, func(id uint32, p netip.Prefix) {
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		if addPath {
			dst = append(strconv.AppendUint(append(dst, '#'), uint64(id), 10), '#')
		}
		dst = append(p.AppendTo(dst), '"')
	})
	return append(dst, ']')
}

// appendAttr appends the value of an attribute: as JSON where it is known and
// right, else as hexadecimal text.
func appendAttr(dst, whole, value []byte, as2, addPath bool) []byte {
	raw := func() []byte {
		if len(value) == 0 {
			return append(dst, "true"...)
		}
		return appendHex(dst, value)
	}
	if t := whole[1]; t == uint8(bgp.BGP_ATTR_TYPE_MP_REACH_NLRI) || t == uint8(bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI) {
		if b, ok := appendMP(dst, value, t == uint8(bgp.BGP_ATTR_TYPE_MP_REACH_NLRI), addPath); ok {
			return b
		}
		return raw()
	}
	if whole[1] == uint8(bgp.BGP_ATTR_TYPE_EXTENDED_COMMUNITIES) {
		if b, ok := extended.AppendJSON(dst, value); ok {
			return b
		}
		return raw()
	}
	attr, err := bgp.GetPathAttribute(whole)
	if err != nil || attr.DecodeFromBytes(whole, &bgp.MarshallingOption{Use2ByteAS: as2}) != nil {
		return raw()
	}
	number := func(n uint32) []byte { return strconv.AppendUint(dst, uint64(n), 10) }
	switch a := attr.(type) {
	case *bgp.PathAttributeOrigin:
		if int(a.Value) < len(origins) {
			return append(append(append(dst, '"'), origins[a.Value]...), '"')
		}
		return number(uint32(a.Value))
	case *bgp.PathAttributeAsPath:
		if b, ok := appendPath(dst, a.Value); ok {
			return b
		}
	case *bgp.PathAttributeAs4Path:
		params := make([]bgp.AsPathParamInterface, len(a.Value))
		for i, p := range a.Value {
			params[i] = p
		}
		if b, ok := appendPath(dst, params); ok {
			return b
		}
	case *bgp.PathAttributeNextHop:
		return appendAddr(dst, a.Value)
	case *bgp.PathAttributeMultiExitDisc:
		return number(a.Value)
	case *bgp.PathAttributeLocalPref:
		return number(a.Value)
	case *bgp.PathAttributeAggregator:
		return appendAggregator(dst, a.Value)
	case *bgp.PathAttributeAs4Aggregator:
		return appendAggregator(dst, a.Value)
	case *bgp.PathAttributeCommunities:
		return appendList(dst, a.Value, func(dst []byte, c uint32) []byte {
			dst = strconv.AppendUint(append(dst, '"'), uint64(c>>16), 10)
			return append(strconv.AppendUint(append(dst, ':'), uint64(c&0xffff), 10), '"')
		})
	case *bgp.PathAttributeOriginatorId:
		return appendAddr(dst, a.Value)
	case *bgp.PathAttributeClusterList:
		return appendList(dst, a.Value, appendAddr)
	case *bgp.PathAttributeLargeCommunities:
		return appendList(dst, a.Values, func(dst []byte, c *bgp.LargeCommunity) []byte {
			return fmt.Appendf(dst, `"%d:%d:%d"`, c.ASN, c.LocalData1, c.LocalData2)
		})
	case *bgp.PathAttributeUnknown:
		if whole[1] == attribute.OTC && len(value) == 4 {
			return number(binary.BigEndian.Uint32(value))
		}
	}
	return raw()
}

var origins = [...]string{"IGP", "EGP", "INCOMPLETE"}

func appendAddr(dst []byte, a netip.Addr) []byte {
	return append(a.AppendTo(append(dst, '"')), '"')
}

func appendAggregator(dst []byte, a bgp.PathAttributeAggregatorParam) []byte {
	dst = strconv.AppendUint(append(dst, `{"asn":`...), uint64(a.AS), 10)
	return append(appendAddr(append(dst, `,"addr":`...), a.Address), '}')
}

func appendList[T any](dst []byte, list []T, one func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, x := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, x)
	}
	return append(dst, ']')
}

// appendPath appends an AS path: sets are lists in it. It is false for the
// segments of confederations, which JSON cannot tell from others.
func appendPath(dst []byte, segments []bgp.AsPathParamInterface) ([]byte, bool) {
	as := func(dst []byte, n uint32) []byte { return strconv.AppendUint(dst, uint64(n), 10) }
	dst = append(dst, '[')
	for _, s := range segments {
		if len(s.GetAS()) == 0 {
			return dst, false
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		switch s.GetType() {
		case bgp.BGP_ASPATH_ATTR_TYPE_SET:
			dst = appendList(dst, s.GetAS(), as)
		case bgp.BGP_ASPATH_ATTR_TYPE_SEQ:
			list := appendList(nil, s.GetAS(), as)
			dst = append(dst, list[1:len(list)-1]...)
		default:
			return dst, false
		}
	}
	return append(dst, ']'), true
}

// appendMP appends an attribute of another family than unicast IPv4.
func appendMP(dst, b []byte, reach, addPath bool) ([]byte, bool) {
	if len(b) < 3 {
		return dst, false
	}
	afi, safi := binary.BigEndian.Uint16(b), b[2]
	b = b[3:]
	var hop []byte
	if reach {
		if len(b) < 2 || len(b) < 2+int(b[0]) {
			return dst, false
		}
		hop, b = b[1:1+b[0]], b[2+b[0]:]
	}
	dst = append(append(append(dst, `{"af":"`...), family.Name(afi, safi)...), `",`...)
	if whole, ok := appendRoutes(appendHop(dst, hop), b, afi, safi, addPath); ok && (!reach || isHop(hop, afi, safi)) {
		return append(whole, '}'), true
	}
	if len(hop) > 0 {
		dst = append(appendHex(append(dst, `"nh":`...), hop), ',')
	}
	return append(appendHex(append(dst, `"data":`...), b), '}'), true
}

// isHop reports whether a next hop is one that JSON has as addresses.
func isHop(hop []byte, afi uint16, safi uint8) bool {
	return len(hop) == 4 && afi == 1 || len(hop) == 16 || len(hop) == 32 || len(hop) == 0 && family.IsRules(afi, safi)
}

func appendHop(dst, hop []byte) []byte {
	if first, ok := netip.AddrFromSlice(hop[:min(len(hop), 16)]); ok {
		dst = append(appendAddr(append(dst, `"nexthop":`...), first), ',')
	}
	if len(hop) == 32 {
		second, _ := netip.AddrFromSlice(hop[16:])
		dst = append(appendAddr(append(dst, `"link-local":`...), second), ',')
	}
	return dst
}

// appendRoutes appends the routes of a family that JSON has a spelling for.
func appendRoutes(dst, b []byte, afi uint16, safi uint8, addPath bool) ([]byte, bool) {
	switch {
	case family.IsPrefixes(afi, safi) && eachPrefix(b, afi, addPath, func(uint32, netip.Prefix) {}) == nil:
		return appendPrefixes(append(dst, `"prefixes":`...), b, afi, addPath), true
	case family.IsRules(afi, safi) && !addPath:
		return flowspec.AppendJSON(append(dst, `"rules":`...), b, afi == 2)
	}
	return dst, false
}
