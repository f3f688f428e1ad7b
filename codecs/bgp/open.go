package bgp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/flowrun/flowrun/codecs/bgp/internal/capability"
	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/runtime/flow"
)

const asTrans = 23456 // stands for an AS number that needs four bytes

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
		params = append([]byte{capability.ParamCaps, uint8(min(len(caps), math.MaxUint8))}, caps...)
	}
	if asn > math.MaxUint16 {
		asn = asTrans
	}
	dst = binary.BigEndian.AppendUint16(append(dst, uint8(version)), uint16(asn))
	dst = append(binary.BigEndian.AppendUint16(dst, uint16(hold)), id...)
	if extended := len(params) > math.MaxUint8-1 && len(caps) > 0; extended && len(caps) < math.MaxUint16-3 {
		dst = binary.BigEndian.AppendUint16(append(dst, capability.ParamExtend, capability.ParamExtend), uint16(len(caps)+3))
		return append(binary.BigEndian.AppendUint16(append(dst, capability.ParamCaps), uint16(len(caps))), caps...), nil
	}
	return append(append(dst, uint8(min(len(params), math.MaxUint8))), params...), nil
}

func capsBytes(n node) ([]byte, error) {
	if n.kind() != flow.Map {
		return nil, fmt.Errorf("it is of type %v, not an object", n.kind())
	}
	var b []byte
	for p := n.parts(); p.next(); {
		code, err := capability.Code(p.key)
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

func writeCap(dst []byte, code uint8, n node) ([]byte, error) {
	at := len(dst)
	dst = append(dst, code, 0)
	var err error
	switch v := n.scalar(); {
	case v.Kind() == flow.Bool && v.Bool(): // there is nothing in it
	case strings.HasPrefix(v.Text(), "0x"):
		dst, err = writeHex(dst, n)
	case code == capability.MP:
		var afi uint16
		var safi uint8
		afi, safi, err = family.Parse(v.Text())
		dst = append(binary.BigEndian.AppendUint16(dst, afi), 0, safi)
	case code == capability.AS4:
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
