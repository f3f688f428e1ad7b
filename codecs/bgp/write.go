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

	"github.com/flowrun/flowrun/codecs/bgp/internal/attribute"
	"github.com/flowrun/flowrun/codecs/bgp/internal/extended"
	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/codecs/bgp/internal/flowspec"
	"github.com/flowrun/flowrun/codecs/bgp/internal/spelling"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// What makes bytes of what JSON has appends them: all of these functions return
// dst with the bytes, or an error and nothing that is of use.

// writeBody writes a body.
func writeBody(dst []byte, typ uint8, v flow.Value, ids *pathIDs) ([]byte, error) {
	switch n := nodeOf(v); {
	case n.kind() == flow.Null:
		return dst, nil
	case n.kind() == flow.Text:
		return writeHex(dst, n)
	case n.kind() != flow.Map:
		return dst, fmt.Errorf("its data are of type %v", n.kind())
	case typ == bgp.BGP_MSG_OPEN:
		return writeOpen(dst, n)
	case typ == bgp.BGP_MSG_UPDATE:
		return writeUpdate(dst, n, ids)
	}
	return dst, fmt.Errorf("its data are an object, and those of %s are hexadecimal text", typeName(typ))
}

func writeHex(dst []byte, n node) ([]byte, error) {
	digits, ok := strings.CutPrefix(n.text(), "0x")
	b, err := hex.AppendDecode(dst, []byte(digits))
	if !ok || err != nil {
		return dst, fmt.Errorf("%.20q is no hexadecimal text: it begins with 0x", n.text())
	}
	return b, nil
}

// pathIDs says which prefixes are written with path identifiers, and then which have been.
type pathIDs struct {
	all, none     bool // else as they are spelled
	with, without family.Set
}

// fit reports whether prefixes that are laid out so are as they would be written.
func (ids *pathIDs) fit(l spelling.Layout) bool {
	return !(ids.all && l.Plain != 0 || ids.none && l.Paths != 0)
}

var errTooLong = errors.New("it is longer than a message can be")

func writeUpdate(dst []byte, n node, ids *pathIDs) ([]byte, error) {
	var reach, unreach, attrs node
	for p := n.parts(); p.next(); {
		switch p.key {
		case "reach":
			reach = p.node
		case "unreach":
			unreach = p.node
		case "attrs":
			attrs = p.node
		default:
			return dst, fmt.Errorf("%s: it is no part of an UPDATE", p.key)
		}
	}
	at := len(dst)
	dst, err := writePrefixes(append(dst, 0, 0), unreach, 1, 1, ids)
	if err == nil {
		err = putLength(dst, at)
	}
	if err != nil {
		return dst, fmt.Errorf("unreach: %w", err)
	}
	at = len(dst)
	if dst, err = writeAttrs(append(dst, 0, 0), attrs, ids); err == nil {
		err = putLength(dst, at)
	}
	if err != nil {
		return dst, fmt.Errorf("attrs: %w", err)
	}
	if dst, err = writePrefixes(dst, reach, 1, 1, ids); err != nil {
		return dst, fmt.Errorf("reach: %w", err)
	}
	if ids.with&ids.without != 0 {
		return dst, errors.New("of a family, either all prefixes have a path identifier or none")
	}
	return dst, nil
}

// note keeps in mind how prefixes of a family are written.
func (ids *pathIDs) note(afi uint16, safi uint8, with bool) {
	if with {
		ids.with |= family.SetOf(afi, safi)
	} else {
		ids.without |= family.SetOf(afi, safi)
	}
}

// putLength writes at so many bytes how many follow.
func putLength(dst []byte, at int) error {
	n := len(dst) - at - 2
	if n > math.MaxUint16 {
		return errTooLong
	}
	binary.BigEndian.PutUint16(dst[at:], uint16(n))
	return nil
}

// writePrefixes writes a list of prefixes of a plain family.
func writePrefixes(dst []byte, n node, afi uint16, safi uint8, ids *pathIDs) ([]byte, error) {
	if kind := n.kind(); kind != flow.List && kind != flow.Null {
		return dst, fmt.Errorf("it is of type %v, not a list of prefixes", kind)
	}
	with := ids.all
	for list, first := n.parts(), true; list.next(); first = false {
		s := list.text()
		var id uint64
		rest, spelled := strings.CutPrefix(s, "#")
		if first {
			with = ids.all || spelled && !ids.none
			ids.note(afi, safi, with)
		}
		if spelled != with && !ids.all && !ids.none {
			return dst, fmt.Errorf("%.40q: of a family, either all prefixes have a path identifier or none", s)
		}
		if spelled {
			digits, prefix, _ := strings.Cut(rest, "#")
			var err error
			if id, err = strconv.ParseUint(digits, 10, 32); err != nil {
				return dst, fmt.Errorf("%.40q has a path identifier that is none", s)
			}
			s = prefix
		}
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4() != (afi == 1) {
			return dst, fmt.Errorf("%.50q is no prefix of %s", s, family.Name(afi, safi))
		}
		if with {
			dst = binary.BigEndian.AppendUint32(dst, uint32(id))
		}
		dst = append(dst, uint8(p.Bits()))
		end := len(dst) + (p.Bits()+7)/8
		dst = writeAddr(dst, p.Masked().Addr())[:end]
	}
	return dst, nil
}

func writeAddr(dst []byte, a netip.Addr) []byte {
	if a.Is4() {
		b := a.As4()
		return append(dst, b[:]...)
	}
	b := a.As16()
	return append(dst, b[:]...)
}

func writeAttrs(dst []byte, n node, ids *pathIDs) ([]byte, error) {
	if kind := n.kind(); kind != flow.Map && kind != flow.Null {
		return dst, fmt.Errorf("it is of type %v, not an object", kind)
	}
	start := len(dst)
	var seen [256]bool
	for p := n.parts(); p.next(); {
		code, err := attribute.Code(p.key)
		if err == nil && seen[code] && n.raw != nil { // of a repeated key the last one counts
			v, _ := jsontext.Form{}.Decode(n.raw)
			return writeAttrs(dst[:start], node{v: v}, ids)
		}
		if err == nil {
			seen[code] = true
			dst, err = writeAttr(dst, code, p.node, ids)
		}
		if err != nil {
			return dst, fmt.Errorf("%s: %w", p.key, err)
		}
	}
	return dst, nil
}

func writeAttr(dst []byte, code uint8, n node, ids *pathIDs) ([]byte, error) {
	var value node
	there, flags := false, attribute.DefaultFlags(code)
	for p := n.parts(); p.next(); {
		switch p.key {
		case "value":
			value, there = p.node, true
		case "flags":
			if p.kind() == flow.Null {
				continue
			}
			var err error
			if flags, err = attribute.ParseFlags(p.text()); err != nil {
				return dst, err
			}
		}
	}
	if !there || n.kind() != flow.Map {
		return dst, errors.New("it is no object with flags and a value")
	}
	at := len(dst)
	dst = append(dst, flags, code, 0)
	var err error
	switch v := value.scalar(); {
	case v.Kind() == flow.Bool && v.Bool(): // there is nothing in it
	case strings.HasPrefix(v.Text(), "0x"):
		dst, err = writeHex(dst, value)
	default:
		dst, err = writeValue(dst, code, value, ids)
	}
	if err != nil {
		return dst, err
	}
	length := len(dst) - at - 3
	if extended := uint8(bgp.BGP_ATTR_FLAG_EXTENDED_LENGTH); length > math.MaxUint8 || flags&extended != 0 {
		dst[at] |= extended
		dst = slices.Insert(dst, at+2, 0)
		return dst, putLength(dst, at+2)
	}
	dst[at+2] = uint8(length)
	return dst, nil
}

// writeValue writes the value of an attribute.
func writeValue(dst []byte, code uint8, n node, ids *pathIDs) ([]byte, error) {
	switch bgp.BGPAttrType(code) {
	case bgp.BGP_ATTR_TYPE_ORIGIN:
		if i := slices.Index(spelling.Origins[:], n.text()); i >= 0 {
			return append(dst, uint8(i)), nil
		}
		i, err := numberOf(n, 8)
		return append(dst, uint8(i)), err
	case bgp.BGP_ATTR_TYPE_AS_PATH, bgp.BGP_ATTR_TYPE_AS4_PATH:
		return writePath(dst, n)
	case bgp.BGP_ATTR_TYPE_NEXT_HOP, bgp.BGP_ATTR_TYPE_ORIGINATOR_ID:
		return writeAddrOf(dst, n, true)
	case bgp.BGP_ATTR_TYPE_MULTI_EXIT_DISC, bgp.BGP_ATTR_TYPE_LOCAL_PREF, attribute.OTC:
		return writeNumber(dst, n)
	case bgp.BGP_ATTR_TYPE_AGGREGATOR, bgp.BGP_ATTR_TYPE_AS4_AGGREGATOR:
		dst, err := writeNumber(dst, n.get("asn"))
		if err != nil {
			return dst, err
		}
		return writeAddrOf(dst, n.get("addr"), true)
	case bgp.BGP_ATTR_TYPE_COMMUNITIES:
		return writeList(dst, n, func(dst []byte, x node) ([]byte, error) { return writeNumbers(dst, x.text(), 16, 2) })
	case bgp.BGP_ATTR_TYPE_LARGE_COMMUNITY:
		return writeList(dst, n, func(dst []byte, x node) ([]byte, error) { return writeNumbers(dst, x.text(), 32, 3) })
	case bgp.BGP_ATTR_TYPE_EXTENDED_COMMUNITIES:
		return writeList(dst, n, writeExtended)
	case bgp.BGP_ATTR_TYPE_CLUSTER_LIST:
		return writeList(dst, n, func(dst []byte, x node) ([]byte, error) { return writeAddrOf(dst, x, true) })
	case bgp.BGP_ATTR_TYPE_MP_REACH_NLRI, bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI:
		return writeMP(dst, code, n, ids)
	}
	return dst, errors.New("its value must be hexadecimal text, 0x…")
}

func numberOf(n node, bits int) (uint64, error) {
	v := n.scalar()
	if v.Kind() != flow.Int || v.Int() < 0 || v.Int() >= 1<<bits {
		return 0, fmt.Errorf("its value is no number of %d bits", bits)
	}
	return uint64(v.Int()), nil
}

func writeNumber(dst []byte, n node) ([]byte, error) {
	x, err := numberOf(n, 32)
	return binary.BigEndian.AppendUint32(dst, uint32(x)), err
}

func writeAddrOf(dst []byte, n node, only4 bool) ([]byte, error) {
	a, err := netip.ParseAddr(n.text())
	if err != nil || a.Zone() != "" || only4 && !a.Is4() {
		return dst, fmt.Errorf("%.50q is no address of the right kind", n.text())
	}
	return writeAddr(dst, a), nil
}

func writeList(dst []byte, n node, one func([]byte, node) ([]byte, error)) ([]byte, error) {
	if n.kind() != flow.List {
		return dst, fmt.Errorf("its value is of type %v, not a list", n.kind())
	}
	var err error
	for list := n.parts(); list.next() && err == nil; {
		dst, err = one(dst, list.node)
	}
	return dst, err
}

// writeNumbers writes so many numbers with colons between them.
func writeNumbers(dst []byte, s string, bits, count int) ([]byte, error) {
	rest, more := s, true
	for n := 1; more; n++ {
		var one string
		one, rest, more = strings.Cut(rest, ":")
		if more != (n < count) {
			return dst, fmt.Errorf("%.50q is not %d numbers with colons between them", s, count)
		}
		x, err := strconv.ParseUint(one, 10, bits)
		if err != nil {
			return dst, fmt.Errorf("%.50q has what is no number of %d bits", s, bits)
		}
		if bits == 16 {
			dst = binary.BigEndian.AppendUint16(dst, uint16(x))
		} else {
			dst = binary.BigEndian.AppendUint32(dst, uint32(x))
		}
	}
	return dst, nil
}

// writeExtended writes one extended community.
func writeExtended(dst []byte, n node) ([]byte, error) {
	value, stays := n.get("value"), n.get("nontransitive").scalar().Bool()
	return extended.Append(dst, n.get("type").text(), spelled(value), stays, func(name string) bool { return value.get(name).scalar().Bool() })
}

// spelled is a text, or the spelling of a number.
func spelled(n node) string {
	if v := n.scalar(); v.IsNumber() {
		b, _ := jsontext.Append(nil, v, false)
		return string(b)
	}
	return n.text()
}

// writePath writes an AS path. A segment has 255 numbers at most.
func writePath(dst []byte, n node) ([]byte, error) {
	if n.kind() != flow.List {
		return dst, fmt.Errorf("its value is of type %v, not a list", n.kind())
	}
	var err error
	segment := -1 // where the sequence begins that is being written
	for list := n.parts(); list.next() && err == nil; {
		if list.kind() != flow.List {
			dst, segment, err = writeAS(dst, segment, bgp.BGP_ASPATH_ATTR_TYPE_SEQ, list.node)
			continue
		}
		segment = -1
		set := -1
		for members := list.parts(); members.next() && err == nil; {
			dst, set, err = writeAS(dst, set, bgp.BGP_ASPATH_ATTR_TYPE_SET, members.node)
		}
	}
	return dst, err
}

// writeAS writes one number into the segment that begins at so many bytes, or
// into a new one where there is none or it is full.
func writeAS(dst []byte, segment int, kind uint8, n node) ([]byte, int, error) {
	if segment < 0 || dst[segment+1] == math.MaxUint8 {
		segment = len(dst)
		dst = append(dst, kind, 0)
	}
	dst[segment+1]++
	dst, err := writeNumber(dst, n)
	return dst, segment, err
}

// writeMP writes an attribute of another family than unicast IPv4.
func writeMP(dst []byte, code uint8, n node, ids *pathIDs) ([]byte, error) {
	afi, safi, err := family.Parse(n.get("af").text())
	if err != nil {
		return dst, err
	}
	dst = append(binary.BigEndian.AppendUint16(dst, afi), safi)
	if code == uint8(bgp.BGP_ATTR_TYPE_MP_REACH_NLRI) {
		at := len(dst)
		if dst, err = writeHop(append(dst, 0), n); err != nil {
			return dst, err
		}
		hop := len(dst) - at - 1
		if hop > math.MaxUint8 {
			return dst, errors.New("its next hop is longer than 255 bytes")
		}
		dst[at] = uint8(hop)
		dst = append(dst, 0)
	}
	switch data := n.get("data"); {
	case data.kind() != flow.Null:
		return writeHex(dst, data)
	case family.IsRules(afi, safi) && !ids.all:
		return flowspec.Append(dst, n.get("rules").json(), afi == 2)
	case family.IsPrefixes(afi, safi):
		return writePrefixes(dst, n.get("prefixes"), afi, safi, ids)
	}
	return dst, fmt.Errorf("routes of %s are given as hexadecimal text: data", family.Name(afi, safi))
}

// writeHop writes the next hop, as it is spelled or as hexadecimal text.
func writeHop(dst []byte, n node) ([]byte, error) {
	if nh := n.get("nh"); nh.kind() != flow.Null {
		return writeHex(dst, nh)
	}
	hop, local := n.get("nexthop"), n.get("link-local")
	if hop.kind() == flow.Null {
		return dst, nil
	}
	dst, err := writeAddrOf(dst, hop, false)
	if err == nil && local.kind() != flow.Null {
		dst, err = writeAddrOf(dst, local, false)
	}
	return dst, err
}
