// Package flowspec spells the rules of FlowSpec (RFC 8955, and 8956 for IPv6) as
// bgpipe's JSON has them: a list of objects like
//
//	{"DST":"192.0.2.0/24","PROTO":[{"op":"==","val":6}],"TCP_FLAGS":[{"op":"ALL","len":1,"val":"0x2"}]}
//
// A rule is a set of components; a component is a prefix, or a list of terms, each of
// an operator and a value.
package flowspec

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
)

// The components, by their types.
var components = [...]string{
	1: "DST", 2: "SRC", 3: "PROTO", 4: "PORT", 5: "PORT_DST", 6: "PORT_SRC", 7: "ICMP_TYPE", 8: "ICMP_CODE", 9: "TCP_FLAGS",
	10: "PKTLEN", 11: "DSCP", 12: "FRAG", 13: "LABEL",
}

const (
	destination = 1
	source      = 2
	tcpFlags    = 9
	fragment    = 12
	label       = 13 // of IPv6 only
)

func isPrefix(component uint8) bool { return component == destination || component == source }

// The bits of an operator.
const (
	last     = 0x80
	and      = 0x40
	lenShift = 4 // two bits: the value has 1, 2, 4 or 8 bytes
)

// operators are the lowest bits of the operator of a term: of numbers, and of bits
// (TCP_FLAGS and FRAG).
type operators []string

var (
	numeric = operators{"false", "==", ">", ">=", "<", "<=", "!=", "true"}
	bitmask = operators{"ANY", "ALL", "NONE", "NOT-ALL"}
)

func operatorsOf(component uint8) operators {
	if component == tcpFlags || component == fragment {
		return bitmask
	}
	return numeric
}

// short and long are the lengths of a rule that say how it begins: with one byte
// of length, or with two, of which the first four bits are set.
const (
	short = 0xf0
	long  = 0xfff
)

// AppendJSON appends the list of the rules in b. It is false where b is none, or JSON
// would not become the same bytes again.
func AppendJSON(dst, b []byte, v6 bool) ([]byte, bool) {
	start := len(dst)
	dst = append(dst, '[')
	for rest := b; len(rest) > 0; {
		n, head := int(rest[0]), 1
		if n >= short && len(rest) > 1 {
			n, head = int(binary.BigEndian.Uint16(rest))&long, 2
		}
		if n > len(rest)-head {
			return dst[:start], false
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = appendRule(dst, rest[head:head+n], v6); !ok {
			return dst[:start], false
		}
		rest = rest[head+n:]
	}
	dst = append(dst, ']')
	back, err := Append(nil, dst[start:], v6)
	if err != nil || !bytes.Equal(back, b) {
		return dst[:start], false
	}
	return dst, true
}

func appendRule(dst, b []byte, v6 bool) ([]byte, bool) {
	for open := byte('{'); len(b) > 0; open = ',' {
		component := b[0]
		if component == 0 || int(component) >= len(components) {
			return dst, false
		}
		dst = append(append(append(dst, open, '"'), components[component]...), `":`...)
		var size int
		if isPrefix(component) {
			dst, size = appendPrefix(dst, b[1:], v6)
		} else {
			dst, size = appendTerms(dst, b[1:], operatorsOf(component))
		}
		if size == 0 {
			return dst, false
		}
		b = b[1+size:]
	}
	return append(dst, '}'), true
}

// appendPrefix appends the prefix that b begins with, and returns how many bytes it
// is; 0 for none.
func appendPrefix(dst, b []byte, v6 bool) ([]byte, int) {
	head, longest := 1, 32
	if v6 {
		head, longest = 2, 128
	}
	if len(b) < head || int(b[0]) > longest {
		return dst, 0
	}
	bits, offset := int(b[0]), 0
	if v6 {
		offset = int(b[1])
	}
	size := head + (bits-offset+7)/8
	if offset > bits || len(b) < size {
		return dst, 0
	}
	var addr [16]byte
	for i := range bits - offset {
		addr[(offset+i)/8] |= b[head+i/8] >> (7 - i%8) & 1 << (7 - (offset+i)%8)
	}
	if !v6 {
		dst = netip.PrefixFrom(netip.AddrFrom4([4]byte(addr[:4])), bits).AppendTo(append(dst, '"'))
		return append(dst, '"'), size
	}
	dst = append(netip.AddrFrom16(addr).AppendTo(append(dst, '"')), '/')
	if offset > 0 {
		dst = append(strconv.AppendInt(dst, int64(offset), 10), '-')
	}
	return append(strconv.AppendInt(dst, int64(bits), 10), '"'), size
}

// appendTerms appends the terms that b begins with, up to the one that is said to be
// the last, and returns how many bytes they are; 0 for none.
func appendTerms(dst, b []byte, ops operators) ([]byte, int) {
	for size, open := 0, byte('['); size < len(b); open = ',' {
		op := b[size]
		n := 1 << (op >> lenShift & 3)
		if size += 1 + n; size > len(b) {
			return dst, 0
		}
		var room [8]byte
		copy(room[8-n:], b[size-n:size])
		value := binary.BigEndian.Uint64(room[:])
		dst = append(dst, open, '{')
		if op&and != 0 {
			dst = append(dst, `"and":true,`...)
		}
		name := ops[int(op)&(len(ops)-1)]
		dst = append(dst, `"op":`...)
		if name == "true" || name == "false" {
			dst = append(dst, name...)
		} else {
			dst = append(append(append(dst, '"'), name...), '"')
		}
		if len(ops) == len(bitmask) || n != shortest(value) {
			dst = strconv.AppendInt(append(dst, `,"len":`...), int64(n), 10)
		}
		if len(ops) == len(bitmask) {
			dst = append(strconv.AppendUint(append(dst, `,"val":"0x`...), value, 16), `"}`...)
		} else {
			dst = append(strconv.AppendUint(append(dst, `,"val":`...), value, 10), '}')
		}
		if op&last != 0 {
			return append(dst, ']'), size
		}
	}
	return dst, 0
}

// shortest is how many bytes a value needs, of those that can be told.
func shortest(value uint64) int {
	for n := 1; n < 8; n *= 2 {
		if value>>(8*n) == 0 {
			return n
		}
	}
	return 8
}
