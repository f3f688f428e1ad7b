// Package valuekey spells values of events as keys of maps and tables: whatever
// counts, groups or chooses by a value (a window's group_by, a dedupe's key, a
// connection per key) looks it up by these bytes, so that 1 and 1.0 are one
// group everywhere.
package valuekey

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Append appends a key for v to dst: equal values have equal keys, unequal
// ones different keys, as [flow.Value.Equal] sees it: 1, 1.0 and 1e0 are one key,
// and so are objects that differ in the order of their keys. It is for maps
// and tables over values, as string(key). A key says where it ends, so that
// several may follow each other. It is bytes of no meaning elsewhere, and it
// allocates nothing for scalars when dst has room.
//
// Equality is not transitive where numbers are rounded: a float equals every
// spelling that rounds to it, while these differ from each other. There the
// key keeps apart what is exact. A float has the key of the shortest spelling
// that means it, or of the integer of 64 bits that it is; so it shares its key
// with every spelling of at most 15 digits that equals it, and with every
// integer. Spellings beyond the range of floats, or too long to compare
// exactly, have the key of the float that they round to. All that is not a
// number (NaN) has one key, although it equals nothing.
func Append(dst []byte, v flow.Value) []byte {
	v = v.Whole()
	switch v.Kind() {
	case flow.Null:
		return append(dst, 'n')
	case flow.Bool:
		if v.Bool() {
			return append(dst, 't')
		}
		return append(dst, 'f')
	case flow.Int:
		return appendInt(dst, v.Int())
	case flow.Float:
		return appendFloat(dst, v.Float())
	case flow.Number:
		return appendSpelled(dst, v)
	case flow.Text:
		return appendText(append(dst, 's'), v.Text())
	case flow.Bytes:
		b := v.Bytes()
		return append(binary.AppendUvarint(append(dst, 'b'), uint64(len(b))), b...)
	case flow.List:
		list := v.List()
		dst = binary.AppendUvarint(append(dst, 'l'), uint64(len(list)))
		for _, part := range list {
			dst = Append(dst, part)
		}
		return dst
	default:
		return appendObject(dst, v.Object())
	}
}

func appendObject(dst []byte, o *flow.Object) []byte {
	fields := o.Fields()
	dst = binary.AppendUvarint(append(dst, 'o'), uint64(len(fields)))
	byKey := func(a, b flow.Field) int { return cmp.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(fields, byKey) {
		fields = slices.SortedFunc(slices.Values(fields), byKey)
	}
	for _, f := range fields {
		dst = Append(appendText(dst, f.Key), f.Value)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendInt(dst []byte, i int64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 'i'), uint64(i))
}

func appendFloat(dst []byte, f float64) []byte {
	if f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
		return appendInt(dst, int64(f))
	}
	var spelled [32]byte
	digits := strconv.AppendFloat(spelled[:0], f, 'e', -1, 64)
	if d, ok := decimalOf(digits); ok {
		return d.append(dst)
	}
	return append(append(append(dst, 'd'), digits...), ';') // infinite, or none
}

func appendSpelled(dst []byte, v flow.Value) []byte {
	if !v.Exact() {
		return appendFloat(dst, v.Float())
	}
	d, ok := decimalOf(v.Text())
	if !ok { // no JSON number
		return appendFloat(dst, v.Float())
	}
	if i, ok := d.integer(); ok {
		return appendInt(dst, i)
	}
	return d.append(dst)
}

// decimal is what a spelling s means: its digits from first to last, without
// the point that may be among them, times ten to the power of exp. It has no
// zeros at its ends; zero has no digits.
type decimal[T []byte | string] struct {
	s           T
	negative    bool
	first, last int // last is the place behind
	exp         int
}

// decimalOf reads a spelling; false when it is none in decimal digits.
func decimalOf[T []byte | string](s T) (decimal[T], bool) {
	d := decimal[T]{s: s}
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		d.negative = s[i] == '-'
		i++
	}
	point, zeros := 0, 0 // 1 behind the point; zeros behind the last digit
	for ; i < len(s) && s[i]|0x20 != 'e'; i++ {
		switch c := s[i]; {
		case c == '.' && point == 0:
			point = 1
		case c == '0':
			zeros++
			d.exp -= point
		case '1' <= c && c <= '9':
			if d.last == 0 {
				d.first = i
			}
			d.last, zeros = i+1, 0
			d.exp -= point
		default:
			return d, false
		}
	}
	exp, ok := exponent(s[i:])
	d.exp += zeros + exp
	if d.last == 0 {
		d.negative, d.exp = false, 0
	}
	return d, ok
}

// exponent reads what follows the digits of a number. Beyond a million it is
// not exact; no such number is a float.
func exponent[T []byte | string](s T) (int, bool) {
	if len(s) == 0 {
		return 0, true
	}
	s = s[1:]
	sign := 1
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	exp := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		exp = min(10*exp+int(s[i]-'0'), 1_000_000)
	}
	return sign * exp, len(s) > 0
}

// integer is d when it is an integer of 64 bits.
func (d decimal[T]) integer() (int64, bool) {
	const digits = 19 // of the largest
	if d.exp < 0 || d.exp > digits || d.last-d.first > digits+1 {
		return 0, false
	}
	u, n := uint64(0), d.exp
	for i := d.first; i < d.last; i++ {
		if d.s[i] != '.' {
			u = 10*u + uint64(d.s[i]-'0')
			n++
		}
	}
	if n > digits {
		return 0, false
	}
	for range d.exp {
		u *= 10
	}
	switch {
	case d.negative && u <= 1<<63:
		return int64(-u), true
	case !d.negative && u < 1<<63:
		return int64(u), true
	}
	return 0, false
}

func (d decimal[T]) append(dst []byte) []byte {
	dst = append(dst, 'd')
	if d.negative {
		dst = append(dst, '-')
	}
	for i := d.first; i < d.last; i++ {
		if d.s[i] != '.' {
			dst = append(dst, d.s[i])
		}
	}
	dst = strconv.AppendInt(append(dst, 'e'), int64(d.exp), 10)
	return append(dst, ';')
}
