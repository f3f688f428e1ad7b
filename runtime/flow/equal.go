package flow

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
)

// Equal reports whether v and w are the same value, deeply. Numbers compare by
// what they mean (1 equals 1.0), objects without regard to key order; values
// of different types are unequal.
func (v Value) Equal(w Value) bool {
	if v.IsNumber() && w.IsNumber() {
		c, ok := CompareNumbers(v, w)
		return ok && c == 0
	}
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case Null:
		return true
	case Bool:
		return v.num == w.num
	case Text:
		return v.text() == w.text()
	case Bytes:
		return bytes.Equal(v.Bytes(), w.Bytes())
	case List:
		return equalLists(v.List(), w.List())
	default:
		return equalObjects(v.Object(), w.Object())
	}
}

func equalLists(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

func equalObjects(a, b *Object) bool {
	if a.Len() != b.Len() {
		return false
	}
	for _, f := range a.Fields() {
		other, ok := b.Get(f.Key)
		if !ok || !f.Value.Equal(other) {
			return false
		}
	}
	return true
}

// CompareNumbers orders two numbers: -1, 0 or 1; false when one of them is a
// NaN or no number. Integers and spellings compare exactly. A float equals any
// spelling that rounds to it: 0.1 in a flow or in JSON is a spelling, and must
// match the float of a binary codec.
//
// Numbers that differ as floats are in the order of these, since rounding
// keeps the order; that saves almost all exact comparisons, which allocate.
func CompareNumbers(v, w Value) (int, bool) {
	if v.kind == Int && w.kind == Int {
		return cmp.Compare(int64(v.num), int64(w.num)), true
	}
	if !v.IsNumber() || !w.IsNumber() {
		return 0, false
	}
	a, b := v.Float(), w.Float()
	switch {
	case a < b:
		return -1, true
	case a > b:
		return 1, true
	case a != b:
		return 0, false
	case v.rounds() && w.rounds(),
		v.kind == Float && w.kind == Number,
		v.kind == Number && w.kind == Float:
		return 0, true
	}
	x, okX := rational(v)
	y, okY := rational(w)
	if !okX || !okY {
		return 0, true // infinite, or too long to spell out
	}
	return x.Cmp(y), true
}

// rounds reports whether no other exact number rounds to the same float: of a
// spelling when it has at most 15 digits in the range of normal floats, of an
// integer when it is below 2^53.
func (v Value) rounds() bool {
	switch v.kind {
	case Int:
		return -1<<53 <= int64(v.num) && int64(v.num) <= 1<<53
	case Number:
		f := math.Abs(v.Float())
		return len(v.text()) <= 16 && (f == 0 || 1e-290 < f && f < 1e290)
	}
	return true
}

// maxSpelling bounds what is compared exactly: "1e999999999" must not cost a
// gigabyte.
const maxSpelling = 400

func rational(v Value) (*big.Rat, bool) {
	switch v.kind {
	case Int:
		return new(big.Rat).SetInt64(int64(v.num)), true
	case Float:
		r := new(big.Rat).SetFloat64(v.Float())
		return r, r != nil
	case Number:
		if !v.Exact() {
			return nil, false
		}
		return new(big.Rat).SetString(v.text())
	}
	return nil, false
}

// Exact reports whether a Number is compared by its spelling, and not as the
// float that it rounds to: that is so unless it is very long, or about as large
// or as small as floats can be.
func (v Value) Exact() bool {
	f := math.Abs(v.Float())
	return v.kind == Number && len(v.text()) <= maxSpelling && 1e-300 <= f && f <= 1e300
}
