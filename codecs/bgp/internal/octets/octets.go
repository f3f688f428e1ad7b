// Package octets writes UPDATEs for speakers whose AS numbers have two octets (RFC 6793).
package octets

import (
	"encoding/binary"
	"errors"
	"math"
)

// The attributes that have AS numbers, and those that have the ones that need four
// octets in their place.
const (
	path        = 2
	aggregator  = 7
	path4       = 17
	aggregator4 = 18
)

const (
	optional   = 0x80
	transitive = 0x40
	extended   = 0x10  // the length has two octets
	trans      = 23456 // stands for an AS number that needs four
)

// Narrow returns the body of an UPDATE, in which AS numbers have four octets and all
// lengths are right, for a speaker that knows two. Those that need four are in AS4_PATH
// and AS4_AGGREGATOR then, which are added where they are missing. What is no path or
// aggregator stays as it is.
func Narrow(body []byte) ([]byte, error) {
	at := 2 + int(binary.BigEndian.Uint16(body))
	end := at + 2 + int(binary.BigEndian.Uint16(body[at:]))
	dst := append(make([]byte, 0, len(body)), body[:at+2]...)
	var wide [aggregator4 + 1][]byte // values of AS4_PATH and AS4_AGGREGATOR that are wanted
	var there [256]bool
	for attrs := body[at+2 : end]; len(attrs) > 0; {
		head, size := 3, int(attrs[2])
		if attrs[0]&extended != 0 {
			head, size = 4, int(binary.BigEndian.Uint16(attrs[2:]))
		}
		flags, code, value := attrs[0], attrs[1], attrs[head:head+size]
		attrs = attrs[head+size:]
		there[code] = true
		var needs4 bool
		narrow := value
		switch code {
		case path:
			if narrow, needs4 = narrowPath(value); needs4 {
				wide[path4] = value
			}
		case aggregator:
			if narrow, needs4 = narrowAggregator(value); needs4 {
				wide[aggregator4] = value
			}
		}
		dst = put(dst, flags, code, narrow)
	}
	for _, code := range []uint8{path4, aggregator4} {
		if wide[code] != nil && !there[code] {
			dst = put(dst, optional|transitive, code, wide[code])
		}
	}
	n := len(dst) - at - 2
	if n > math.MaxUint16 {
		return nil, errors.New("its attributes are longer than a message can be")
	}
	binary.BigEndian.PutUint16(dst[at:], uint16(n))
	return append(dst, body[end:]...), nil
}

// put appends an attribute.
func put(dst []byte, flags, code uint8, value []byte) []byte {
	if flags&extended == 0 && len(value) <= math.MaxUint8 {
		return append(append(dst, flags, code, uint8(len(value))), value...)
	}
	dst = binary.BigEndian.AppendUint16(append(dst, flags|extended, code), uint16(len(value)))
	return append(dst, value...)
}

// narrowPath makes AS numbers of a path shorter, and reports whether there are any that
// need four octets.
func narrowPath(value []byte) (narrow []byte, needs4 bool) {
	for rest := value; len(rest) > 0; {
		if len(rest) < 2 || len(rest) < 2+4*int(rest[1]) {
			return value, false
		}
		count := int(rest[1])
		narrow, rest = append(narrow, rest[:2]...), rest[2:]
		for range count {
			var is bool
			narrow, is = appendAS(narrow, rest)
			needs4, rest = needs4 || is, rest[4:]
		}
	}
	return narrow, needs4
}

func narrowAggregator(value []byte) (narrow []byte, needs4 bool) {
	if len(value) != 8 {
		return value, false
	}
	narrow, needs4 = appendAS(nil, value)
	return append(narrow, value[4:]...), needs4
}

// appendAS appends the AS number that b begins with.
func appendAS(dst, b []byte) (_ []byte, needs4 bool) {
	as := binary.BigEndian.Uint32(b)
	if as > math.MaxUint16 {
		as, needs4 = trans, true
	}
	return binary.BigEndian.AppendUint16(dst, uint16(as)), needs4
}
