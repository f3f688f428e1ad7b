// Package spelling spells the bodies of OPEN and UPDATE messages as bgpipe's JSON has them.
//
// Attributes are read by GoBGP's packet package. What it does not know, or
// refuses, stays hexadecimal text, so that nothing is lost.
package spelling

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/attribute"
)

// parts are the three parts of an UPDATE.
func parts(body []byte) (withdrawn, attrs, reach []byte, err error) {
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

// AppendUpdate appends an UPDATE that Find accepted, as JSON.
func AppendUpdate(dst, body []byte, l Layout) []byte {
	withdrawn, attrs, reach, err := parts(body)
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
			dst = appendPrefixes(append(dst, part.key...), part.prefixes, 1, l.Paths.Has(1, 1))
		}
	}
	if len(attrs) > 0 {
		comma()
		dst = append(dst, `"attrs":{`...)
		var seen [256]bool
		_ = eachAttr(attrs, func(whole, value []byte) {
			if seen[whole[1]] { // RFC 7606: the first one counts
				return
			}
			seen[whole[1]] = true
			comma()
			dst = append(append(append(dst, '"'), attribute.Name(whole[1])...), `":{"flags":"`...)
			dst = append(attribute.AppendFlags(dst, whole[0]), `","value":`...)
			dst = append(appendAttr(dst, whole, value, l), '}')
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
