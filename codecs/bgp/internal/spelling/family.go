package spelling

import (
	"encoding/binary"
	"net/netip"

	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/codecs/bgp/internal/flowspec"
)

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
		dst = append(AppendHex(append(dst, `"nh":`...), hop), ',')
	}
	return append(AppendHex(append(dst, `"data":`...), b), '}'), true
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
