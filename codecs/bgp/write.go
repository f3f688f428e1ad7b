package bgp

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/runtime/flow"
)

// bodyOf makes a body of what JSON has for it.
func bodyOf(typ uint8, v flow.Value, addPath bool) ([]byte, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case v.Kind() == flow.Text:
		return unhex(v)
	case v.Kind() != flow.Map:
		return nil, fmt.Errorf("its data are of type %v", v.Kind())
	case typ == bgp.BGP_MSG_OPEN:
		return openBody(v.Object())
	case typ == bgp.BGP_MSG_UPDATE:
		return updateBody(v.Object(), addPath)
	}
	return nil, fmt.Errorf("its data are an object, and those of %s are hexadecimal text", typeName(typ))
}

func unhex(v flow.Value) ([]byte, error) {
	digits, ok := strings.CutPrefix(v.Text(), "0x")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return nil, fmt.Errorf("%.20q is no hexadecimal text: it begins with 0x", v.Text())
	}
	return b, nil
}

// hasPathIDs reports whether prefixes have path identifiers: it looks at the
// first of each list.
func hasPathIDs(data flow.Value) bool {
	first := func(o *flow.Object, key string) bool {
		list, _ := o.Get(key)
		return len(list.List()) > 0 && strings.HasPrefix(list.List()[0].Text(), "#")
	}
	o := data.Object()
	if first(o, "reach") || first(o, "unreach") {
		return true
	}
	attrs, _ := o.Get("attrs")
	for _, key := range []string{"MP_REACH", "MP_UNREACH"} {
		attr, _ := attrs.Object().Get(key)
		value, _ := attr.Object().Get("value")
		if first(value.Object(), "prefixes") {
			return true
		}
	}
	return false
}

func updateBody(o *flow.Object, addPath bool) ([]byte, error) {
	var withdrawn, attrs, reach []byte
	for _, f := range o.Fields() {
		var err error
		switch f.Key {
		case "reach":
			reach, err = prefixesOf(f.Value, 1, 1, addPath)
		case "unreach":
			withdrawn, err = prefixesOf(f.Value, 1, 1, addPath)
		case "attrs":
			attrs, err = attrsOf(f.Value, addPath)
		default:
			err = errors.New("it is no part of an UPDATE")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
	}
	if len(withdrawn) > math.MaxUint16 || len(attrs) > math.MaxUint16 {
		return nil, errors.New("it is longer than a message can be")
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(len(withdrawn)))
	b = append(b, withdrawn...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(attrs)))
	return append(append(b, attrs...), reach...), nil
}

// prefixesOf writes a list of prefixes of a plain family.
func prefixesOf(v flow.Value, afi uint16, safi uint8, addPath bool) ([]byte, error) {
	if v.Kind() != flow.List {
		return nil, fmt.Errorf("it is of type %v, not a list of prefixes", v.Kind())
	}
	var b []byte
	for _, x := range v.List() {
		s := x.Text()
		var id uint64
		if rest, ok := strings.CutPrefix(s, "#"); ok {
			spelled, prefix, _ := strings.Cut(rest, "#")
			var err error
			if id, err = strconv.ParseUint(spelled, 10, 32); err != nil {
				return nil, fmt.Errorf("%.40q has a path identifier that is none", s)
			}
			s = prefix
		}
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4() != (afi == 1) {
			return nil, fmt.Errorf("%.50q is no prefix of %s", s, familyName(afi, safi))
		}
		n, err := bgp.NewIPAddrPrefix(p)
		if err != nil {
			return nil, err
		}
		if addPath {
			b = binary.BigEndian.AppendUint32(b, uint32(id))
		}
		one, err := n.Serialize()
		if err != nil {
			return nil, err
		}
		b = append(b, one...)
	}
	return b, nil
}

func attrsOf(v flow.Value, addPath bool) ([]byte, error) {
	if v.Kind() != flow.Map {
		return nil, fmt.Errorf("it is of type %v, not an object", v.Kind())
	}
	var b []byte
	for _, f := range v.Object().Fields() {
		one, err := attrOf(f.Key, f.Value, addPath)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
		b = append(b, one...)
	}
	return b, nil
}

func attrCode(name string) (uint8, error) {
	for code, n := range attrNames {
		if n == name {
			return code, nil
		}
	}
	if digits, ok := strings.CutPrefix(name, "ATTR_"); ok {
		if n, err := strconv.ParseUint(digits, 10, 8); err == nil {
			return uint8(n), nil
		}
	}
	return 0, errors.New("it is no name of an attribute: one without a name is ATTR_ and its number")
}

func attrOf(name string, v flow.Value, addPath bool) ([]byte, error) {
	code, err := attrCode(name)
	if err != nil {
		return nil, err
	}
	value, there := v.Object().Get("value")
	if !there {
		return nil, errors.New("it is no object with flags and a value")
	}
	flags := defaultFlags(code)
	if f, there := v.Object().Get("flags"); there && !f.IsNull() {
		if flags, err = flagsOf(f.Text()); err != nil {
			return nil, err
		}
	}
	var b []byte
	switch {
	case value.Kind() == flow.Bool && value.Bool(): // there is nothing in it
	case strings.HasPrefix(value.Text(), "0x"):
		b, err = unhex(value)
	default:
		b, err = attrValue(code, value, addPath)
	}
	if err != nil {
		return nil, err
	}
	extended := uint8(bgp.BGP_ATTR_FLAG_EXTENDED_LENGTH)
	switch {
	case len(b) > math.MaxUint16:
		return nil, errors.New("it is longer than a message can be")
	case len(b) > math.MaxUint8 || flags&extended != 0:
		head := binary.BigEndian.AppendUint16([]byte{flags | extended, code}, uint16(len(b)))
		return append(head, b...), nil
	}
	return append([]byte{flags, code, uint8(len(b))}, b...), nil
}

func defaultFlags(code uint8) uint8 {
	const optional, transitive = 0x80, 0x40
	switch code {
	case 1, 2, 3, 5, 6:
		return transitive
	case 7, 8, 16, 32, attrOTC:
		return optional | transitive
	}
	return optional
}

func flagsOf(s string) (flags uint8, err error) {
	for i := range len(s) {
		at := strings.IndexByte("OTPX", s[i])
		if at < 0 {
			low, err := strconv.ParseUint(s[i:], 10, 4)
			if err != nil {
				return 0, fmt.Errorf("its flags %.10q are none", s)
			}
			return flags | uint8(low), nil
		}
		flags |= 0x80 >> at
	}
	return flags, nil
}

func attrValue(code uint8, v flow.Value, addPath bool) ([]byte, error) {
	switch bgp.BGPAttrType(code) {
	case bgp.BGP_ATTR_TYPE_ORIGIN:
		if i := slices.Index(origins[:], v.Text()); i >= 0 {
			return []byte{uint8(i)}, nil
		}
		n, err := numberOf(v, 8)
		return []byte{uint8(n)}, err
	case bgp.BGP_ATTR_TYPE_AS_PATH, bgp.BGP_ATTR_TYPE_AS4_PATH:
		return pathOf(v)
	case bgp.BGP_ATTR_TYPE_NEXT_HOP, bgp.BGP_ATTR_TYPE_ORIGINATOR_ID:
		return addrOf(v, true)
	case bgp.BGP_ATTR_TYPE_MULTI_EXIT_DISC, bgp.BGP_ATTR_TYPE_LOCAL_PREF, attrOTC:
		n, err := numberOf(v, 32)
		return binary.BigEndian.AppendUint32(nil, uint32(n)), err
	case bgp.BGP_ATTR_TYPE_AGGREGATOR, bgp.BGP_ATTR_TYPE_AS4_AGGREGATOR:
		asn, _ := v.Object().Get("asn")
		addr, _ := v.Object().Get("addr")
		n, err := numberOf(asn, 32)
		if err != nil {
			return nil, err
		}
		b, err := addrOf(addr, true)
		return append(binary.BigEndian.AppendUint32(nil, uint32(n)), b...), err
	case bgp.BGP_ATTR_TYPE_COMMUNITIES:
		return eachOf(v, func(x flow.Value) ([]byte, error) { return numbersOf(x, 16, 2) })
	case bgp.BGP_ATTR_TYPE_LARGE_COMMUNITY:
		return eachOf(v, func(x flow.Value) ([]byte, error) { return numbersOf(x, 32, 3) })
	case bgp.BGP_ATTR_TYPE_CLUSTER_LIST:
		return eachOf(v, func(x flow.Value) ([]byte, error) { return addrOf(x, true) })
	case bgp.BGP_ATTR_TYPE_MP_REACH_NLRI, bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI:
		return mpOf(code, v, addPath)
	}
	return nil, errors.New("its value must be hexadecimal text, 0x…")
}

func numberOf(v flow.Value, bits int) (uint64, error) {
	if v.Kind() != flow.Int || v.Int() < 0 || v.Int() >= 1<<bits {
		return 0, fmt.Errorf("its value is no number of %d bits", bits)
	}
	return uint64(v.Int()), nil
}

func addrOf(v flow.Value, only4 bool) ([]byte, error) {
	a, err := netip.ParseAddr(v.Text())
	if err != nil || a.Zone() != "" || only4 && !a.Is4() {
		return nil, fmt.Errorf("%.50q is no address of the right kind", v.Text())
	}
	return a.AsSlice(), nil
}

func eachOf(v flow.Value, one func(flow.Value) ([]byte, error)) ([]byte, error) {
	if v.Kind() != flow.List {
		return nil, fmt.Errorf("its value is of type %v, not a list", v.Kind())
	}
	var b []byte
	for _, x := range v.List() {
		part, err := one(x)
		if err != nil {
			return nil, err
		}
		b = append(b, part...)
	}
	return b, nil
}

// numbersOf writes so many numbers with colons between them.
func numbersOf(v flow.Value, bits, count int) ([]byte, error) {
	parts := strings.Split(v.Text(), ":")
	if len(parts) != count {
		return nil, fmt.Errorf("%.50q is not %d numbers with colons between them", v.Text(), count)
	}
	var b []byte
	for _, part := range parts {
		n, err := strconv.ParseUint(part, 10, bits)
		if err != nil {
			return nil, fmt.Errorf("%.50q has what is no number of %d bits", v.Text(), bits)
		}
		if bits == 16 {
			b = binary.BigEndian.AppendUint16(b, uint16(n))
		} else {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
	}
	return b, nil
}

// pathOf writes an AS path. A segment has 255 numbers at most.
func pathOf(v flow.Value) ([]byte, error) {
	if v.Kind() != flow.List {
		return nil, fmt.Errorf("its value is of type %v, not a list", v.Kind())
	}
	var b []byte
	flush := func(kind uint8, as []uint32) error {
		for part := range slices.Chunk(as, math.MaxUint8) {
			one, err := bgp.NewAs4PathParam(kind, part).Serialize()
			if err != nil {
				return err
			}
			b = append(b, one...)
		}
		return nil
	}
	var sequence []uint32
	for _, x := range v.List() {
		if x.Kind() != flow.List {
			n, err := numberOf(x, 32)
			if err != nil {
				return nil, err
			}
			sequence = append(sequence, uint32(n))
			continue
		}
		var set []uint32
		for _, y := range x.List() {
			n, err := numberOf(y, 32)
			if err != nil {
				return nil, err
			}
			set = append(set, uint32(n))
		}
		if err := errors.Join(flush(bgp.BGP_ASPATH_ATTR_TYPE_SEQ, sequence), flush(bgp.BGP_ASPATH_ATTR_TYPE_SET, set)); err != nil {
			return nil, err
		}
		sequence = nil
	}
	err := flush(bgp.BGP_ASPATH_ATTR_TYPE_SEQ, sequence)
	return b, err
}

func familyOf(s string) (afi uint16, safi uint8, err error) {
	a, b, _ := strings.Cut(s, "/")
	for n, name := range afiNames {
		if name == a {
			afi = n
		}
	}
	for n, name := range safiNames {
		if name == b {
			safi = n
		}
	}
	if n, err := strconv.ParseUint(a, 10, 16); err == nil {
		afi = uint16(n)
	}
	if n, err := strconv.ParseUint(b, 10, 8); err == nil {
		safi = uint8(n)
	}
	if afi == 0 || safi == 0 {
		return 0, 0, fmt.Errorf("%.40q is no family, like IPV6/UNICAST", s)
	}
	return afi, safi, nil
}

func mpOf(code uint8, v flow.Value, addPath bool) ([]byte, error) {
	o := v.Object()
	get := func(key string) flow.Value { x, _ := o.Get(key); return x }
	afi, safi, err := familyOf(get("af").Text())
	if err != nil {
		return nil, err
	}
	b := append(binary.BigEndian.AppendUint16(nil, afi), safi)
	var hop, data []byte
	switch nexthop, local := get("nexthop"), get("link-local"); {
	case !get("nh").IsNull():
		hop, err = unhex(get("nh"))
	case !nexthop.IsNull():
		if hop, err = addrOf(nexthop, false); err == nil && !local.IsNull() {
			var second []byte
			second, err = addrOf(local, false)
			hop = append(hop, second...)
		}
	}
	if err == nil {
		switch prefixes := get("prefixes"); {
		case !get("data").IsNull():
			data, err = unhex(get("data"))
		case !plain(afi, safi):
			err = fmt.Errorf("prefixes of %s are given as hexadecimal text: data", familyName(afi, safi))
		case !prefixes.IsNull():
			data, err = prefixesOf(prefixes, afi, safi, addPath)
		}
	}
	if err != nil || len(hop) > math.MaxUint8 {
		return nil, errors.Join(err, errors.New("its next hop or prefixes cannot be written"))
	}
	if code == uint8(bgp.BGP_ATTR_TYPE_MP_REACH_NLRI) {
		b = append(append(append(b, uint8(len(hop))), hop...), 0)
	}
	return append(b, data...), nil
}
