package flow

import "strings"

// Held returns a copy of v that shares no memory with an event's Raw, for those
// who keep it longer than the Send that brought it.
func (v Value) Held() Value {
	if raw, form, ok := v.Encoded(); ok {
		return LazyOf(append(make([]byte, 0, len(raw)), raw...), form)
	}
	switch v.kind {
	case Text:
		return TextOf(strings.Clone(v.text()))
	case Number:
		return Value{kind: Number, num: v.num, ptr: TextOf(strings.Clone(v.text())).ptr}
	case Bytes:
		return BytesOf(append([]byte(nil), v.Bytes()...))
	case List:
		list := make([]Value, len(v.List()))
		for i, x := range v.List() {
			list[i] = x.Held()
		}
		return ListOf(list)
	case Map:
		o := NewObject(v.Object().Len())
		for _, f := range v.Object().Fields() {
			o.Set(strings.Clone(f.Key), f.Value.Held())
		}
		return MapOf(o)
	}
	return v
}
