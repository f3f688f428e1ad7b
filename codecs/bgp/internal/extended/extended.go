// Package extended spells extended communities (RFC 4360, 5668 and 8955) as
// bgpipe's JSON has them: {"type":"TARGET","value":"64501:100"}, with
// "nontransitive":true where they stay within an AS. The value of a type that is not
// known is hexadecimal text.
package extended

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// Size is that of a community, in bytes: a type of two, a value of six.
const Size = 8

const nontransitive = 0x4000 // in a type

// The types with names.
const (
	redirectHop = 0x0800
	rateBytes   = 0x8006
	action      = 0x8007
	dscp        = 0x8009
	ratePackets = 0x800c
)

var names = map[uint16]string{
	0x0000: "AS2", 0x0002: "TARGET", 0x0003: "ORIGIN", 0x0100: "IP4", 0x0102: "IP4_TARGET", 0x0103: "IP4_ORIGIN", 0x0200: "AS4", 0x0202: "AS4_TARGET", 0x0203: "AS4_ORIGIN",
	redirectHop: "FLOW_REDIRECT_NH", rateBytes: "FLOW_RATE_BYTES", action: "FLOW_ACTION", 0x8008: "FLOW_REDIRECT_AS2", dscp: "FLOW_DSCP", ratePackets: "FLOW_RATE_PACKETS",
	0x8108: "FLOW_REDIRECT_IP4", 0x8208: "FLOW_REDIRECT_AS4",
}

var types = func() map[string]uint16 {
	m := make(map[string]uint16, len(names))
	for t, name := range names {
		m[name] = t
	}
	return m
}()

// How a value of six bytes is spelled.
type shape uint8

const (
	hexadecimal shape = iota
	as2               // two bytes, then four: "64501:100"
	as4               // four bytes, then two
	address           // "192.0.2.1:100"
	rate              // a number of 32 bits behind the number of an AS
	flags             // an object of bools
	bits6             // a small number
)

func shapeOf(t uint16) shape {
	switch t &^= nontransitive; t {
	case rateBytes, ratePackets:
		return rate
	case action, redirectHop:
		return flags
	case dscp:
		return bits6
	case 0x8008:
		return as2
	case 0x8108:
		return address
	case 0x8208:
		return as4
	}
	switch t >> 8 {
	case 0:
		return as2
	case 1:
		return address
	case 2:
		return as4
	}
	return hexadecimal
}

// flagNames are the bools of a type, from the lowest bit.
func flagNames(t uint16) []string {
	if t&^nontransitive == redirectHop {
		return []string{"copy"}
	}
	return []string{"terminal", "sample"}
}

// AppendJSON appends the list of communities that b is. It is false where b is
// none, or has what JSON cannot say.
func AppendJSON(dst, b []byte) ([]byte, bool) {
	if len(b) == 0 || len(b)%Size != 0 {
		return dst, false
	}
	for start := byte('['); len(b) > 0; b, start = b[Size:], ',' {
		t := binary.BigEndian.Uint16(b)
		dst = append(append(dst, start), `{"type":"`...)
		if name, ok := names[t&^nontransitive]; ok {
			dst = append(dst, name...)
		} else {
			dst = strconv.AppendUint(append(dst, "0x"...), uint64(t), 16)
		}
		var ok bool
		if dst, ok = appendValue(append(dst, `","value":`...), t, b[2:Size]); !ok {
			return dst, false
		}
		if t&nontransitive != 0 {
			dst = append(dst, `,"nontransitive":true`...)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']'), true
}

func appendValue(dst []byte, t uint16, b []byte) ([]byte, bool) {
	all := uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
	pair := func(high, low uint64) []byte {
		dst = strconv.AppendUint(append(dst, '"'), high, 10)
		return append(strconv.AppendUint(append(dst, ':'), low, 10), '"')
	}
	switch shapeOf(t) {
	case as2:
		return pair(all>>32, all&math.MaxUint32), true
	case as4:
		return pair(all>>16, all&math.MaxUint16), true
	case address:
		dst = netip.AddrFrom4([4]byte(b)).AppendTo(append(dst, '"'))
		return append(strconv.AppendUint(append(dst, ':'), all&math.MaxUint16, 10), '"'), true
	case rate:
		f := float64(math.Float32frombits(uint32(all)))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, false
		}
		if all>>32 == 0 {
			return strconv.AppendFloat(dst, f, 'f', -1, 32), true
		}
		dst = strconv.AppendUint(append(dst, '"'), all>>32, 10)
		return append(strconv.AppendFloat(append(dst, ':'), f, 'f', -1, 32), '"'), true
	case flags:
		open := byte('{')
		for i, name := range flagNames(t) {
			dst = append(append(append(dst, open, '"'), name...), `":`...)
			dst = strconv.AppendBool(dst, all>>i&1 == 1)
			open = ','
		}
		return append(dst, '}'), all>>len(flagNames(t)) == 0
	case bits6:
		return strconv.AppendUint(dst, all, 10), all < 1<<6
	}
	return append(strconv.AppendUint(append(dst, `"0x`...), all, 16), '"'), true
}

var errValue = errors.New("its value is none of its type")

// Append appends one community: its type and its value as JSON has them, the value
// without quotes, and whether it is nontransitive. flag is asked for the bools of a
// value that is an object.
func Append(dst []byte, name, value string, stays bool, flag func(name string) bool) ([]byte, error) {
	t, ok := types[name]
	if !ok {
		n, err := strconv.ParseUint(name, 0, 16)
		if err != nil {
			return dst, fmt.Errorf("%.40q is no type of an extended community", name)
		}
		t = uint16(n)
	}
	if stays {
		t |= nontransitive
	}
	all, err := valueOf(t, value, flag)
	if err != nil {
		return dst, errValue
	}
	return binary.BigEndian.AppendUint64(dst, uint64(t)<<48|all), nil
}

func valueOf(t uint16, value string, flag func(string) bool) (all uint64, err error) {
	first, second, two := strings.Cut(value, ":")
	pair := func(highBits, lowBits int) (uint64, error) {
		high, err1 := strconv.ParseUint(first, 10, highBits)
		low, err2 := strconv.ParseUint(second, 10, lowBits)
		return high<<lowBits | low, errors.Join(err1, err2)
	}
	switch shapeOf(t) {
	case as2:
		return pair(16, 32)
	case as4:
		return pair(32, 16)
	case address:
		a, err1 := netip.ParseAddr(first)
		low, err2 := strconv.ParseUint(second, 10, 16)
		if err1 != nil || err2 != nil || !a.Is4() {
			return 0, errValue
		}
		four := a.As4()
		return uint64(binary.BigEndian.Uint32(four[:]))<<16 | low, nil
	case rate:
		var id uint64
		if two {
			if id, err = strconv.ParseUint(first, 10, 16); err != nil {
				return 0, err
			}
			first = second
		}
		f, err := strconv.ParseFloat(first, 32)
		return id<<32 | uint64(math.Float32bits(float32(f))), err
	case flags:
		for i, name := range flagNames(t) {
			if flag(name) {
				all |= 1 << i
			}
		}
		return all, nil
	case bits6:
		return strconv.ParseUint(value, 0, 6)
	}
	return strconv.ParseUint(value, 0, 48)
}
