package preprocessors

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func newJSONStream(change func(*jsonStream)) *jsonStream {
	c := jsonStreamSpec.Config().(*jsonStream)
	if change != nil {
		change(c)
	}
	return c
}

func TestJSONStream(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		messages     []string
		lost         []string
	}{
		{"nothing", "", nil, nil},
		{"white space", " \r\n\t", nil, nil},
		{"one behind the other", `{"a":1}{"b":"}{"}[1]"x""\"y"`, []string{`{"a":1}`, `{"b":"}{"}`, `[1]`, `"x"`, `"\"y"`}, nil},
		{"one a line", "{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}\n", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}, nil},
		{"pretty", "{\n  \"a\": [\n    {\"b\": 1},\n    2\n  ]\n}\n{\n}", []string{"{\n  \"a\": [\n    {\"b\": 1},\n    2\n  ]\n}", "{\n}"}, nil},
		{"words", "1 -2.5e3 true null{}nul", []string{"1", "-2.5e3", "true", "null", "{}", "nul"}, nil},
		{"an end within a value", `{"a":1}{"b":`, []string{`{"a":1}`}, []string{`{"b":`}},
		{"an end within a string", `"abc`, nil, []string{`"abc`}},
		{"another bracket", "{\"a\":[1}\n{\"b\":2}", []string{`{"b":2}`}, []string{`{"a":[1}`}},
		{"a string without end", "{\"a\":\"x\n{\"b\":2}", []string{`{"b":2}`}, []string{"{\"a\":\"x\n"}},
		{"an object without end", "{\"a\":{\"b\":1}\n{\"c\":2}\n", []string{`{"c":2}`}, []string{"{\"a\":{\"b\":1}\n"}},
		{"no comma", "{\"a\":1 2}\n{\"b\":2}", []string{`{"b":2}`}, []string{`{"a":1 2`}},
		{"nothing before a comma", "[,]\n[]", []string{"[]"}, []string{"[,"}},
		{"a pretty one", "{\n  \"a\": tru e,\n  \"b\": {\n  }\n}\n{\"c\":3}", []string{`{"c":3}`}, []string{"{\n  \"a\": tru e"}},
		{"what is not JSON inside", `{"a":nonsense}{"b":2}`, []string{`{"a":nonsense}`, `{"b":2}`}, nil},
		{"stray brackets", "]\n1\n}\n{}", []string{"1", "{}"}, []string{"]", "}"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := result{messages: test.messages, lost: test.lost}
			for seed := range uint64(24) {
				in, _ := sides(t, newJSONStream(nil))
				diff(t, want, run(t, in, rechunk([]byte(test.stream), seed)...))
			}
			in, _ := sides(t, newJSONStream(nil))
			diff(t, want, run(t, in, []byte(test.stream)))
		})
	}
}

func TestJSONStreamLimits(t *testing.T) {
	in, _ := sides(t, newJSONStream(func(c *jsonStream) { c.MaxLength = 8; c.MaxDepth = 2 }))
	diff(t, result{messages: []string{`[123456]`, `[[]]`}, lost: []string{`{"long":1}`, `[[[`}},
		run(t, in, []byte(`[123456] {"long":1} [[]]`+"\n[[[]]]")))

	// What is too long is not kept while the rest of it comes.
	in, _ = sides(t, newJSONStream(func(c *jsonStream) { c.MaxLength = 8 }))
	piece := []byte(`"` + long(100<<10))
	if r := run(t, in, piece, piece[1:], []byte(`"[]`)); len(r.lost) != 1 || len(r.messages) != 1 || r.messages[0] != "[]" {
		t.Errorf("%d lost, messages %q", len(r.lost), r.messages)
	}
}

func TestJSONStreamOut(t *testing.T) {
	_, out := sides(t, newJSONStream(nil))
	r := run(t, out, []byte(`{"a":1}`), []byte(`5`), []byte(` [1] `), []byte(`"x"`), []byte(`null`), []byte(`{} {}`), []byte(`{`), []byte(``), []byte(`]`))
	diff(t, result{messages: []string{`{"a":1}`, "5\n", ` [1] `, `"x"`, "null\n"}, lost: []string{`{} {}`, `{`, ``, `]`}}, r)
}

func TestMsgpackStream(t *testing.T) {
	config := msgpackStreamSpec.Config().(*msgpackStream)
	config.MaxLength = 16
	for _, test := range []struct {
		name, stream string
		messages     []string
		lost         []string
	}{
		{"nothing", "", nil, nil},
		{"scalars", "\x01\xff\xc0\xcd\x01\x02\xa2hi\xd4\x05x\xc7\x00\x05", []string{"\x01", "\xff", "\xc0", "\xcd\x01\x02", "\xa2hi", "\xd4\x05x", "\xc7\x00\x05"}, nil},
		{"nested", "\x92\x81\xa1a\x91\x01\x02\xdc\x00\x01\x03\x04", []string{"\x92\x81\xa1a\x91\x01\x02", "\xdc\x00\x01\x03", "\x04"}, nil},
		{"an end within a value", "\x01\x92\x01", []string{"\x01"}, []string{"\x92\x01"}},
		{"an end within a head", "\xdb\x00", nil, []string{"\xdb\x00"}},
		{"too long", "\xd9\x10" + "0123456789abcdef" + "\x01", []string{"\x01"}, []string{"\xd9\x10" + "0123456789abcdef"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(24) {
				in, _ := sides(t, config)
				got := run(t, in, rechunk([]byte(test.stream), seed)...)
				if len(got.lost) == len(test.lost) && len(test.lost) > 0 && strings.HasPrefix(test.lost[0], got.lost[0]) {
					got.lost = test.lost // reported with what has come until then
				}
				diff(t, result{messages: test.messages, lost: test.lost}, got)
			}
		})
	}
	in, out := sides(t, config)
	diff(t, result{messages: []string{"\x01", "\x02"}, lost: []string{"\x91\xc1\x03"}}, run(t, in, []byte("\x01\x91\xc1\x03"), []byte("\x02")))
	diff(t, result{messages: []string{"\x01"}, lost: []string{"\x01\x02", "\x91", "\xc1"}},
		run(t, out, []byte("\x01"), []byte("\x01\x02"), []byte("\x91"), []byte("\xc1")))
}

// A length that is only announced takes no memory, and what follows a message
// that was given up is read as ever.
func TestMsgpackStreamAnnounced(t *testing.T) {
	config := msgpackStreamSpec.Config().(*msgpackStream)
	in, _ := sides(t, config)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = in.Process([]byte("\xdb\xff\xff\xff\xff"), func([]byte) error { return nil })
			_ = in.Finish(func([]byte) error { return nil })
		}
	}).AllocedBytesPerOp()
	if allocated > 4<<10 {
		t.Errorf("%d bytes for an announced length", allocated)
	}
}

// FuzzJSONStream joins texts, cuts the stream anywhere and reads them again.
func FuzzJSONStream(f *testing.F) {
	f.Add(`{"a":"}\"{"}`, `[1,{"x":[]}]`, `"\\"`, uint64(3))
	f.Add(" {\n\"a\" : 1\n} ", `0`, `-1.5e3`, uint64(99))
	f.Add(`{"a":{"b":1}`, `tru e`, `]`, uint64(1))
	f.Fuzz(func(t *testing.T, a, b, c string, seed uint64) {
		var want []string
		_, out := sides(t, newJSONStream(nil))
		stream, refused := joined(t, out, []string{a, b, c})
		for _, s := range []string{a, b, c} {
			if json.Valid([]byte(s)) {
				want = append(want, strings.Trim(s, " \t\r\n"))
			}
		}
		if len(want) < 3 { // others are refused, or pass where only the codec sees what is wrong
			in, _ := sides(t, newJSONStream(nil))
			whole := run(t, in, []byte(a+"\n"+b+"\n"+c))
			in, _ = sides(t, newJSONStream(nil))
			cut := run(t, in, rechunk([]byte(a+"\n"+b+"\n"+c), seed)...)
			diff(t, whole, cut)
			return
		}
		if len(refused.lost) > 0 {
			t.Fatalf("refused %q", refused.lost)
		}
		in, _ := sides(t, newJSONStream(nil))
		got := run(t, in, rechunk(stream, seed)...)
		for i := range got.messages {
			got.messages[i] = strings.Trim(got.messages[i], " \t\r\n")
		}
		diff(t, result{messages: want}, got)
	})
}

// FuzzMsgpackStream cuts a stream anywhere and finds the same values.
func FuzzMsgpackStream(f *testing.F) {
	f.Add([]byte("\x92\x81\xa1a\x91\x01\x02\xdc\x00\x01\x03\x04\xc7\x01\x05x\xd8\x05"), uint64(2))
	f.Add([]byte("\xdf\xff\xff\xff\xff\xdd\xff\xff\xff\xff\xdb\xff\xff\xff\xff"), uint64(1))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		config := msgpackStreamSpec.Config().(*msgpackStream)
		in, out := sides(t, config)
		var values []string
		broken := false
		note := func(b []byte) error { values = append(values, string(b)); return nil }
		for _, piece := range rechunk(stream, seed) {
			broken = in.Process(piece, note) != nil || broken
		}
		if broken {
			return // what is passed over depends on where the stream was cut
		}
		_ = in.Finish(note)
		if !strings.HasPrefix(string(stream), strings.Join(values, "")) {
			t.Fatalf("%x was split into %x", stream, values)
		}
		again, refused := joined(t, out, values)
		if len(refused.lost) > 0 || string(again) != strings.Join(values, "") {
			t.Fatalf("%x, joined, is %x; refused %x", values, again, refused.lost)
		}
	})
}

// What follows a message that nobody takes is read as ever.
func TestValuesRefused(t *testing.T) {
	for _, config := range []flow.ProcessorConfig{jsonStreamSpec.Config(), msgpackStreamSpec.Config()} {
		in, _ := sides(t, config)
		calls := 0
		refuse := func([]byte) error { calls++; return errNothing }
		stream, next := "[1][2][", "3][4]"
		if config.Text() == false {
			stream, next = "\x91\x01\x91\x02\x91", "\x03\x91\x04"
		}
		if err := in.Process([]byte(stream), refuse); err == nil || calls != 1 {
			t.Errorf("%T: %v after %d calls", config, err, calls)
		}
		r := run(t, in, []byte(next))
		if len(r.messages) != 1 || len(r.lost) != 0 {
			t.Errorf("%T: afterwards %q, lost %q", config, r.messages, r.lost)
		}
	}
}
