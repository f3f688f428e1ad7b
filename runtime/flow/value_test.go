package flow

import (
	"math"
	"strings"
	"testing"
)

func TestValueHoldsEachKind(t *testing.T) {
	o := ObjectOf(Field{"a", IntOf(1)})
	for _, tt := range []struct {
		v    Value
		kind Kind
	}{
		{NullValue, Null},
		{BoolOf(true), Bool},
		{IntOf(-5), Int},
		{FloatOf(1.5), Float},
		{NumberOf("42.0"), Number},
		{NumberOf("12345678901234567890"), Number},
		{NumberOf("-0"), Number},
		{NumberOf("42"), Int},
		{TextOf(""), Text},
		{TextOf("x"), Text},
		{BytesOf([]byte{1}), Bytes},
		{ListOf(nil), List},
		{ListOf([]Value{IntOf(1)}), List},
		{MapOf(o), Map},
		{MapOf(nil), Null},
	} {
		if tt.v.Kind() != tt.kind {
			t.Errorf("kind %v, want %v", tt.v.Kind(), tt.kind)
		}
		if !tt.v.Equal(tt.v) {
			t.Errorf("a %v does not equal itself", tt.kind)
		}
	}
	if IntOf(-5).Int() != -5 || FloatOf(1.5).Float() != 1.5 || !BoolOf(true).Bool() || TextOf("x").Text() != "x" || NumberOf("42.0").Text() != "42.0" {
		t.Error("a scalar is not what it was")
	}
	if TextOf("1").Int() != 0 || IntOf(1).Text() != "" || NullValue.Bool() || IntOf(1).List() != nil || NullValue.Object().Len() != 0 {
		t.Error("an accessor of another kind returns something")
	}
}

func TestEqual(t *testing.T) {
	list := func(vs ...Value) Value { return ListOf(vs) }
	object := func(fs ...Field) Value { return MapOf(ObjectOf(fs...)) }
	for _, tt := range []struct {
		a, b Value
		want bool
	}{
		{IntOf(1), FloatOf(1), true},
		{IntOf(1), NumberOf("1.0"), true},
		{NumberOf("1e3"), IntOf(1000), true},
		{NumberOf("0.1"), FloatOf(0.1), true}, // although the float is not exactly a tenth
		{NumberOf("0.1"), NumberOf("0.10"), true},
		{NumberOf("0.1"), NumberOf("0.1000000000000000055511151231257827"), false},
		{IntOf(math.MaxInt64), FloatOf(math.MaxInt64), false},
		{NumberOf("12345678901234567890"), NumberOf("12345678901234567891"), false},
		{NumberOf("1e999999999"), IntOf(1), false},
		{FloatOf(math.NaN()), FloatOf(math.NaN()), false},
		{IntOf(1), TextOf("1"), false},
		{IntOf(0), NullValue, false},
		{BoolOf(false), NullValue, false},
		{TextOf("a"), BytesOf([]byte("a")), false},
		{list(IntOf(1), IntOf(2)), list(FloatOf(1), IntOf(2)), true},
		{list(IntOf(1)), list(IntOf(1), IntOf(2)), false},
		{object(Field{"a", IntOf(1)}, Field{"b", NullValue}), object(Field{"b", NullValue}, Field{"a", IntOf(1)}), true},
		{object(Field{"a", NullValue}), object(Field{"b", NullValue}), false},
	} {
		if tt.a.Equal(tt.b) != tt.want || tt.b.Equal(tt.a) != tt.want {
			t.Errorf("%v %v == %v %v is not %v", tt.a.Kind(), tt.a.Text(), tt.b.Kind(), tt.b.Text(), tt.want)
		}
	}
}

func TestObjectKeepsOrder(t *testing.T) {
	o := &Object{}
	var keys []string
	for i := range 40 {
		key := strings.Repeat("k", i+1)
		keys = append(keys, key)
		o.Set(key, IntOf(int64(i)))
	}
	o.Set(keys[3], TextOf("changed"))
	for i, f := range o.Fields() {
		if f.Key != keys[i] {
			t.Fatalf("key %d is %q", i, f.Key)
		}
	}
	if v, ok := o.Get(keys[3]); !ok || v.Text() != "changed" {
		t.Error("a key that is set again has its old value")
	}
	if _, ok := o.Get("nothing"); ok {
		t.Error("a key is there that was never set")
	}
	c := o.Clone()
	c.Set("new", NullValue)
	if o.Len() != 40 || c.Len() != 41 {
		t.Error("a clone is not apart from its original")
	}
}

func TestMergeIsDeepAndChangesNothing(t *testing.T) {
	at := func(o *Object, path ...string) Value {
		v := MapOf(o)
		for _, key := range path {
			v, _ = v.Object().Get(key)
		}
		return v
	}
	under := ObjectOf(Field{"ws", MapOf(ObjectOf(Field{"tls", BoolOf(true)}, Field{"peer", IntOf(1)}))})
	top := ObjectOf(Field{"ws", MapOf(ObjectOf(Field{"peer", IntOf(2)}))}, Field{"x", IntOf(3)})
	m := under.Merge(top)
	if at(m, "ws", "peer").Int() != 2 || !at(m, "ws", "tls").Bool() || at(m, "x").Int() != 3 {
		t.Error("not merged")
	}
	if at(under, "ws", "peer").Int() != 1 || under.Len() != 1 {
		t.Error("merging has changed what was below")
	}
	var none *Object
	if none.Merge(top).Len() != 2 {
		t.Error("merging onto nothing is not the top")
	}
}
