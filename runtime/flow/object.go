package flow

import (
	"hash/maphash"
	"slices"
)

// Field is one key of an object with its value.
type Field struct {
	Key   string
	Value Value
}

// Object is a map from strings to values that keeps the order in which its
// keys were first set. A nil *Object reads as an empty one. It is not safe for
// concurrent change; once it is part of a Value nobody changes it.
type Object struct {
	fields []Field
	index  *[]uint32 // once a linear search would be slow: see seek
}

// indexFrom is the size from which an object has an index of its keys.
const indexFrom = 16

// seed makes where keys are in an index unforeseeable for who sends them.
var seed = maphash.MakeSeed()

// NewObject returns an empty object with room for n keys.
func NewObject(n int) *Object { return &Object{fields: make([]Field, 0, n)} }

// ObjectOf returns an object of the given fields; of a repeated key the last
// value wins, at the place of the first.
func ObjectOf(fields ...Field) *Object {
	o := NewObject(len(fields))
	for _, f := range fields {
		o.Set(f.Key, f.Value)
	}
	return o
}

// Len is the number of keys.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.fields)
}

// Fields returns the fields in order: shared, not to be changed.
func (o *Object) Fields() []Field {
	if o == nil {
		return nil
	}
	return o.fields
}

// Get returns the value of key and whether it is there.
func (o *Object) Get(key string) (Value, bool) {
	i := o.find(key)
	if i < 0 {
		return NullValue, false
	}
	return o.fields[i].Value, true
}

// Set gives key a value, at its place when it has one already, else at the end.
func (o *Object) Set(key string, v Value) {
	if i := o.find(key); i >= 0 {
		o.fields[i].Value = v
		return
	}
	o.fields = append(o.fields, Field{key, v})
	switch n := len(o.fields); {
	case n < indexFrom:
	case o.index == nil || 2*n > len(*o.index):
		o.reindex()
	default:
		(*o.index)[o.seek(key)] = uint32(n)
	}
}

// Clone returns a copy whose keys can be set without changing o.
func (o *Object) Clone() *Object {
	c := NewObject(o.Len() + 1)
	if o != nil {
		c.fields = append(c.fields, o.fields...)
		if o.index != nil {
			index := slices.Clone(*o.index)
			c.index = &index
		}
	}
	return c
}

// Merge returns o with the fields of top on it; where both have an object
// under one key, these are merged in the same way. It changes neither.
func (o *Object) Merge(top *Object) *Object {
	if top.Len() == 0 {
		return o
	}
	m := o.Clone()
	for _, f := range top.Fields() {
		if below, ok := m.Get(f.Key); ok && below.kind == Map && f.Value.kind == Map {
			m.Set(f.Key, MapOf(below.Object().Merge(f.Value.Object())))
		} else {
			m.Set(f.Key, f.Value)
		}
	}
	return m
}

// find returns the place of key among the fields, or -1.
func (o *Object) find(key string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		return int((*o.index)[o.seek(key)]) - 1
	}
	for i := range o.fields {
		if o.fields[i].Key == key {
			return i
		}
	}
	return -1
}

// seek returns the slot of the index that is key's. A slot holds the place of a
// field, counted from 1, and 0 while it is free; a key has the first slot that
// is free or its own from where its hash says. The number of slots is a power
// of two, and at least half of them are free.
func (o *Object) seek(key string) int {
	index := *o.index
	last := len(index) - 1
	slot := int(maphash.String(seed, key)) & last
	for index[slot] != 0 && o.fields[index[slot]-1].Key != key {
		slot = (slot + 1) & last
	}
	return slot
}

// reindex makes an index with room for as many fields as fit, and half as many
// again.
func (o *Object) reindex() {
	slots := 4 * indexFrom
	for slots < 3*cap(o.fields) {
		slots *= 2
	}
	index := make([]uint32, slots)
	o.index = &index
	for i := range o.fields {
		index[o.seek(o.fields[i].Key)] = uint32(i + 1)
	}
}
