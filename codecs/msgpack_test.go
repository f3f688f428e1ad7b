package codecs

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
)

func TestMsgpackRefuses(t *testing.T) {
	for message, want := range map[string]string{
		"":                                 `it is empty: use the preprocessor "remove_empty"`,
		"\xc1":                             "0xc1 begins no value at byte 0",
		"\x91\xc1":                         "0xc1 begins no value at byte 1",
		"\xc0\xc0":                         "there is more after the end of the value: send one value a message at byte 1",
		"\xa2x":                            "the message is too short for the value that begins at byte 0",
		"\xcd\x01":                         "too short",
		"\xcb\x01":                         "too short",
		"\x91":                             "too short",
		"\x81\xa1a":                        "too short",
		"\xd4\x01":                         "too short",
		"\xc7\x02\x01x":                    "too short",
		"\xdb\xff\xff\xff\xff":             "too short",
		"\xc6\xff\xff\xff\xff":             "too short",
		"\xc9\xff\xff\xff\xff\x01":         "too short",
		"\xdd\xff\xff\xff\xff\x01":         "too short",
		"\xdf\x7f\xff\xff\xff\x01":         "too short",
		"\xdf\x00\x00\x00\x02\x00\x00\x00": "too short",
		"\x81\xc0\x01":                     "a key is neither a string nor an integer at byte 1",
		"\x81\x90\x01":                     "a key is neither a string nor an integer",
		"\x81\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01": "a key is neither a string nor an integer",
		"\x81\xa1\xff\x01":     "a key is not UTF-8 at byte 1",
		"\x81\xc4\x01\xff\x01": "a key is not UTF-8",
	} {
		var e flow.Event
		err := codectest.Of(t, msgpackSpec.Config()).Decode(&e, []byte(message))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "decode a message as MessagePack: ") {
			t.Errorf("%x: got %v, want %q in it", message, err, want)
		}
		if e.Raw != nil || e.Form != nil {
			t.Errorf("%x was refused and is in the event", message)
		}
	}
}

func TestMsgpackDecode(t *testing.T) {
	text, number := flow.TextOf, flow.NumberOf
	for message, want := range map[string]flow.Value{
		"\xcf\xff\xff\xff\xff\xff\xff\xff\xff":     number("18446744073709551615"),
		"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff":     flow.IntOf(math.MaxInt64),
		"\xd3\x80\x00\x00\x00\x00\x00\x00\x00":     flow.IntOf(math.MinInt64),
		"\xd0\x80":                                 flow.IntOf(-128),
		"\xe0":                                     flow.IntOf(-32),
		"\xcc\xff":                                 flow.IntOf(255),
		"\xca\x3f\xc0\x00\x00":                     flow.FloatOf(1.5),
		"\xa2\xff\xfe":                             flow.BytesOf([]byte("\xff\xfe")),
		"\xc4\x02hi":                               flow.BytesOf([]byte("hi")),
		"\xd6\xff\x00\x00\x00\x01":                 text("1970-01-01T00:00:01Z"),
		"\xd7\xff\x77\x35\x94\x00\x00\x00\x00\x02": text("1970-01-01T00:00:02.5Z"),
		"\xc7\x0c\xff\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff": text("1969-12-31T23:59:59.000000001Z"),
		"\xc7\x0c\xff\x3b\x9a\xca\x00\x00\x00\x00\x00\x00\x00\x00\x01": flow.BytesOf([]byte("\xff\x3b\x9a\xca\x00\x00\x00\x00\x00\x00\x00\x00\x01")), // a full second of nanoseconds
		"\xc7\x0c\xff\x00\x00\x00\x00\x00\x00\x00\x3a\xff\xf4\x41\x80": flow.BytesOf([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x3a\xff\xf4\x41\x80")), // the year 10000
		"\xd4\x05x":                  flow.BytesOf([]byte("\x05x")),
		"\xc7\x00\x07":               flow.BytesOf([]byte("\x07")),
		"\x82\x01\xa1a\xd0\xff\xa1b": flow.MapOf(flow.ObjectOf(flow.Field{Key: "1", Value: text("a")}, flow.Field{Key: "-1", Value: text("b")})),
		"\x82\x01\xa1a\xa11\xa1b":    flow.MapOf(flow.ObjectOf(flow.Field{Key: "1", Value: text("b")})),
	} {
		var e flow.Event
		if err := codectest.Of(t, msgpackSpec.Config()).Decode(&e, []byte(message)); err != nil {
			t.Errorf("%x: %v", message, err)
			continue
		}
		if got, err := e.Payload(); err != nil || !got.Equal(want) || got.Kind() != want.Kind() {
			t.Errorf("%x: got %v %q %x, %v", message, got.Kind(), got.Text(), got.Bytes(), err)
		}
	}
}

func TestMsgpackEncode(t *testing.T) {
	list := func(n int) flow.Value { return flow.ListOf(make([]flow.Value, n)) }
	for _, test := range []struct {
		value flow.Value
		want  string // its beginning
		size  int
	}{
		{flow.IntOf(127), "\x7f", 1},
		{flow.IntOf(128), "\xcc\x80", 2},
		{flow.IntOf(256), "\xcd\x01\x00", 3},
		{flow.IntOf(1 << 16), "\xce\x00\x01\x00\x00", 5},
		{flow.IntOf(1 << 32), "\xcf\x00\x00\x00\x01", 9},
		{flow.IntOf(-32), "\xe0", 1},
		{flow.IntOf(-33), "\xd0\xdf", 2},
		{flow.IntOf(-129), "\xd1\xff\x7f", 3},
		{flow.IntOf(-1<<15 - 1), "\xd2\xff\xff\x7f\xff", 5},
		{flow.IntOf(-1<<31 - 1), "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff", 9},
		{flow.NumberOf("18446744073709551615"), "\xcf\xff", 9},
		{flow.NumberOf("1.5"), "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 9},
		{flow.NumberOf("-0"), "\xcb\x80\x00\x00\x00\x00\x00\x00\x00", 9},
		{flow.NumberOf("1e3"), "\xcb\x40\x8f\x40\x00\x00\x00\x00\x00", 9},
		{flow.TextOf(strings.Repeat("x", 31)), "\xbfx", 32},
		{flow.TextOf(strings.Repeat("x", 32)), "\xd9\x20x", 34},
		{flow.TextOf(strings.Repeat("x", 256)), "\xda\x01\x00x", 259},
		{flow.TextOf(strings.Repeat("x", 1<<16)), "\xdb\x00\x01\x00\x00x", 5 + 1<<16},
		{flow.TextOf("a\xff"), "\xa4a\xef\xbf\xbd", 5},
		{flow.BytesOf(nil), "\xc4\x00", 2},
		{flow.BytesOf(make([]byte, 256)), "\xc5\x01\x00", 259},
		{flow.BytesOf(make([]byte, 1<<16)), "\xc6\x00\x01\x00\x00", 5 + 1<<16},
		{list(15), "\x9f\xc0", 16},
		{list(16), "\xdc\x00\x10\xc0", 19},
		{list(255), "\xdc\x00\xff\xc0", 258},
		{list(1 << 16), "\xdd\x00\x01\x00\x00\xc0", 5 + 1<<16},
		{flow.MapOf(flow.ObjectOf(flow.Field{Key: "a", Value: flow.BoolOf(true)})), "\x81\xa1a\xc3", 4},
	} {
		got, err := codectest.Of(t, msgpackSpec.Config()).Encode(nil, &flow.Event{Value: test.value})
		if err != nil || !strings.HasPrefix(string(got), test.want) || len(got) != test.size {
			t.Errorf("got %d bytes, %.20x, %v; want %d, %x", len(got), got, err, test.size, test.want)
		}
	}
	for _, refused := range []string{"18446744073709551616", "-9223372036854775809", "1e400", "0x1p-2", "Inf", ""} {
		got, err := codectest.Of(t, msgpackSpec.Config()).Encode(nil, &flow.Event{Value: flow.NumberOf(refused)})
		if err == nil || !strings.Contains(err.Error(), "as MessagePack: it fits neither") {
			t.Errorf("%q: got %x, %v", refused, got, err)
		}
	}
}

func TestMsgpackBombs(t *testing.T) {
	wide := append([]byte{0xdd, 0, 1, 0, 0}, bytes.Repeat([]byte{0x80}, 1<<16)...)
	oneKey := append([]byte{0xdf, 0, 0, 0x80, 0}, bytes.Repeat([]byte{0xa0, 0x90}, 1<<15)...)
	for name, bomb := range map[string][]byte{
		"deep":                 append(bytes.Repeat([]byte{0x91}, 1<<20), 0xc0),
		"empty objects":        wide,
		"one key again":        oneKey,
		"a long list":          []byte("\xdd\xff\xff\xff\xff\xc0\xc0"),
		"a long map":           []byte("\xdf\xff\xff\xff\xff\xa0\xc0"),
		"long lists in a list": bytes.Repeat([]byte("\xdd\x00\x00\x01\x00"), 500),
		"a long string":        []byte("\xdb\xff\xff\xff\xff"),
	} {
		t.Run(name, func(t *testing.T) { isHarmless(t, msgpackSpec.Config(), bomb) })
	}
}

func TestMsgpackAllocations(t *testing.T) {
	codec := codectest.Of(t, msgpackSpec.Config())
	message := typicalMsgpack(t)
	path := []flow.Step{{Key: "tags"}, {Index: 1, IsIndex: true}}
	dst := make([]byte, 0, 1024)
	var e flow.Event
	if n := testing.AllocsPerRun(100, func() {
		e = flow.Event{}
		if codec.Decode(&e, message) != nil {
			t.Error("decode")
		}
		raw, _ := e.Form.Find(e.Raw, path)
		if v, ok := e.Form.Scalar(raw); !ok || v.Text() != "b" {
			t.Error("find")
		}
		dst, _ = codec.Encode(dst[:0], &e)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// typicalMsgpack is the typical message of JSON.
func typicalMsgpack(t testing.TB) []byte {
	t.Helper()
	var e flow.Event
	if err := codectest.Of(t, jsonSpec.Config()).Decode(&e, typical); err != nil {
		t.Fatal(err)
	}
	message, err := codectest.Of(t, msgpackSpec.Config()).Encode(nil, &e)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func BenchmarkMsgpack(b *testing.B) {
	message := typicalMsgpack(b)
	codec := codectest.Of(b, msgpackSpec.Config())
	var e flow.Event
	if err := codec.Decode(&e, message); err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 1024)
	b.Run("untouched", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := codec.Decode(&e, message); err != nil {
				b.Fatal(err)
			}
			dst, _ = codec.Encode(dst[:0], &e)
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
	b.Run("decode by vmihailenco", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := msgpack.Unmarshal(message, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestMsgpackUntouchedParts: what the flow has not changed leaves as it came,
// also inside of what it makes; in another encoding it is spelled anew.
func TestMsgpackUntouchedParts(t *testing.T) {
	codec := codectest.Of(t, msgpackSpec.Config())
	var e flow.Event
	// {"a": [1 in 8 bytes, a timestamp], "b": 2.5 in 4 bytes}
	message := "\x82\xa1a\x92\xcf\x00\x00\x00\x00\x00\x00\x00\x01\xd6\xff\x00\x00\x00\x01\xa1b\xca\x40\x20\x00\x00"
	if err := codec.Decode(&e, []byte(message)); err != nil {
		t.Fatal(err)
	}
	o := flow.LazyOf(e.Raw, e.Form).Object().Clone()
	o.Set("c", flow.NullValue)
	e.SetPayload(flow.MapOf(o))
	want := "\x83\xa1a\x92\xcf\x00\x00\x00\x00\x00\x00\x00\x01\xd6\xff\x00\x00\x00\x01\xa1b\xcb\x40\x04\x00\x00\x00\x00\x00\x00\xa1c\xc0"
	if got, err := codec.Encode(nil, &e); err != nil || string(got) != want {
		t.Errorf("got %x, %v\nwant %x", got, err, want)
	}
	want = `{"a":[1,"1970-01-01T00:00:01Z"],"b":2.5,"c":null}`
	if got, err := codectest.Of(t, jsonSpec.Config()).Encode(nil, &e); err != nil || string(got) != want {
		t.Errorf("as JSON: got %s, %v\nwant %s", got, err, want)
	}
}
