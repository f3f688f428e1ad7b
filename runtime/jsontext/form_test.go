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

// TestFindInFlat: what only looks like a key, in an object that is searched as
// bytes.
func TestFindInFlat(t *testing.T) {
	many := `{"s":"` + strings.Repeat("k ", 20) + `","k":1}`
	for _, test := range []struct{ text, key, want string }{
		{`{"k":1}`, "k", "1"},
		{` { "k" : "k" , "l":["k"] } `, "k", `"k"`},
		{`{"k":1,"k":2}`, "k", "2"},
		{`{"k":1,"l":"k","m":["k","k"],"kk":3,"ak":4}`, "k", "1"},
		{`{"l":"k","m":["k","k"],"kk":3}`, "k", ""},
		{`{"k":"a k: \"k\"","l":0}`, "k", `"a k: \"k\""`},
		{`{"l":"\"k\":1"}`, "k", ""},
		{`{"\u006b":1}`, "k", "1"},
		{`{"l":{"k":1}}`, "k", ""},
		{`{"l":[{"k":1}],"k":2}`, "k", "2"},
		{`{"a,":":1"}`, ":", ""},
		{`{"{":",","b":": 1"}`, ",", ""},
		{`{"a":"b","c":":1"}`, `":"`, ""},
		{`{",":1,":":2}`, ":", "2"},
		{`{"a":"","":1}`, "", "1"},
		{`{"a":"}"}`, "}", ""},
		{`{}`, "}", ""},
		{`{ }`, "k", ""},
		{many, "k", "1"},
		{many, " ", ""},
	} {
		got, ok := Form{}.Find(checked(t, test.text), []flow.Step{{Key: test.key}})
		if string(got) != test.want || ok != (test.want != "") {
			t.Errorf("%q in %s: got %q %v, want %q", test.key, test.text, got, ok, test.want)
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

func TestAllocations(t *testing.T) {
	text := checked(t, `{"first":[1,{"\u0061":"x"}],"a\"b":{"n":42.50,"s":"plain"},"a\"b":{"n":1e3,"s":"plain","l":[]}}`)
	find := func(path ...flow.Step) func() {
		return func() {
			raw, ok := Form{}.Find(text, path)
			if !ok {
				t.Error("not found")
			}
			_, _ = Form{}.Scalar(raw)
			_ = Form{}.Kind(raw)
		}
	}
	dst := make([]byte, 0, 1024)
	for _, test := range []struct {
		name string
		f    func()
		most float64
	}{
		{"check", func() { _, _ = Check(text, DefaultDepth) }, 0},
		{"find a number", find(flow.Step{Key: `a"b`}, flow.Step{Key: "n"}), 0},
		{"find a string by an escaped key", find(flow.Step{Key: "first"}, flow.Step{Index: 1, IsIndex: true}, flow.Step{Key: "a"}), 0},
		{"find a list", find(flow.Step{Key: `a"b`}, flow.Step{Key: "l"}), 0},
		{"write what is encoded", func() { dst, _ = Append(dst[:0], flow.LazyOf(text, Form{}), false) }, 1},
	} {
		if n := testing.AllocsPerRun(100, test.f); n > test.most {
			t.Errorf("%s: %v allocations, want at most %v", test.name, n, test.most)
		}
	}
}
