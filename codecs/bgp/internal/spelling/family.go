package spelling

import (
	"encoding/binary"
	"net/netip"

	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/codecs/bgp/internal/flowspec"
)

// appendMP appends an attribute of another family than unicast IPv4.
func appendMP(dst, b []byte, reach bool, paths family.Set) ([]byte, bool) {
	afi, safi, hop, b, ok := cutMP(b, reach)
	if !ok || afi == 0 || safi == 0 { // no family has that number
		return dst, false
	}
	dst = append(append(append(dst, `{"af":"`...), family.Name(afi, safi)...), `",`...)
	if whole, ok := appendRoutes(appendHop(dst, hop), b, afi, safi, paths.Has(afi, safi)); ok && (!reach || isHop(hop, afi, safi)) {
		return append(whole, '}'), true
	}
	if len(hop) > 0 {
		dst = append(AppendHex(append(dst, `"nh":`...), hop), ',')
	}
	return append(AppendHex(append(dst, `"data":`...), b), '}'), true
}

// cutMP cuts such an attribute into its parts.
func cutMP(b []byte, reach bool) (afi uint16, safi uint8, hop, routes []byte, ok bool) {
	if len(b) < 3 {
		return 0, 0, nil, nil, false
	}
	afi, safi, b = binary.BigEndian.Uint16(b), b[2], b[3:]
	if reach {
		if len(b) < 2 || len(b) < 2+int(b[0]) {
			return 0, 0, nil, nil, false
		}
		hop, b = b[1:1+b[0]], b[2+b[0]:]
	}
	return afi, safi, hop, b, true
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

// appendRoutes appends the routes of a family that JSON has a spelling for: bgpipe's has none
// for multicast, and bgpipe would pass over prefixes of it.
func appendRoutes(dst, b []byte, afi uint16, safi uint8, addPath bool) ([]byte, bool) {
	switch {
	case safi == 1 && family.IsPrefixes(afi, safi) && grade(b, afi, addPath) > wrong:
		return appendPrefixes(append(dst, `"prefixes":`...), b, afi, addPath), true
	case family.IsRules(afi, safi) && !addPath:
		return flowspec.AppendJSON(append(dst, `"rules":`...), b, afi == 2)
	}
	return dst, false
}
