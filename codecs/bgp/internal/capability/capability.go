// Package capability finds the capabilities of an OPEN, and spells the values of those that
// bgpipe's JSON has in words: those of RFC 8950 (EXTENDED_NEXTHOP), 7911 (ADDPATH), 9234 (ROLE), and the
// name of a router (FQDN).
package capability

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
)

// The codes of capabilities.
const (
	MP          = 1
	ExtendedHop = 5
	Role        = 9
	AS4         = 65
	AddPath     = 69
	FQDN        = 73
)

var (
	directions = []string{"", "RECEIVE", "SEND", "BIDIR"}
	roles      = []string{"PROVIDER", "RS", "RS-CLIENT", "CUSTOMER", "PEER"}
)

// AppendJSON appends the value of a capability. It is false for other
// capabilities, and for values that words cannot say.
func AppendJSON(dst []byte, code uint8, b []byte) ([]byte, bool) {
	switch code {
	case Role:
		if len(b) == 1 && int(b[0]) < len(roles) {
			return append(append(append(dst, '"'), roles[b[0]]...), '"'), true
		}
	case AddPath:
		return appendList(dst, b, 4, func(b []byte) string {
			if b[3] == 0 || int(b[3]) >= len(directions) || b[2] == 0 {
				return ""
			}
			return family.Name(binary.BigEndian.Uint16(b), b[2]) + "/" + directions[b[3]]
		})
	case ExtendedHop:
		return appendList(dst, b, 6, func(b []byte) string {
			if b[2] != 0 || b[3] == 0 {
				return ""
			}
			return family.Name(binary.BigEndian.Uint16(b), b[3]) + "/" + family.Address(binary.BigEndian.Uint16(b[4:]))
		})
	case FQDN:
		host, rest, ok1 := counted(b)
		domain, rest, ok2 := counted(rest)
		if !ok1 || !ok2 || len(rest) > 0 {
			return dst, false
		}
		dst = append(append(append(dst, `{"host":"`...), host...), '"')
		if domain != "" {
			dst = append(append(append(dst, `,"domain":"`...), domain...), '"')
		}
		return append(dst, '}'), true
	}
	return dst, false
}

// appendList appends a list of a word for each so many bytes; "" is none.
func appendList(dst, b []byte, size int, word func([]byte) string) ([]byte, bool) {
	if len(b) == 0 || len(b)%size != 0 {
		return dst, false
	}
	open := byte('[')
	for part := range slices.Chunk(b, size) {
		w := word(part)
		if w == "" || binary.BigEndian.Uint16(part) == 0 {
			return dst, false
		}
		dst = append(append(append(dst, open, '"'), w...), '"')
		open = ','
	}
	return append(dst, ']'), true
}

// counted is a text behind its length. It is false where the text needs escapes
// in JSON.
func counted(b []byte) (text string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	text, rest = string(b[1:1+b[0]]), b[1+b[0]:]
	return text, rest, !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// AppendRole appends what a role is on the wire.
func AppendRole(dst []byte, name string) ([]byte, error) {
	i := slices.Index(roles, name)
	if i < 0 {
		n, err := strconv.ParseUint(name, 10, 8)
		if err != nil {
			return dst, fmt.Errorf("%.20q is no role: %s", name, strings.Join(roles, ", "))
		}
		i = int(n)
	}
	return append(dst, uint8(i)), nil
}

// AppendWord appends what one word of the list of AddPath or ExtendedHop is on the
// wire.
func AppendWord(dst []byte, code uint8, word string) ([]byte, error) {
	name, last, _ := cutLast(word)
	afi, safi, err := family.Parse(name)
	if err != nil {
		return dst, err
	}
	dst = binary.BigEndian.AppendUint16(dst, afi)
	if code == ExtendedHop {
		hop := family.ParseAddress(last)
		if hop == 0 {
			return dst, fmt.Errorf("%.40q has no kind of addresses at its end, like IPV4/UNICAST/IPV6", word)
		}
		return binary.BigEndian.AppendUint16(append(dst, 0, safi), hop), nil
	}
	direction := slices.Index(directions, last)
	if direction <= 0 {
		return dst, fmt.Errorf("%.40q has no direction at its end, like IPV4/UNICAST/BIDIR", word)
	}
	return append(dst, safi, uint8(direction)), nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// AppendFQDN appends what the name of a router is on the wire.
func AppendFQDN(dst []byte, host, domain string) ([]byte, error) {
	if len(host) > math.MaxUint8 || len(domain) > math.MaxUint8 {
		return dst, errors.New("its host and domain have at most 255 bytes")
	}
	dst = append(append(dst, uint8(len(host))), host...)
	return append(append(dst, uint8(len(domain))), domain...), nil
}

// Paths are the families of the value of AddPath: those of which the speaker can receive
// prefixes with path identifiers, and those of which it can send them.
func Paths(value []byte) (receive, send family.Set) {
	for ; len(value) >= 4; value = value[4:] {
		one := family.SetOf(binary.BigEndian.Uint16(value), value[2])
		if value[3]&1 != 0 && value[3] < 4 {
			receive |= one
		}
		if value[3]&2 != 0 && value[3] < 4 {
			send |= one
		}
	}
	return receive, send
}
