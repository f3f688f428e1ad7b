package flow

import (
	"bytes"
	"cmp"
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

// CompareNumbers orders two numbers exactly: -1, 0 or 1. It is false when one
// of them is a NaN or no number.
func CompareNumbers(a, b Value) (int, bool) {
	if a.kind == Int && b.kind == Int {
		return cmp.Compare(int64(a.num), int64(b.num)), true
	}
	if a.kind == Float && b.kind == Float {
		x, y := a.Float(), b.Float()
		return cmp.Compare(x, y), x == x && y == y
	}
	x, okX := rational(a)
	y, okY := rational(b)
	if okX && okY {
		return x.Cmp(y), true
	}
	// Infinite, or an exponent too large to spell out: the rounded order is
	// right for all that differ as floats.
	if !a.IsNumber() || !b.IsNumber() {
		return 0, false
	}
	f, g := a.Float(), b.Float()
	return cmp.Compare(f, g), f == f && g == g
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
		s := v.text()
		if f := v.Float(); len(s) > maxSpelling || f != f || f > 1e300 || f < -1e300 || (f < 1e-300 && f > -1e-300) {
			return nil, false
		}
		return new(big.Rat).SetString(s)
	}
	return nil, false
}
