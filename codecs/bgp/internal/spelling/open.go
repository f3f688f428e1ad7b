package spelling

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/flowrun/flowrun/codecs/bgp/internal/capability"
	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
)

// AppendOpen appends an OPEN as JSON.
func AppendOpen(dst, body []byte) []byte {
	if len(body) < capability.OpenHead {
		return append(AppendHex(append(dst, `{"params":`...), body), '}')
	}
	dst = strconv.AppendUint(append(dst, `{"bgp":`...), uint64(body[0]), 10)
	dst = strconv.AppendUint(append(dst, `,"asn":`...), uint64(binary.BigEndian.Uint16(body[1:])), 10)
	dst = appendAddr(append(dst, `,"id":`...), netip.AddrFrom4([4]byte(body[5:9])))
	dst = strconv.AppendUint(append(dst, `,"hold":`...), uint64(binary.BigEndian.Uint16(body[3:])), 10)
	if caps, ok := capability.Of(body); ok {
		return append(appendCaps(append(dst, `,"caps":`...), caps), '}')
	}
	return append(AppendHex(append(dst, `,"params":`...), body[capability.OpenHead:]), '}')
}

// appendCaps appends capabilities as an object. Those that are there several
// times are a list: that of families, and of hexadecimal texts for others.
func appendCaps(dst []byte, caps []capability.Offered) []byte {
	dst = append(dst, '{')
	done := [256]bool{}
	for _, c := range caps {
		if done[c.Code] {
			continue
		}
		done[c.Code] = true
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), capability.Name(c.Code)...), `":`...)
		var same [][]byte
		for _, other := range caps {
			if other.Code == c.Code {
				same = append(same, other.Value)
			}
		}
		dst = appendCap(dst, c.Code, same)
	}
	return append(dst, '}')
}

func appendCap(dst []byte, code uint8, values [][]byte) []byte {
	if len(values) == 1 {
		if b, ok := capability.AppendJSON(dst, code, values[0]); ok {
			return b
		}
	}
	families := code == capability.MP
	for _, v := range values {
		families = families && len(v) == 4 && v[2] == 0
	}
	switch {
	case families:
		return appendList(dst, values, func(dst, v []byte) []byte {
			return append(append(append(dst, '"'), family.Name(binary.BigEndian.Uint16(v), v[3])...), '"')
		})
	case code == capability.AS4 && len(values) == 1 && len(values[0]) == 4:
		return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint32(values[0])), 10)
	case len(values) > 1:
		return appendList(dst, values, AppendHex)
	case len(values[0]) == 0:
		return append(dst, "true"...)
	}
	return AppendHex(dst, values[0])
}
