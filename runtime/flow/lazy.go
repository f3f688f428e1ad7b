package flow

import (
	"sync/atomic"
	"unsafe"
)

// encoded is what a lazy value points to.
type encoded struct {
	raw    []byte
	form   Form
	opened atomic.Pointer[opened] // once somebody has looked into it
}

type opened struct {
	v     Value
	whole bool // nothing in v is lazy
}

// LazyOf returns the value that raw spells in form, which has accepted it. Of a
// list or an object it decodes nothing until somebody asks for its parts, with
// [Value.List] or [Value.Object], and then one level, once: what nobody looks
// at is never decoded, and whoever writes the value in the same form copies
// raw ([Value.Encoded]). It shares memory with raw.
func LazyOf(raw []byte, form Form) Value {
	kind := form.Kind(raw)
	if kind != List && kind != Map {
		v, _ := form.Scalar(raw)
		return v
	}
	return Value{kind: kind, lazy: true, ptr: unsafe.Pointer(&encoded{raw: raw, form: form})}
}

// Encoded returns the encoded form of a list or an object that nobody has
// changed since it came, and how to read it; false for any other value.
func (v Value) Encoded() (raw []byte, form Form, ok bool) {
	if !v.lazy {
		return nil, nil, false
	}
	e := (*encoded)(v.ptr)
	return e.raw, e.form, true
}

// Whole returns v as it is when everything in it has been decoded. It is for
// who needs all of a value, since that costs less than to open every level.
func (v Value) Whole() Value {
	if v.lazy {
		return v.decoded()
	}
	return v
}

// maxOpened is how many levels of a value are opened one by one. What is nested
// deeper is decoded at once: each level that is opened reads all that is in it,
// and a message may have thousands.
const maxOpened = 8

// open returns a lazy value one level decoded. Several goroutines may do that
// at once; all get the same value, if not the same memory.
func (v Value) open() Value {
	e := (*encoded)(v.ptr)
	if o := e.opened.Load(); o != nil {
		return o.v
	}
	if v.num == maxOpened {
		return v.decoded()
	}
	level := e.form.Open(e.raw)
	for i := range level.List() {
		level.List()[i].below(v)
	}
	for i := range level.Object().Fields() {
		level.Object().Fields()[i].Value.below(v)
	}
	e.opened.Store(&opened{v: level})
	return level
}

// below makes a part of what was just opened know how deep it is.
func (v *Value) below(above Value) {
	if v.lazy {
		v.num = above.num + 1
	}
}

func (v Value) decoded() Value {
	e := (*encoded)(v.ptr)
	if o := e.opened.Load(); o != nil && o.whole {
		return o.v
	}
	whole, err := e.form.Decode(e.raw)
	if err != nil { // the form has accepted these bytes
		return NullValue
	}
	e.opened.Store(&opened{whole, true})
	return whole
}
