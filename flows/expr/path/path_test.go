package path

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestString(t *testing.T) {
	p := &Path{Root: "event", Steps: []flow.Step{{Key: "a"}, {Index: 3, IsIndex: true}, {Key: "b c"}, {Key: ""}, {Key: "d-e"}}}
	if got, want := p.String(), `event.a[3]["b c"][""].d-e`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestLookup: a string reads objects only, a number lists only, and what leads
// nowhere is told from a null.
func TestLookup(t *testing.T) {
	v := flow.MapOf(flow.ObjectOf(
		flow.Field{Key: "0", Value: flow.ListOf([]flow.Value{flow.IntOf(7), flow.NullValue})},
		flow.Field{Key: "s", Value: flow.TextOf("x")},
	))
	key := func(k string) flow.Step { return flow.Step{Key: k} }
	at := func(i int) flow.Step { return flow.Step{Index: i, IsIndex: true} }
	for _, test := range []struct {
		steps []flow.Step
		want  flow.Value
		ok    bool
	}{
		{nil, v, true},
		{[]flow.Step{key("0"), at(0)}, flow.IntOf(7), true},
		{[]flow.Step{key("0"), at(1)}, flow.NullValue, true},
		{[]flow.Step{key("0"), at(2)}, flow.NullValue, false},
		{[]flow.Step{key("0"), at(-1)}, flow.NullValue, false},
		{[]flow.Step{key("0"), key("0")}, flow.NullValue, false},
		{[]flow.Step{at(0)}, flow.NullValue, false},
		{[]flow.Step{key("s"), at(0)}, flow.NullValue, false},
		{[]flow.Step{key("none"), key("none")}, flow.NullValue, false},
	} {
		got, ok := Lookup(v, test.steps)
		if !got.Equal(test.want) || ok != test.ok {
			t.Errorf("%v: got %v %v", test.steps, got, ok)
		}
		if n := len(test.steps); n > 0 {
			before, _ := Lookup(v, test.steps[:n-1])
			next, found := Next(before, test.steps[n-1])
			further, there := (&Path{Root: "event", Steps: test.steps[:n-1]}).Further(&flow.Event{Value: v}, test.steps[n-1])
			if !next.Equal(got) || found != ok || !further.Equal(got) || there != ok {
				t.Errorf("%v: Next says %v, Further %v, Lookup %v", test.steps, found, there, ok)
			}
		}
	}
}
