package flow

import (
	"bytes"
	"sync"
	"testing"
	"unsafe"
)

// spaced is a form of its own: numbers with spaces between them are a list, and
// what is in brackets is a list inside.
type spaced struct{ opened, decoded *int }

func (s spaced) Kind(raw []byte) Kind {
	if len(raw) > 0 && raw[0] == '[' {
		return List
	}
	return Text
}

func (s spaced) Scalar(raw []byte) (Value, bool) {
	return TextOf(string(raw)), s.Kind(raw) == Text
}

func (s spaced) Find(raw []byte, path []Step) ([]byte, bool) { return raw, len(path) == 0 }

func (s spaced) Open(raw []byte) Value {
	*s.opened++
	var parts []Value
	for _, part := range bytes.Fields(raw[1 : len(raw)-1]) {
		parts = append(parts, LazyOf(part, s))
	}
	return ListOf(parts)
}

func (s spaced) Decode(raw []byte) (Value, error) {
	*s.decoded++
	return wholeOf(s.Open(bytes.Clone(raw))), nil
}

// wholeOf is v without anything lazy in it.
func wholeOf(v Value) Value {
	var parts []Value
	for _, part := range v.List() {
		if part.Kind() == List {
			part = wholeOf(part)
		}
		parts = append(parts, part)
	}
	return ListOf(parts)
}

func newSpaced() spaced { return spaced{new(int), new(int)} }

func TestLazy(t *testing.T) {
	form := newSpaced()
	raw := []byte("[a [b] c]")
	v := LazyOf(raw, form)
	if got, by, ok := v.Encoded(); !ok || &got[0] != &raw[0] || by != form {
		t.Errorf("encoded it is %q, %v %v", got, by, ok)
	}
	if v.Kind() != List || v.IsNull() || v.Object() != nil || v.Text() != "" || *form.opened != 0 {
		t.Errorf("its kind is %v, opened %d times", v.Kind(), *form.opened)
	}
	again := v // a copy shares what was opened
	if len(v.List()) != 3 || len(again.List()) != 3 || *form.opened != 1 {
		t.Errorf("opened %d times, want once", *form.opened)
	}
	if v.List()[0].Text() != "a" || v.List()[1].Kind() != List {
		t.Error("its parts are others")
	}
	if _, _, ok := LazyOf([]byte("a"), form).Encoded(); ok {
		t.Error("a scalar is lazy")
	}
	if _, _, ok := ListOf(v.List()).Encoded(); ok {
		t.Error("a list of the parts of a lazy one has its spelling")
	}
	if !v.Equal(ListOf([]Value{TextOf("a"), ListOf([]Value{TextOf("b")}), TextOf("c")})) || v.Equal(ListOf(nil)) {
		t.Error("it does not equal what it means")
	}
	before := *form.decoded
	if v.Whole(); !v.Whole().Equal(v) || *form.decoded != before+1 {
		t.Errorf("all of it was decoded %d times, want once", *form.decoded-before)
	}
}

func TestHeldLazyIsAnother(t *testing.T) {
	form := newSpaced()
	raw := []byte("[a [b] c]")
	want := LazyOf(bytes.Clone(raw), form)
	seen := LazyOf(raw, form)
	seen.List()
	held := []Value{LazyOf(raw, form).Held(), seen.Held(), MapOf(ObjectOf(Field{"x", LazyOf(raw, form)})).Held()}
	event := Event{Value: LazyOf(raw, form)}
	kept := event.Held()
	for i := range raw {
		raw[i] = '#'
	}
	inside, _ := held[2].Object().Get("x")
	for _, v := range []Value{held[0], held[1], inside, kept.Value} {
		if !v.Equal(want) {
			t.Error("what is held has changed with its memory")
		}
	}
}

// TestLazyForManyReaders is for the race detector.
func TestLazyForManyReaders(t *testing.T) {
	o := MapOf(ObjectOf(Field{"x", LazyOf([]byte("[a b]"), constant{})}))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			x, _ := o.Object().Get("x")
			if len(x.List()) != 2 || !x.Whole().Equal(x) {
				t.Error("not what it was")
			}
		})
	}
	all.Wait()
}

// constant is a form of one list.
type constant struct{}

func (constant) Kind([]byte) Kind                         { return List }
func (constant) Scalar([]byte) (Value, bool)              { return NullValue, false }
func (constant) Find(raw []byte, _ []Step) ([]byte, bool) { return raw, true }
func (constant) Open([]byte) Value                        { return ListOf([]Value{IntOf(1), IntOf(2)}) }
func (c constant) Decode(raw []byte) (Value, error)       { return c.Open(raw), nil }

func TestMergeLeavesTheRestLazy(t *testing.T) {
	big := LazyOf([]byte("[a b]"), constant{})
	m := ObjectOf(Field{"big", big}).Merge(ObjectOf(Field{"x", IntOf(1)}))
	if v, _ := m.Get("big"); v != big {
		t.Error("what was not merged is not as it was")
	}
}

func TestValueIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(NullValue); size != 24 {
		t.Errorf("a Value has %d bytes, want 24", size)
	}
}
