package yamltext

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// result is a value as JSON, or an error behind an exclamation mark.
func result(x flow.Value, err error) string {
	if err != nil {
		return "!" + err.Error()
	}
	b, err := jsontext.Append(nil, x, false)
	if err != nil {
		return "!" + err.Error()
	}
	return string(b)
}

func TestYAML(t *testing.T) {
	for _, tt := range []struct{ yaml, want string }{
		{"", `null`},
		{"# nothing", `null`},
		{"~", `null`},
		{"a", `"a"`},
		{"12", `12`},
		{"-1.50", `-1.50`},
		{"9223372036854775808", `9223372036854775808`},
		{"0x1f", `31`},
		{"2020-01-02", `"2020-01-02"`},
		{"true", `true`},
		{"\"a\\n\"", `"a\n"`},
		{"'it''s'", `"it's"`},
		{"- a\n- - b\n  - 1\n- {x: y, z: }", `["a",["b",1],{"x":"y","z":null}]`},
		{"a: 1\nb:\n  c: [1, 2]\n  d: |\n    x\n    y\n", `{"a":1,"b":{"c":[1,2],"d":"x\ny\n"}}`},
		{"1: a\ntrue: b\n? c\n: d", `{"1":"a","true":"b","c":"d"}`},
		{"a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\ne: *x", `{"a":{"b":1},"c":{"b":1,"d":2},"e":{"b":1}}`},
		{"!!str 12", `"12"`},
		{"!!binary aGk=", `"aGk="`}, // bytes, as JSON shows them
		{"---\na: 1\n", `{"a":1}`},
		{"a: 1\n---\nb: 2\n", `!more than one`},
		{"a: *none", `!`},
		{"a: b: c: d", `!something is wrong in line 1`},
		{"x: y\na: [1", `!something is wrong in line 2`},
		{"a: 1\nb: 2\na: 3", `!a key is there twice in line 3`},
		{".inf", `!infinite`},
		{"[0777, 1_000, 0b11, 08, 0o17, 0x1F, -0x1, 1_0.5]", `[777,"1_000","0b11",8,15,31,"-0x1","1_0.5"]`}, // as 1.2 has them, not 1.1
		{"[+1, .5, 5., -.5e-3, +1e3, -007.50, '1', e1, ., +]", `[1,0.5,5,-0.5e-3,1e3,-7.50,"1","e1",".","+"]`},
		{"0xffffffffffffffffff", `4722366482869645213695`},
		{"!!int '0x10'", `16`},
		{"%YAML 1.2\n---\na: 1\n", `{"a":1}`},
		{"%YAML 1.2\n---\na: 1\n---\nb: 1\n", `!more than one`},
		{"a: \xff", `!not UTF-8`},
		{"\"", `!`},
		{"a: &a [*a]", `!`},
		{strings.Repeat("[", 600) + strings.Repeat("]", 600), `!deeper than 500`},
		{strings.Repeat("[", 30000), `!deeper than 500`},
		{strings.Repeat("- ", 30000), `!deeper than 500`},
		{strings.Repeat("? ", 30000), `!deeper than 500`},
		{strings.Repeat("!a ", 20000), `!deeper than 500`},
		{strings.Repeat("&a ", 20000), `!deeper than 500`},
		{strings.Repeat("a", MaxLength+1), `!64 KiB`},
		{"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]", `!too much`},
	} {
		got := result(Parse([]byte(tt.yaml)))
		if want, isErr := strings.CutPrefix(tt.want, "!"); got != tt.want && !(isErr && strings.HasPrefix(got, "!") && strings.Contains(got, want)) {
			t.Errorf("%.60q is %s, want %s", tt.yaml, got, tt.want)
		}
	}
	for value, want := range map[string]string{
		`1`:                                   "1\n",
		`"a b"`:                               "\"a b\"\n",
		`"no"`:                                "\"no\"\n",
		`"a/b.c-d"`:                           "a/b.c-d\n",
		`[]`:                                  "[]\n",
		`{}`:                                  "{}\n",
		`[1,[2,[]],{"a":1,"b":{"c":[null]}}]`: "- 1\n- - 2\n  - []\n- a: 1\n  b:\n    c:\n      - null\n",
		`{"a":["x--","z"],"b":{"c":"z--"}}`:   "a:\n  - x--\n  - z\nb:\n  c: z--\n", // the end of a text is no dash of a list
		`{"a":["--",["x----",["z"]]]}`:        "a:\n  - \"--\"\n  - - x----\n    - - z\n",
		`{"a":[[1,2],{"x y":"1"}]}`:           "a:\n  - - 1\n    - 2\n  - \"x y\": \"1\"\n",
	} {
		x, err := jsontext.Parse([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Append(nil, x)
		if err != nil || string(got) != want {
			t.Errorf("%s is %q, want %q (%v)", value, got, want, err)
		}
		if back, err := Parse(got); err != nil || !back.Equal(x) {
			t.Errorf("%s comes back as %s", value, result(back, err))
		}
	}
}

func FuzzYAML(f *testing.F) {
	f.Add("a: [1, {b: c}]\nd: |\n  x\n", `{"a":["- b: c","\u0000",-1.5e3,{"":"#"}]}`)
	f.Fuzz(func(t *testing.T, yaml, json string) {
		if x, err := Parse([]byte(yaml)); err == nil {
			roundTrip(t, x)
		}
		if x, err := jsontext.Parse([]byte(json)); err == nil {
			roundTrip(t, x)
		}
	})
}

func roundTrip(t *testing.T, x flow.Value) {
	text, err := Append(nil, x)
	if err != nil || len(text) > MaxLength || depthOf(string(text)) > MaxDepth {
		return
	}
	if back, err := Parse(text); err != nil || !back.Equal(x) {
		t.Errorf("%s becomes %s by way of\n%s", result(x, nil), result(back, err), text)
	}
}
