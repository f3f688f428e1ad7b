package jsontext

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestFind(t *testing.T) {
	key := func(k string) flow.Step { return flow.Step{Key: k} }
	at := func(i int) flow.Step { return flow.Step{Index: i, IsIndex: true} }
	const message = ` { "a" : {"b":[10, "x" ,{"c":null}]}, "dup":1, "d\u0075p":{"x":2}, "\ud83d\ude80\n":"rocket", "":7,
		"long key of several words":"va\"lue", "half\ud83d":true, "list":[ ], "dup": {"y":[[1],[2 , 3]]} } `
	for _, test := range []struct {
		path []flow.Step
		want string // "" for none
	}{
		{[]flow.Step{key("a"), key("b"), at(0)}, "10"},
		{[]flow.Step{key("a"), key("b"), at(1)}, `"x"`},
		{[]flow.Step{key("a"), key("b"), at(2)}, `{"c":null}`},
		{[]flow.Step{key("a"), key("b"), at(2), key("c")}, "null"},
		{[]flow.Step{key("a"), key("b"), at(3)}, ""},
		{[]flow.Step{key("a"), key("b"), at(-1)}, ""},
		{[]flow.Step{key("a"), key("b"), key("0")}, ""},
		{[]flow.Step{key("a"), at(0)}, ""},
		{[]flow.Step{key("a"), key("b"), at(0), key("c")}, ""},
		{[]flow.Step{key("dup"), key("x")}, ""},
		{[]flow.Step{key("dup"), key("y"), at(1)}, "[2 , 3]"},
		{[]flow.Step{key("dup"), key("y"), at(1), at(1)}, "3"},
		{[]flow.Step{key("🚀\n")}, `"rocket"`},
		{[]flow.Step{key("🚀")}, ""},
		{[]flow.Step{key("🚀\n ")}, ""},
		{[]flow.Step{key(`\ud83d\ude80\n`)}, ""},
		{[]flow.Step{key("")}, "7"},
		{[]flow.Step{key("half\ufffd")}, "true"},
		{[]flow.Step{key("long key of several words")}, `"va\"lue"`},
		{[]flow.Step{key("list")}, "[ ]"},
		{[]flow.Step{key("list"), at(0)}, ""},
		{[]flow.Step{key("A")}, ""},
	} {
		text, err := Check([]byte(message), DefaultDepth)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Form{}.Find(text, test.path)
		if string(got) != test.want || ok != (test.want != "") {
			t.Errorf("%v: got %q %v, want %q", test.path, got, ok, test.want)
		}
	}
}

// TestLargeIsNotShared: who keeps a part of a large message does not keep
// all of it.
func TestLargeIsNotShared(t *testing.T) {
	small := `{"a":"x"}`
	large := `{"a":"x","b":"` + strings.Repeat("y", shareUpTo) + `","c":1.5}`
	for _, message := range []string{small, large} {
		v, err := Form{}.Decode([]byte(message))
		if err != nil {
			t.Fatal(err)
		}
		a, _ := v.Object().Get("a")
		if a.Text() != "x" {
			t.Errorf("a is %q", a.Text())
		}
	}
	if memoryFor([]byte(large)).own || !memoryFor([]byte(small)).own {
		t.Error("the small message is copied whole, the large one in parts")
	}
}
