package spelling

import (
	"errors"
	"math/bits"
	"net/netip"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
)

// Layout is what one must know of an UPDATE to read it. Its speakers have agreed on it in
// their OPENs.
type Layout struct {
	AS2   bool       // AS numbers have two bytes, not four
	Paths family.Set // the families whose prefixes have path identifiers
	Plain family.Set // those whose prefixes have none, of those that are there; Find says so
}

// Doubt is what of a layout is not certain.
type Doubt struct {
	AS    bool       // AS numbers may be of the other width
	Paths family.Set // prefixes of these families may have identifiers, or none
}

// Find accepts an UPDATE of which all parts can be found, and says how it is laid out: as
// said, unless it can only be read the other way, or, of what is in doubt, reads better so. What
// is in an attribute may be wrong: then it is shown as hexadecimal text.
func Find(body []byte, said Layout, doubt Doubt) (Layout, error) {
	withdrawn, attrs, reach, err := parts(body)
	if err != nil {
		return said, err
	}
	var asSaid, other [families]uint8
	width, err := judge(withdrawn, attrs, reach, said, &asSaid)
	if err != nil {
		return said, err
	}
	found := Layout{AS2: said.AS2 != (doubt.AS && width == otherwise)}
	if clean(&asSaid) {
		other = asSaid
	} else if _, err = judge(withdrawn, attrs, reach, Layout{AS2: said.AS2, Paths: ^said.Paths}, &other); err != nil {
		return said, err
	}
	for i := range asSaid {
		if asSaid[i] == absent {
			continue
		}
		one := family.Set(1) << i
		with := said.Paths&one != 0
		if asSaid[i] == wrong && other[i] > wrong || doubt.Paths&one != 0 && asSaid[i] < other[i] {
			with = !with
		} else if i == 0 && asSaid[i] == wrong && len(withdrawn)+len(reach) > 0 {
			return said, errors.Join(eachPrefix(withdrawn, 1, with, pass), eachPrefix(reach, 1, with, pass))
		}
		if with {
			found.Paths |= one
		} else {
			found.Plain |= one
		}
	}
	return found, nil
}

func pass(uint32, netip.Prefix) {}

// How well prefixes can be read.
const (
	absent  = iota // there are none
	wrong          // not at all
	strange        // with bits behind their lengths, or everything there is, twice: nobody writes so
	good
)

const families = 6 // bits of a set

func clean(grades *[families]uint8) bool {
	for _, g := range grades {
		if g == wrong || g == strange {
			return false
		}
	}
	return true
}

// How AS numbers can be read.
const (
	either = iota
	asItIs
	otherwise
)

// judge grades the prefixes of each family, read as a layout says, and the width of AS
// numbers.
func judge(withdrawn, attrs, reach []byte, l Layout, grades *[families]uint8) (width int, err error) {
	note := func(afi uint16, safi uint8, b []byte) {
		if i := bits.TrailingZeros8(uint8(family.SetOf(afi, safi))); i < families && len(b) > 0 {
			g := uint8(good)
			if family.IsPrefixes(afi, safi) {
				g = grade(b, afi, l.Paths.Has(afi, safi))
			}
			if grades[i] == absent || g < grades[i] {
				grades[i] = g
			}
		}
	}
	note(1, 1, withdrawn)
	note(1, 1, reach)
	plain := len(withdrawn)+len(reach) > 0
	var mp [2]bool
	twice := false
	err = eachAttr(attrs, func(whole, value []byte) {
		switch code := bgp.BGPAttrType(whole[1]); code {
		case bgp.BGP_ATTR_TYPE_AS_PATH:
			switch {
			case len(value) == 0:
			case isPath(value, l.AS2):
				width = asItIs
			case isPath(value, !l.AS2):
				width = otherwise
			}
		case bgp.BGP_ATTR_TYPE_AGGREGATOR:
			if width == either && (len(value) == 6 || len(value) == 8) && (len(value) == 6) != l.AS2 {
				width = otherwise
			}
		case bgp.BGP_ATTR_TYPE_MP_REACH_NLRI, bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI:
			i := code - bgp.BGP_ATTR_TYPE_MP_REACH_NLRI
			twice, mp[i] = twice || mp[i], true
			afi, safi, _, routes, ok := cutMP(value, code == bgp.BGP_ATTR_TYPE_MP_REACH_NLRI)
			if ok && !(plain && afi == 1 && safi == 1) { // of these the message itself has some, which decide
				note(afi, safi, routes)
			}
		}
	})
	if err == nil && twice {
		err = errTwice
	}
	return width, err
}

// Of other attributes that are there twice the first one counts, but nobody could say which
// routes these are (RFC 7606).
var errTwice = errors.New("MP_REACH or MP_UNREACH is there twice")

// isPath reports whether the segments of an AS path end where the path does.
func isPath(b []byte, as2 bool) bool {
	width := 4
	if as2 {
		width = 2
	}
	for len(b) > 0 {
		if len(b) < 2 || b[0] == 0 || b[0] > 4 || b[1] == 0 || len(b) < 2+width*int(b[1]) {
			return false
		}
		b = b[2+width*int(b[1]):]
	}
	return true
}

// grade says how well a list of prefixes of a plain family can be read.
func grade(b []byte, afi uint16, addPath bool) uint8 {
	longest, result, defaults := 32, uint8(good), 0
	if afi == 2 {
		longest = 128
	}
	for len(b) > 0 {
		if addPath {
			if len(b) < 5 {
				return wrong
			}
			b = b[4:]
		}
		n := int(b[0])
		size := (n + 7) / 8
		if n > longest || len(b) < 1+size {
			return wrong
		}
		if n == 0 {
			defaults++
		}
		if n&7 != 0 && b[size]<<(n&7) != 0 || defaults > 1 && !addPath {
			result = strange
		}
		b = b[1+size:]
	}
	return result
}
