package flow

import "slices"

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
	index  map[string]int // built when a linear search gets slow
}

// indexFrom is the size from which an object finds its keys by a map.
const indexFrom = 16

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

// Set gives key a value, at its place when the key is there already, else at
// the end.
func (o *Object) Set(key string, v Value) {
	if i := o.find(key); i >= 0 {
		o.fields[i].Value = v
		return
	}
	o.fields = append(o.fields, Field{key, v})
	if o.index != nil {
		o.index[key] = len(o.fields) - 1
	} else if len(o.fields) >= indexFrom {
		o.index = make(map[string]int, 2*len(o.fields))
		for i, f := range o.fields {
			o.index[f.Key] = i
		}
	}
}

// Clone returns a copy whose keys can be set without changing o.
func (o *Object) Clone() *Object {
	c := NewObject(o.Len() + 1)
	for _, f := range o.Fields() {
		c.Set(f.Key, f.Value)
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
			if below.lazy && f.Value.lazy {
				// What is nested deeply would be read again at every level.
				below, f.Value = below.Whole(), f.Value.Whole()
			}
			m.Set(f.Key, MapOf(below.Object().Merge(f.Value.Object())))
		} else {
			m.Set(f.Key, f.Value)
		}
	}
	return m
}

func (o *Object) find(key string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(o.fields, func(f Field) bool { return f.Key == key })
}
