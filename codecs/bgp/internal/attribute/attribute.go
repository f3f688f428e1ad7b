// Package attribute has the names of path attributes, and the spelling of their flags, as
// bgpipe's JSON has them.
package attribute

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// names are the names of attributes, by their codes.
var names = map[uint8]string{
	1: "ORIGIN", 2: "ASPATH", 3: "NEXTHOP", 4: "MED", 5: "LOCALPREF", 6: "AGGREGATE", 7: "AGGREGATOR", 8: "COMMUNITY",
	9: "ORIGINATOR", 10: "CLUSTER_LIST", 14: "MP_REACH", 15: "MP_UNREACH", 16: "EXT_COMMUNITY", 17: "AS4PATH",
	18: "AS4AGGREGATOR", 22: "PMSI_TUNNEL", 23: "TUNNEL", 24: "TRAFFIC_ENG", 25: "IPV6_EXT_COMMUNITY", 26: "AIGP",
	27: "PE_DISTING", 29: "BGP_LS", 32: "LARGE_COMMUNITY", 33: "BGPSEC_PATH", 35: "OTC", 36: "DPATH", 37: "SFP_ATTR",
	38: "BFD_DISCRIMINATOR", 39: "RCA", 40: "PREFIX_SID", 128: "SET",
}

// OTC is the code of ONLY_TO_CUSTOMER (RFC 9234).
const OTC = 35

// codes are the codes of attributes, by their names.
var codes = func() map[string]uint8 {
	m := make(map[string]uint8, len(names))
	for code, name := range names {
		m[name] = code
	}
	return m
}()

// Name is the name of an attribute: ATTR_ and its code for one that has none.
func Name(code uint8) string {
	if name := names[code]; name != "" {
		return name
	}
	return "ATTR_" + strconv.Itoa(int(code))
}

// Code is the code of an attribute of that name.
func Code(name string) (uint8, error) {
	if code, ok := codes[name]; ok {
		return code, nil
	}
	if digits, ok := strings.CutPrefix(name, "ATTR_"); ok {
		if n, err := strconv.ParseUint(digits, 10, 8); err == nil {
			return uint8(n), nil
		}
	}
	return 0, errors.New("it is no name of an attribute: one without a name is ATTR_ and its number")
}

// DefaultFlags are those that an attribute has as a rule.
func DefaultFlags(code uint8) uint8 {
	const optional, transitive = 0x80, 0x40
	switch code {
	case 1, 2, 3, 5, 6:
		return transitive
	case 7, 8, 16, 17, 18, 22, 23, 25, 27, 32, OTC, 36, 38, 40, 128:
		return optional | transitive
	}
	return optional
}

// ParseFlags reads what AppendFlags appends.
func ParseFlags(s string) (flags uint8, err error) {
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

// AppendFlags appends flags as letters: optional, transitive, partial, extended length; behind
// them the bits that mean nothing, as a number.
func AppendFlags(dst []byte, flags uint8) []byte {
	for i, letter := range []byte("OTPX") {
		if flags&(0x80>>i) != 0 {
			dst = append(dst, letter)
		}
	}
	if low := flags & 0xf; low != 0 {
		dst = strconv.AppendUint(dst, uint64(low), 10)
	}
	return dst
}
