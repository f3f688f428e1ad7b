package codecs

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
)

func TestJSONRefuses(t *testing.T) {
	for message, want := range map[string]string{
		"":                      `it is empty: use the preprocessor "remove_empty"`,
		" \r\n\t":               "it is empty",
		"\xef\xbb\xbf{}":        "byte order mark",
		"{} {}":                 "there is more after the end of the value at byte 3",
		"1,":                    "there is more after the end of the value",
		"nul":                   "a value is expected",
		"True":                  "a value is expected at byte 0",
		"NaN":                   "a value is expected at byte 0",
		"'a'":                   "a value is expected at byte 0",
		"[1,]":                  "a value is expected at byte 3",
		"[1 2]":                 "a comma or the end of a list is expected at byte 3",
		"[":                     "it ends after 1 bytes, too early: a value is expected",
		"[1":                    "it ends after 2 bytes, too early: a comma or the end of a list is expected",
		"[1}":                   "a comma or the end of a list is expected at byte 2",
		`{"a":1,}`:              "a key in quotes is expected at byte 7",
		`{a:1}`:                 "a key in quotes is expected at byte 1",
		`{"a" 1}`:               "a colon is expected at byte 5",
		`{"a":}`:                "a value is expected at byte 5",
		`{"a":1]`:               "a comma or the end of an object is expected at byte 6",
		`{"a":1`:                "it ends after 6 bytes, too early",
		`{"a`:                   "too early: a string has no end",
		`"\x41"`:                "a string has an escape that JSON does not know at byte 1",
		`"1234567\u12g4"`:       "a string has an escape that JSON does not know at byte 8",
		`"\`:                    "a string has an escape",
		"\"a\nb\"":              "a string has a control character: escape it at byte 2",
		"\"12345678\x1f12345\"": "a string has a control character: escape it at byte 9",
		"\"\x00\"":              "a string has a control character",
		"\"abc\xff\"":           "it is not UTF-8 at byte 4",
		"{\"\xc3\":1}":          "it is not UTF-8 at byte 2",
		"\"\xed\xa0\x80\"":      "it is not UTF-8 at byte 1", // a surrogate, encoded
		"01":                    "there is more after the end",
		"-":                     "a number is not spelled as JSON asks at byte 0",
		"[-01]":                 "a comma or the end of a list",
		"1.":                    "a number is not spelled",
		".5":                    "a value is expected",
		"+1":                    "a value is expected",
		"1e":                    "a number is not spelled",
		"1e+":                   "a number is not spelled",
		"0x10":                  "there is more after the end",
		"\u00a01":               "a value is expected", // white space, but not that of JSON
		"\v1":                   "a value is expected",
		"// comment\n1":         "a value is expected",
	} {
		var e flow.Event
		err := codectest.Of(t, jsonSpec.Config()).Decode(&e, []byte(message))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "decode a message as JSON: ") {
			t.Errorf("%q: got %v, want %q in it", message, err, want)
		}
		if e.Raw != nil || e.Form != nil {
			t.Errorf("%q was refused and is in the event", message)
		}
	}
}

func TestJSONDepth(t *testing.T) {
	codec := codectest.Of(t, &jsonConfig{MaxDepth: 12})
	for _, test := range []struct {
		open, shut string
		levels     int
	}{{"[", "]", 1}, {`{"":`, "}", 1}, {`[{"a":0,"":`, "}]", 2}} {
		nest := func(levels int) []byte {
			n := levels / test.levels
			return []byte(strings.Repeat(test.open, n) + "0" + strings.Repeat(test.shut, n))
		}
		if err := codec.Decode(&flow.Event{}, nest(12)); err != nil {
			t.Errorf("12 levels of %s: %v", test.open, err)
		}
		err := codec.Decode(&flow.Event{}, nest(12+test.levels))
		if err == nil || !strings.Contains(err.Error(), "nested too deep: more than 12 levels at byte") {
			t.Errorf("more than 12 levels of %s: %v", test.open, err)
		}
	}
	bomb := bytes.Repeat([]byte(`[{"a":`), 1<<20)
	if err := codectest.Of(t, jsonSpec.Config()).Decode(&flow.Event{}, bomb); err == nil || !strings.Contains(err.Error(), "more than 512 levels") {
		t.Errorf("a bomb: %v", err)
	}
	deepest := []byte(strings.Repeat("[", 10000) + strings.Repeat("]", 10000))
	if out := recode(t, &jsonConfig{MaxDepth: 10000, SortKeys: true}, string(deepest)); out != string(deepest) {
		t.Error("the deepest that can be configured does not survive")
	}
}

// recode decodes and encodes a message.
func recode(t *testing.T, c flow.CodecConfig, message string) string {
	t.Helper()
	codec := codectest.Of(t, c)
	var e flow.Event
	if err := codec.Decode(&e, []byte(message)); err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	out, err := codec.Encode(nil, &e)
	if err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	return string(out)
}

func TestJSONUntouched(t *testing.T) {
	for message, want := range map[string]string{
		`{"b": 1.0, "a":[1e3 ,-0]}`:             `{"b": 1.0, "a":[1e3 ,-0]}`,
		" \t\r\n{\"b\":1}\r\n":                  `{"b":1}`,
		"{\n  \"a b\": [1, 2],\n  \"c\" : 3\n}": `{"a b":[1,2],"c":3}`,
		"[1,\r2]":                               `[1,2]`,
		"[\"\\n\\r \\\" x\",\n \"\\\\\"]":       `["\n\r \" x","\\"]`,
		`{"a":1,"a":2}`:                         `{"a":1,"a":2}`,
		`"\ud83d <b>"`:                          `"\ud83d <b>"`,
	} {
		if got := recode(t, jsonSpec.Config(), message); got != want {
			t.Errorf("%q became %q, want %q", message, got, want)
		}
	}
}

func TestJSONStyle(t *testing.T) {
	const message = ` {"b":[42.0,{"y":-0,"x":1e3},[]],"a":12345678901234567890,"é":{},"Z":1.50,"a":"<\u0041\/\u001f>"} `
	for _, test := range []struct {
		config jsonConfig
		want   string
	}{
		{jsonConfig{MaxDepth: 9, SortKeys: true}, `{"Z":1.50,"a":"<A/\u001f>","b":[42.0,{"x":1e3,"y":-0},[]],"é":{}}`},
		{jsonConfig{MaxDepth: 9, Indent: 2}, `{
  "b": [
    42.0,
    {
      "y": -0,
      "x": 1e3
    },
    []
  ],
  "a": "<A/\u001f>",
  "é": {},
  "Z": 1.50
}`},
	} {
		got := recode(t, &test.config, message)
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%+v: -want +got\n%s", test.config, d)
		}
		if again := recode(t, &test.config, got); again != got {
			t.Errorf("%+v: %q became %q the second time", test.config, got, again)
		}
	}
}

func TestJSONEncode(t *testing.T) {
	object := flow.ObjectOf(flow.Field{Key: "z\n", Value: flow.IntOf(1)}, flow.Field{Key: "a", Value: flow.NullValue})
	for _, test := range []struct {
		value flow.Value
		want  string
	}{
		{flow.MapOf(object), `{"z\n":1,"a":null}`},
		{flow.ListOf([]flow.Value{flow.BoolOf(true), flow.BoolOf(false), flow.ListOf(nil)}), `[true,false,[]]`},
		{flow.TextOf("\"\\/\b\f\n\r\t\x00\x1f\x7f<>&\u2028é🚀"), `"\"\\/\b\f\n\r\t\u0000\u001f` + "\x7f<>&\u2028é🚀\""},
		{flow.TextOf("a\xffb\xc3"), `"a` + "\ufffdb\ufffd\""},
		{flow.BytesOf([]byte{0, 0xff, 1, 2}), `"AP8BAg=="`},
		{flow.FloatOf(42), "42"},
		{flow.FloatOf(3.5), "3.5"},
		{flow.FloatOf(math.Copysign(0, -1)), "-0"},
		{flow.FloatOf(1e20), "100000000000000000000"},
		{flow.FloatOf(1e21), "1e+21"},
		{flow.FloatOf(1e-7), "1e-7"},
		{flow.FloatOf(math.MaxFloat64), "1.7976931348623157e+308"},
		{flow.IntOf(math.MinInt64), "-9223372036854775808"},
		{flow.NumberOf("1.10"), "1.10"},
	} {
		got, err := codectest.Of(t, jsonSpec.Config()).Encode(nil, &flow.Event{Value: test.value})
		if err != nil || string(got) != test.want {
			t.Errorf("got %q, %v; want %q", got, err, test.want)
		}
	}
	for _, refused := range []flow.Value{
		flow.FloatOf(math.NaN()), flow.FloatOf(math.Inf(1)), flow.FloatOf(math.Inf(-1)),
		flow.NumberOf("0x10"), flow.NumberOf(""), flow.NumberOf("1.5 "),
		flow.ListOf([]flow.Value{flow.FloatOf(math.NaN())}),
	} {
		got, err := codectest.Of(t, jsonSpec.Config()).Encode(nil, &flow.Event{Value: refused})
		if err == nil || !strings.HasPrefix(err.Error(), "encode the number ") {
			t.Errorf("got %q, %v; want an error", got, err)
		}
	}
}

func TestJSONOfAnotherForm(t *testing.T) {
	for _, test := range []struct {
		config  flow.CodecConfig
		message string
		want    string
	}{
		{stringSpec.Config(), "say \"hello\"\n", `"say \"hello\"\n"`},
		{binarySpec.Config(), "\x00\xff", `"AP8="`},
		{msgpackSpec.Config(), "\x82\xa1b\x01\xa1a\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00", `{"b":1,"a":0.5}`},
		{nullSpec.Config(), "anything", `null`},
	} {
		var e flow.Event
		if err := codectest.Of(t, test.config).Decode(&e, []byte(test.message)); err != nil {
			t.Fatal(err)
		}
		got, err := codectest.Of(t, jsonSpec.Config()).Encode(nil, &e)
		if err != nil || string(got) != test.want {
			t.Errorf("%q: got %s, %v; want %s", test.message, got, err, test.want)
		}
	}
}

func TestJSONBombs(t *testing.T) {
	for name, bomb := range map[string]string{
		"deep":          strings.Repeat(`[{"":`, 1<<18),
		"empty lists":   "[" + strings.Repeat("[],", 1<<16) + "0]",
		"empty objects": "[" + strings.Repeat("{},", 1<<16) + "0]",
		"small objects": "[" + strings.Repeat(`{"":0},`, 1<<16) + "0]",
		"lists":         "[" + strings.Repeat("[0],", 1<<16) + "0]",
		"one key again": "{" + strings.Repeat(`"":0,`, 1<<16) + `"":1}`,
		"digits":        strings.Repeat("1", 1<<20),
		"escapes":       `"` + strings.Repeat(`\n`, 1<<20) + `"`,
		"comb":          strings.Repeat(`[0,`, 511) + "[]" + strings.Repeat("]", 511),
	} {
		t.Run(name, func(t *testing.T) { isHarmless(t, jsonSpec.Config(), []byte(bomb)) })
	}
}

func TestJSONAllocations(t *testing.T) {
	codec := codectest.Of(t, jsonSpec.Config())
	var e flow.Event
	dst := make([]byte, 0, 1024)
	path := []flow.Step{{Key: "tags"}, {Index: 1, IsIndex: true}}
	price := []flow.Step{{Key: "price"}}
	pretty := []byte("{\n  \"a\" : [ 1 ]\n}")
	for name, f := range map[string]func(){
		"decode and encode": func() {
			e = flow.Event{}
			if codec.Decode(&e, typical) != nil {
				t.Error("decode")
			}
			dst, _ = codec.Encode(dst[:0], &e)
		},
		"of several lines": func() {
			e = flow.Event{}
			if codec.Decode(&e, pretty) != nil {
				t.Error("decode")
			}
			dst, _ = codec.Encode(dst[:0], &e)
		},
		"find": func() {
			_ = codec.Decode(&e, typical)
			raw, _ := e.Form.Find(e.Raw, path)
			if v, ok := e.Form.Scalar(raw); !ok || v.Text() != "b" {
				t.Error("find")
			}
			raw, _ = e.Form.Find(e.Raw, price)
			if v, ok := e.Form.Scalar(raw); !ok || v.Text() != "42.50" {
				t.Error("find")
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

// typical is a message of 143 bytes.
var typical = []byte(`{"type":"message","id":48151623,"from":"snot","to":"badger","text":"the quick brown fox jumps over it","price":42.50,"tags":["a","b"],"ok":true}`)

func BenchmarkJSON(b *testing.B) {
	codec := codectest.Of(b, jsonSpec.Config())
	var e flow.Event
	if err := codec.Decode(&e, typical); err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 1024)
	b.Run("untouched", func(b *testing.B) {
		var e flow.Event
		b.ReportAllocs()
		for b.Loop() {
			if err := codec.Decode(&e, typical); err != nil {
				b.Fatal(err)
			}
			dst, _ = codec.Encode(dst[:0], &e)
		}
	})
	b.Run("find", func(b *testing.B) {
		path := []flow.Step{{Key: "text"}}
		b.ReportAllocs()
		for b.Loop() {
			raw, _ := e.Form.Find(e.Raw, path)
			if _, ok := e.Form.Scalar(raw); !ok {
				b.Fatal("not found")
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Form.Decode(e.Raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		v, err := e.Form.Decode(e.Raw)
		if err != nil {
			b.Fatal(err)
		}
		changed := flow.Event{Value: v}
		b.ReportAllocs()
		for b.Loop() {
			dst, _ = codec.Encode(dst[:0], &changed)
		}
	})
}
