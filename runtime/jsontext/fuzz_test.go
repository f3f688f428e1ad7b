package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
)

var texts = []string{
	`null`, `true`, `0`, `-0`, `42.0`, `1E+400`, `12345678901234567890`, `""`, `"\"\\\/\b\f\n\r\t\u0000\u00e9\ud83d\ude80"`, `"\ud83d"`,
	`[]`, `[ ]`, `[1,[2,[3]],{"a":[]}]`, `{}`, ` { } `, `{"b":1,"a":{"c":[true,null,"x"]},"a b":-0.5}`,
	`{"a":1,"b":2,"a":{"x":3}}`, `{"a\"b":1,"\u0061\ud83d\ude80":{"\\":[]}}`, `{"a":[1],"\u0061":[2,{"a":"]}"}]}`,
	" {\r\n\t\"pretty\" : [ 1 ,\n 2 ] , \"x\":\"long enough to take several words of eight\" }\n",
	`{"a":0,"b":1,"c":2,"d":3,"e":4,"f":5,"g":6,"h":7,"i":8,"j":9,"k":10,"l":11,"m":12,"n":13,"o":14,"p":15,"q":16,"a":{"r":17}}`,
	`{"a":"b","b":["a","a"],"ab":" a","a" : 2}`, `{"a,":":1",":":",", ",":"a"}`,
	string(typical), `[[[[[[[[[[[[]]]]]]]]]]]]`, `[1,]`, `{"a":1`, "\"\xff\"",
}

// FuzzFind compares what is found in a text, and what is opened of it level by
// level, with the whole value. That the whole is right is for the test of the
// codec.
func FuzzFind(f *testing.F) {
	for i, s := range texts {
		f.Add([]byte(s), []byte{0, byte(i), 1, 255, 2, 0})
		f.Add([]byte(s), []byte{byte(i)})
	}
	f.Fuzz(func(t *testing.T, b, way []byte) {
		const depth = 30
		original := bytes.Clone(b)
		text, err := Check(b, depth)
		if (err == nil) != (json.Valid(b) && utf8.Valid(b) && depthOf(b) <= depth) {
			t.Fatalf("%q: %v", b, err)
		}
		if err != nil {
			return
		}
		whole, err := Form{}.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		isOpened(t, whole, flow.LazyOf(text, Form{}))
		isPassed(t, whole, text)
		path, want, ok := walk(whole, way)
		found, there := Form{}.Find(text, path)
		if ok != there {
			t.Fatalf("%q has something at %v: %v, found: %v", text, path, ok, there)
		}
		if there {
			if !json.Valid(found) {
				t.Fatalf("%q at %v: found %q", text, path, found)
			}
			got, _ := Form{}.Decode(found)
			isOpened(t, want, got)
			isOpened(t, want, flow.LazyOf(found, Form{}))
			encodes(t, found, want)
		}
		if !bytes.Equal(b, original) {
			t.Fatalf("%q was changed to %q", original, b)
		}
	})
}

// depthOf is how deep a text is nested, if it is one.
func depthOf(b []byte) int {
	depth, deepest, in := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case in && c == '\\':
			i++
		case c == '"':
			in = !in
		case in:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

// walk goes down a value the way that some bytes say, sometimes to where there
// is nothing.
func walk(v flow.Value, way []byte) (path []flow.Step, at flow.Value, ok bool) {
	for _, b := range way {
		n := int(b)
		fields := v.Object().Fields()
		step := flow.Step{Key: "no such key"}
		switch {
		case v.Kind() == flow.List || b >= 250:
			step = flow.Step{Index: n%(len(v.List())+2) - 1, IsIndex: true}
		case b < 230 && len(fields) > 0:
			step = flow.Step{Key: fields[n%len(fields)].Key}
		case b < 245:
			step = flow.Step{Key: [...]string{":", ",", "}", `":"`, `"`, "a"}[n%6]}
		}
		path = append(path, step)
		list := v.List()
		switch {
		case step.IsIndex && step.Index >= 0 && step.Index < len(list):
			v = list[step.Index]
		case step.IsIndex:
			return path, v, false
		default:
			if v, ok = v.Object().Get(step.Key); !ok {
				return path, v, false
			}
		}
	}
	return path, v, true
}

// isOpened checks that a value that is opened level by level is the same, in
// the same order and spelling.
func isOpened(t *testing.T, want, got flow.Value) {
	t.Helper()
	if want.Kind() != got.Kind() || want.Text() != got.Text() || !want.Equal(got) || !got.Equal(want) {
		t.Fatalf("opened it is %v %q, not %v %q", got.Kind(), got.Text(), want.Kind(), want.Text())
	}
	list, fields := want.List(), want.Object().Fields()
	if len(list) != len(got.List()) || len(fields) != got.Object().Len() {
		t.Fatalf("opened it has other parts")
	}
	for i := range list {
		isOpened(t, list[i], got.List()[i])
	}
	for i, f := range fields {
		g := got.Object().Fields()[i]
		if f.Key != g.Key {
			t.Fatalf("opened it has the key %q, not %q", g.Key, f.Key)
		}
		isOpened(t, f.Value, g.Value)
	}
}

// isPassed checks that one passes by the parts of a value.
func isPassed(t *testing.T, want flow.Value, text []byte) {
	t.Helper()
	var list []flow.Value
	o := flow.NewObject(0)
	for p := PartsOf(text); p.Next(); {
		v, _ := Form{}.Decode(p.Raw)
		list = append(list, v)
		o.Set(p.Key, v)
	}
	switch want.Kind() {
	case flow.List:
		isOpened(t, want, flow.ListOf(list))
	case flow.Map:
		isOpened(t, want, flow.MapOf(o))
	default:
		if len(list) > 0 {
			t.Fatalf("%q has parts", text)
		}
	}
}

// encodes checks that a part is written as it is spelled, alone and inside of
// what the flow makes.
func encodes(t *testing.T, raw []byte, v flow.Value) {
	t.Helper()
	lazy := flow.LazyOf(raw, Form{})
	inside := flow.MapOf(flow.ObjectOf(flow.Field{Key: "x", Value: lazy}))
	got, err := Append(nil, inside, false)
	if err != nil || !json.Valid(got) || bytes.ContainsAny(got, "\r\n") {
		t.Fatalf("%q became %q: %v", raw, got, err)
	}
	if _, _, ok := lazy.Encoded(); ok && !bytes.ContainsAny(raw, "\r\n") && string(got) != `{"x":`+string(raw)+`}` {
		t.Fatalf("%q became %q", raw, got)
	}
	for _, style := range []Style{{}, {SortKeys: true}, {Indent: 2}} {
		one, err1 := style.Append(nil, lazy)
		two, err2 := style.Append(nil, v)
		back, err := Parse(one)
		if err1 != nil || err2 != nil || err != nil || !back.Equal(v) {
			t.Fatalf("%+v: %q became %q: %v", style, raw, one, err)
		}
		if style != (Style{}) && !bytes.Equal(one, two) {
			t.Fatalf("%+v: %q became %q, decoded first %q", style, raw, one, two)
		}
		if strings.ContainsAny(string(two), "\r\n") && style.Indent == 0 {
			t.Fatalf("%q became several lines: %q", raw, two)
		}
	}
}
