package flow

import "testing"

func TestValueSize(t *testing.T) {
	looked := LazyOf([]byte("[a [b] d]"), newSpaced())
	looked.List()
	for _, test := range []struct {
		name string
		v    Value
		want int
	}{
		{"null", NullValue, overhead},
		{"number", IntOf(1 << 40), overhead},
		{"text", TextOf("abc"), overhead + 3},
		{"bytes", BytesOf([]byte("abc")), overhead + 3},
		{"spelled number", NumberOf("1.50"), overhead + 4},
		{"list", ListOf([]Value{TextOf("a"), NullValue}), 3*overhead + 1},
		{"object", MapOf(ObjectOf(Field{"key", TextOf("a")})), 2*overhead + 4},
		{"encoded", LazyOf([]byte("[a [b] d]"), newSpaced()), overhead + 9},
		{"encoded, in a list", ListOf([]Value{LazyOf([]byte("[a]"), newSpaced())}), 2*overhead + 3},
		{"looked into", looked, overhead + 9 + 3*overhead},
		{"looked into, and kept", looked.Held(), overhead + 9},
	} {
		if got := test.v.Size(); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	looked.List()[1].List() // and further
	if got, want := looked.Size(), overhead+9+4*overhead; got != want {
		t.Errorf("looked into further: got %d, want %d", got, want)
	}
}
