// Package family spells address families as bgpipe's JSON does: IPV6/UNICAST, with
// numbers where there is no name.
package family

import (
	"fmt"
	"strconv"
	"strings"
)

var (
	afis  = map[uint16]string{1: "IPV4", 2: "IPV6", 25: "L2VPN", 16388: "LS"}
	safis = map[uint8]string{1: "UNICAST", 2: "MULTICAST", 4: "MPLS", 5: "MCAST_VPN", 65: "VPLS", 70: "EVPNS", 71: "LS", 85: "MUP", 128: "MPLS_VPN", 129: "MULTICAST_VPNS", 132: "ROUTE_TARGET", 133: "FLOWSPEC", 134: "L3VPN_FLOWSPEC"}
)

// Set is a set of those families whose routes are spelled here: prefixes and rules of both
// kinds of addresses.
type Set uint8

// All has all of them.
const All Set = 0xff

// SetOf is the set of one family; the empty one for a family that is none of these.
func SetOf(afi uint16, safi uint8) Set {
	if afi != 1 && afi != 2 {
		return 0
	}
	one := Set(afi) // a bit for each kind of addresses
	switch safi {
	case 1:
		return one
	case 2:
		return one << 2
	case 133:
		return one << 4
	}
	return 0
}

// Has reports whether a family is in the set.
func (s Set) Has(afi uint16, safi uint8) bool { return s&SetOf(afi, safi) != 0 }

// IsPrefixes reports whether routes of a family are an address with a length.
func IsPrefixes(afi uint16, safi uint8) bool {
	return (afi == 1 || afi == 2) && (safi == 1 || safi == 2)
}

// IsRules reports whether routes of a family are rules of FlowSpec.
func IsRules(afi uint16, safi uint8) bool { return (afi == 1 || afi == 2) && safi == 133 }

// Name is the name of a family.
func Name(afi uint16, safi uint8) string {
	s := safis[safi]
	if s == "" {
		s = strconv.Itoa(int(safi))
	}
	return Address(afi) + "/" + s
}

// Address is the name of a kind of addresses.
func Address(afi uint16) string {
	if a := afis[afi]; a != "" {
		return a
	}
	return strconv.Itoa(int(afi))
}

// ParseAddress reads the name of a kind of addresses; 0 is none.
func ParseAddress(s string) (afi uint16) {
	for n, name := range afis {
		if name == s {
			return n
		}
	}
	n, _ := strconv.ParseUint(s, 10, 16) // 0 is none, too
	return uint16(n)
}

// Parse reads the name of a family.
func Parse(s string) (afi uint16, safi uint8, err error) {
	a, b, _ := strings.Cut(s, "/")
	afi = ParseAddress(a)
	for n, name := range safis {
		if name == b {
			safi = n
		}
	}
	if n, err := strconv.ParseUint(b, 10, 8); err == nil {
		safi = uint8(n)
	}
	if afi == 0 || safi == 0 {
		return 0, 0, fmt.Errorf("%.40q is no family, like IPV6/UNICAST", s)
	}
	return afi, safi, nil
}
