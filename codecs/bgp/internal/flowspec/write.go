package flowspec

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Append appends what a list of rules in JSON is on the wire. Where the length of a value
// is not given, it is the shortest.
func Append(dst, rules []byte, v6 bool) ([]byte, error) {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(rules, &list); err != nil {
		return dst, errors.New("its rules are no list of objects")
	}
	for _, rule := range list {
		b, err := ruleOf(rule, v6)
		switch {
		case err != nil:
			return dst, err
		case len(b) > long:
			return dst, fmt.Errorf("a rule has at most %d bytes, and this one has %d", long, len(b))
		case len(b) >= short:
			dst = binary.BigEndian.AppendUint16(dst, uint16(short<<8|len(b)))
		default:
			dst = append(dst, uint8(len(b)))
		}
		dst = append(dst, b...)
	}
	return dst, nil
}

// ruleOf is a rule without its length: its components in the order of their types.
func ruleOf(rule map[string]json.RawMessage, v6 bool) (b []byte, err error) {
	found := 0
	for component, name := range components {
		value, ok := rule[name]
		if !ok || component == 0 || component == label && !v6 {
			continue
		}
		found++
		b = append(b, uint8(component))
		if isPrefix(uint8(component)) {
			b, err = writePrefix(b, value, v6)
		} else {
			b, err = writeTerms(b, value, operatorsOf(uint8(component)))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if found == len(rule) && found > 0 {
		return b, nil
	}
	for name := range rule {
		if !slices.Contains(components[1:], name) || name == components[label] {
			return nil, fmt.Errorf("%.40q is no component of a rule", name)
		}
	}
	return nil, errors.New("a rule has no component")
}

// writePrefix writes a prefix; one of IPv6 may say where it begins: address/offset-length.
func writePrefix(dst []byte, value json.RawMessage, v6 bool) ([]byte, error) {
	var text string
	_ = json.Unmarshal(value, &text) // then it is no prefix
	address, lengths, _ := strings.Cut(text, "/")
	from, to, offset := strings.Cut(lengths, "-")
	if !offset {
		from, to = "0", lengths
	}
	a, err1 := netip.ParseAddr(address)
	begin, err2 := strconv.ParseUint(from, 10, 8)
	end, err3 := strconv.ParseUint(to, 10, 8)
	if errors.Join(err1, err2, err3) != nil || a.Zone() != "" || a.Is4() == v6 || offset && !v6 || begin > end || int(end) > a.BitLen() {
		return dst, fmt.Errorf("%.60q is no prefix of its family", text)
	}
	dst = append(dst, uint8(end))
	if v6 {
		dst = append(dst, uint8(begin))
	}
	addr, n := a.AsSlice(), int(end-begin)
	bits := make([]byte, (n+7)/8)
	for i := range n {
		at := int(begin) + i
		bits[i/8] |= addr[at/8] >> (7 - at%8) & 1 << (7 - i%8)
	}
	return append(dst, bits...), nil
}

// term is one of a component that is no prefix.
type term struct {
	And bool            `json:"and"`
	Op  json.RawMessage `json:"op"`
	Len int             `json:"len"`
	Val json.RawMessage `json:"val"`
}

func writeTerms(dst []byte, value json.RawMessage, ops operators) ([]byte, error) {
	var terms []term
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(&terms); err != nil || len(terms) == 0 || d.More() {
		return dst, errors.New(`it is no list like [{"op":"==","val":6}]`)
	}
	for i, t := range terms {
		op := slices.Index(ops, strings.Trim(string(t.Op), `"`))
		if op < 0 {
			return dst, fmt.Errorf("%.20s is no operator of it: %s", t.Op, strings.Join(ops, ", "))
		}
		val, err := strconv.ParseUint(strings.Trim(string(t.Val), `"`), 0, 64)
		if err != nil {
			return dst, fmt.Errorf("%.40s is no value: a number, or hexadecimal text", t.Val)
		}
		if t.Len == 0 {
			t.Len = shortest(val)
		}
		code := slices.Index([]int{1, 2, 4, 8}, t.Len)
		if code < 0 || t.Len < shortest(val) {
			return dst, fmt.Errorf("%.40s does not fit into %d bytes, of 1, 2, 4 or 8", t.Val, t.Len)
		}
		op |= code << lenShift
		if t.And {
			op |= and
		}
		if i == len(terms)-1 {
			op |= last
		}
		dst = append(dst, uint8(op))
		dst = append(dst, binary.BigEndian.AppendUint64(nil, val)[8-t.Len:]...)
	}
	return dst, nil
}
