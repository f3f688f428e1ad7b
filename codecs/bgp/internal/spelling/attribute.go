package spelling

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/attribute"
	"github.com/flowrun/flowrun/codecs/bgp/internal/extended"
)

// appendAttr appends the value of an attribute: as JSON where it is known and
// right, else as hexadecimal text.
func appendAttr(dst, whole, value []byte, l Layout) []byte {
	raw := func() []byte {
		if len(value) == 0 {
			return append(dst, "true"...)
		}
		return AppendHex(dst, value)
	}
	if t := whole[1]; t == uint8(bgp.BGP_ATTR_TYPE_MP_REACH_NLRI) || t == uint8(bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI) {
		if b, ok := appendMP(dst, value, t == uint8(bgp.BGP_ATTR_TYPE_MP_REACH_NLRI), l.Paths); ok {
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
	if err != nil || attr.DecodeFromBytes(whole, &bgp.MarshallingOption{Use2ByteAS: l.AS2}) != nil {
		return raw()
	}
	number := func(n uint32) []byte { return strconv.AppendUint(dst, uint64(n), 10) }
	switch a := attr.(type) {
	case *bgp.PathAttributeOrigin:
		if int(a.Value) < len(Origins) {
			return append(append(append(dst, '"'), Origins[a.Value]...), '"')
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

// Origins are the names of the values of ORIGIN.
var Origins = [...]string{"IGP", "EGP", "INCOMPLETE"}

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

// AppendHex appends bytes as hexadecimal text.
func AppendHex(dst, b []byte) []byte {
	dst = append(dst, `"0x`...)
	dst = hex.AppendEncode(dst, b)
	return append(dst, '"')
}
