package route

import (
	"errors"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Community is a community, or a pattern of communities: two numbers, or three
// of a large one, any of which can be left open.
type Community struct {
	parts [3]uint32
	open  [3]bool
	n     int
}

var (
	errCommunity = errors.New("the string is no community such as 64501:100, 64501:*, 64501:1:2 or no-export")
	errNoneThere = errors.New("what should be a community is none")
)

// wellKnown are the names of the registry of well-known communities that people
// write.
var wellKnown = map[string]string{
	"graceful-shutdown": "65535:0", "accept-own": "65535:1", "llgr-stale": "65535:6", "no-llgr": "65535:7", "blackhole": "65535:666",
	"no-export": "65535:65281", "no-advertise": "65535:65282", "no-export-subconfed": "65535:65283", "no-peer": "65535:65284",
}

// ParseCommunity reads a community such as 64501:100, a large one such as
// 64501:1:2, either with * for a number that may be any, or the name of a well
// known one.
func ParseCommunity(s string) (Community, error) {
	if spelled, ok := wellKnown[s]; ok {
		s = spelled
	}
	c, ok := parse(s)
	if !ok {
		return c, errCommunity
	}
	return c, nil
}

func parse(s string) (c Community, ok bool) {
	bits := 16
	if strings.Count(s, ":") == 2 {
		bits = 32
	}
	for more := true; more; c.n++ {
		var one string
		one, s, more = strings.Cut(s, ":")
		switch {
		case c.n == len(c.parts) || one == "":
			return c, false
		case one == "*":
			c.open[c.n] = true
			continue
		}
		n, err := strconv.ParseUint(one, 10, bits)
		if err != nil {
			return c, false
		}
		c.parts[c.n] = uint32(n)
	}
	return c, c.n >= 2
}

// matches reports whether c, which may be a pattern, means other.
func (c *Community) matches(other *Community) bool {
	if c.n != other.n {
		return false
	}
	for i := range c.n {
		if !c.open[i] && c.parts[i] != other.parts[i] {
			return false
		}
	}
	return true
}

// Carries reports whether of has a community that one of wanted means. of is a
// message, of which the communities and the large ones count, a list of
// communities, or one.
func Carries(of flow.Value, wanted []Community) (bool, error) {
	switch of.Kind() {
	case flow.Text:
		return isOne(of, wanted)
	case flow.List:
		return carriesOne(of, wanted)
	}
	ok, err := carriesOne(attr(of, "COMMUNITY"), wanted)
	if ok || err != nil {
		return ok, err
	}
	return carriesOne(attr(of, "LARGE_COMMUNITY"), wanted)
}

func carriesOne(list flow.Value, wanted []Community) (bool, error) {
	for _, x := range list.List() {
		if x.Kind() != flow.Text {
			return false, unwanted(x, "communities")
		}
		if ok, err := isOne(x, wanted); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func isOne(v flow.Value, wanted []Community) (bool, error) {
	c, ok := parse(v.Text())
	if !ok || c.open != ([3]bool{}) {
		return false, errNoneThere
	}
	for i := range wanted {
		if wanted[i].matches(&c) {
			return true, nil
		}
	}
	return false, nil
}
