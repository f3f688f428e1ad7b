package flow

import (
	"math"
	"strconv"
	"unsafe"
)

// Kind tells what a Value holds.
type Kind uint8

// The kinds of values of the flow language. Number is a number that is kept
// as it was spelled, because it is no integer of 64 bits in its plain
// spelling (42.0, 1e3, 12345678901234567890).
const (
	Null Kind = iota
	Bool
	Int
	Float
	Number
	Text
	Bytes
	List
	Map
)

var kindNames = [...]string{"null", "bool", "number", "number", "number", "string", "bytes", "list", "object"}

// String is the kind's name in the flow language; all numbers are "number".
func (k Kind) String() string { return kindNames[k] }

// Value is one value of the flow language. It is small (24 bytes), copied
// freely, and holds scalars without allocating. The zero Value is null.
//
// A Value is immutable: whoever builds a list, an object or bytes hands them
// over and does not change them afterwards.
type Value struct {
	ptr  unsafe.Pointer // *byte, *Value or *Object, by kind; *encoded if lazy
	num  uint64         // the scalar, or the length of what ptr points to; if lazy, how many levels above were opened
	kind Kind
	lazy bool // a list or an object in its encoded form: see LazyOf
}

// NullValue is the null of the language.
var NullValue Value

// BoolOf returns b as a Value.
func BoolOf(b bool) Value {
	if b {
		return Value{kind: Bool, num: 1}
	}
	return Value{kind: Bool}
}

// IntOf returns i as a Value.
func IntOf(i int64) Value { return Value{kind: Int, num: uint64(i)} }

// FloatOf returns f as a Value.
func FloatOf(f float64) Value { return Value{kind: Float, num: math.Float64bits(f)} }

// TextOf returns s as a Value. It shares the string's bytes.
func TextOf(s string) Value {
	return Value{kind: Text, num: uint64(len(s)), ptr: unsafe.Pointer(unsafe.StringData(s))}
}

// NumberOf returns a number in the spelling s, which is a JSON number. The
// plain spelling of a 64-bit integer becomes an Int, so that a number has one
// representation; everything else keeps its spelling.
func NumberOf(s string) Value {
	if plainInteger(s) {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil && s != "-0" {
			return IntOf(i)
		}
	}
	return Value{kind: Number, num: uint64(len(s)), ptr: unsafe.Pointer(unsafe.StringData(s))}
}

// plainInteger reports whether s has no fraction and no exponent. It saves
// ParseInt's error, which would allocate.
func plainInteger(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '.' || c == 'e' || c == 'E' {
			return false
		}
	}
	return true
}

// BytesOf returns b as a Value. The Value owns b from now on.
func BytesOf(b []byte) Value {
	return Value{kind: Bytes, num: uint64(len(b)), ptr: unsafe.Pointer(unsafe.SliceData(b))}
}

// ListOf returns a list of vs. The Value owns vs from now on.
func ListOf(vs []Value) Value {
	return Value{kind: List, num: uint64(len(vs)), ptr: unsafe.Pointer(unsafe.SliceData(vs))}
}

// MapOf returns o as a Value, null if o is nil. The Value owns o from now on.
func MapOf(o *Object) Value {
	if o == nil {
		return NullValue
	}
	return Value{kind: Map, ptr: unsafe.Pointer(o)}
}

// Kind tells what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == Null }

// IsNumber reports whether v is a number of any kind.
func (v Value) IsNumber() bool { return v.kind == Int || v.kind == Float || v.kind == Number }

// Bool returns the truth value of a Bool, and false for any other kind.
func (v Value) Bool() bool { return v.kind == Bool && v.num == 1 }

// Int returns the integer of an Int, and 0 for any other kind.
func (v Value) Int() int64 {
	if v.kind != Int {
		return 0
	}
	return int64(v.num)
}

// Float returns a number of any kind as a float64, rounded where it must be,
// and 0 for what is no number.
func (v Value) Float() float64 {
	switch v.kind {
	case Int:
		return float64(int64(v.num))
	case Float:
		return math.Float64frombits(v.num)
	case Number:
		f, _ := strconv.ParseFloat(v.text(), 64)
		return f
	}
	return 0
}

// Text returns the string of a Text and the spelling of a Number, and "" for
// any other kind. It shares v's bytes.
func (v Value) Text() string {
	if v.kind != Text && v.kind != Number {
		return ""
	}
	return v.text()
}

func (v Value) text() string { return unsafe.String((*byte)(v.ptr), int(v.num)) }

// Bytes returns the bytes of a Bytes, shared and not to be changed, and nil
// for any other kind.
func (v Value) Bytes() []byte {
	if v.kind != Bytes {
		return nil
	}
	return unsafe.Slice((*byte)(v.ptr), int(v.num))
}

// List returns the elements of a List, shared and not to be changed, and nil
// for any other kind.
func (v Value) List() []Value {
	if v.kind != List {
		return nil
	}
	if v.lazy {
		v = v.open()
	}
	return unsafe.Slice((*Value)(v.ptr), int(v.num))
}

// Object returns the object of a Map, not to be changed, and nil (which reads
// as an empty object) for any other kind.
func (v Value) Object() *Object {
	if v.kind != Map {
		return nil
	}
	if v.lazy {
		v = v.open()
	}
	return (*Object)(v.ptr)
}
