package codecs

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/codecs/internal/stamp"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

func TestJSONDate(t *testing.T) {
	dated := func(f stamp.Format) *jsonConfig {
		return &jsonConfig{MaxDepth: 10, Date: stamp.Date{Key: "date", Format: f}}
	}
	sorted := dated(stamp.Epoch)
	sorted.SortKeys = true
	for _, test := range []struct {
		c             flow.CodecConfig
		message, want string
	}{
		{dated(stamp.Double), `{"a":1}`, `{"date":1795227184.60552,"a":1}`},
		{dated(stamp.Double), ` { "a" : 1 } `, `{"date":1795227184.60552, "a" : 1 }`},
		{dated(stamp.Epoch), `{}`, `{"date":1795227184}`},
		{dated(stamp.EpochMs), `{ }`, `{"date":1795227184605}`},
		{dated(stamp.ISO8601), "{\n\"a\":1\n}", `{"date":"2026-11-21T02:13:04.605520Z","a":1}`},
		{dated(stamp.JavaSQL), `{"b":{}}`, `{"date":"2026-11-21 02:13:04.605520","b":{}}`},
		{dated(stamp.Double), `{"date":"mine","a":1}`, `{"date":"mine","a":1}`},
		{dated(stamp.Epoch), `[{"a":1},{"date":2},3]`, `[{"date":1795227184,"a":1},{"date":2},3]`},
		{dated(stamp.Epoch), `"text"`, `"text"`},
		{sorted, `{"e":1,"a":2}`, `{"a":2,"date":1795227184,"e":1}`},
		{&jsonLinesConfig{MaxDepth: 10, Date: stamp.Date{Key: "t", Format: stamp.Epoch}}, `{"e":1}`, `{"t":1795227184,"e":1}`},
	} {
		codec := codectest.Of(t, test.c)
		e := flow.Event{Time: 1795227184605520000}
		if err := codec.Decode(&e, []byte(test.message)); err != nil {
			t.Fatal(err)
		}
		if got, err := codec.Encode([]byte("x"), &e); err != nil || string(got) != "x"+test.want {
			t.Errorf("%s becomes %s, %v; want %s", test.message, got, err, test.want)
		}
	}
}

// record is a codec of Fluent Bit's records.
func record(format stamp.Format, metadata string) *msgpackConfig {
	return &msgpackConfig{MaxDepth: 10, Date: stamp.Date{Key: "date", Format: format}, MetadataKey: metadata}
}

func TestMsgpackRecord(t *testing.T) {
	const body = "81a16101" // {"a": 1}
	for _, test := range []struct {
		name    string
		c       *msgpackConfig
		message string
		want    string // as JSON
	}{
		{"as version 5 packs it", record(stamp.Double, ""), "9292d7006b00f1f0" + "24177d00" + "80" + body, `{"date":1795224048.605519104,"a":1}`},
		{"the older form", record(stamp.Double, ""), "92d7006b00f1f024177d00" + body, `{"date":1795224048.605519104,"a":1}`},
		{"another extension of that type", record(stamp.ISO8601, ""), "92c708006b00f1f024177d00" + body, `{"date":"2026-11-21T01:20:48.605519Z","a":1}`},
		{"an integer", record(stamp.EpochMs, ""), "92ce6b00f1f0" + body, `{"date":1795224048000,"a":1}`},
		{"a float", record(stamp.Double, ""), "92cb41dac03c7c26c000" + body, `{"date":1795224048.6054688,"a":1}`},
		{"metadata left out", record(stamp.Epoch, ""), "9292ce6b00f1f081a16dc3" + body, `{"date":1795224048,"a":1}`},
		{"metadata", record(stamp.Epoch, "meta"), "9292ce6b00f1f081a16dc3" + body, `{"date":1795224048,"meta":{"m":true},"a":1}`},
		{"no metadata", record(stamp.Epoch, "meta"), "9292ce6b00f1f080" + body, `{"date":1795224048,"a":1}`},
		{"a key of its own", record(stamp.Epoch, ""), "92ce6b00f1f081a46461746501", `{"date":1}`},
		{"the beginning of a group", record(stamp.Epoch, ""), "9292d700ffffffff0000000081a16701" + "80", `{"date":-1}`},
		{"the end of a group", record(stamp.Double, ""), "9292d700fffffffe000000008080", `{"date":-2.0}`},
	} {
		message, err := hex.DecodeString(test.message)
		if err != nil {
			t.Fatal(err)
		}
		var e flow.Event
		if err := codectest.Of(t, test.c).Decode(&e, message); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		v, _ := e.Payload()
		if got, err := jsontext.Append(nil, v, false); err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v; want %s", test.name, got, err, test.want)
		}
	}
	for _, test := range []struct{ message, want string }{
		{"80", "it is not [[time, metadata], record]"},
		{"9180", "it is not [["},
		{"92018001", "there is more after the end"},
		{"9201a161", "it is not [["},
		{"9293010203" + body, "it is not [["},
		{"92920101" + body, "it is not [["},
		{"92a161" + body, "is none"},
		{"92d70500000000" + "00000000" + body, "is none"},
		{"92d700000000013b9aca00" + body, "is none"},
		{"92d70000000001", "too short"},
	} {
		message, _ := hex.DecodeString(test.message)
		var e flow.Event
		if err := codectest.Of(t, record(stamp.Double, "")).Decode(&e, message); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.message, err)
		}
	}
}

func TestMsgpackRecordOut(t *testing.T) {
	for _, test := range []struct {
		name, event string
		c           *msgpackConfig
		want        string // in hexadecimal, or an error behind an exclamation mark
	}{
		{"a time of its own", `{"a":1,"date":1795224048.6055}`, record(stamp.Double, ""), "9292d7006b00f1f0241732608081a16101"},
		{"as text", `{"date":"2026-11-21T01:20:48.6055Z","a":1}`, record(stamp.Epoch, ""), "9292d7006b00f1f0241732608081a16101"},
		{"that of arrival", `{"a":1}`, record(stamp.Double, ""), "9292d700000000010000000580" + "81a16101"},
		{"metadata", `{"date":1,"meta":{"m":true},"a":1}`, record(stamp.Epoch, "meta"), "9292d700000000010000000081a16dc381a16101"},
		{"a batch", `[{"date":1},{"date":2}]`, record(stamp.Epoch, ""), "9292d70000000001000000008080" + "9292d70000000002000000008080"},
		{"a group", `{"date":-1}`, record(stamp.Epoch, ""), "9292d700ffffffff000000008080"},
		{"no object", `5`, record(stamp.Epoch, ""), "!it is of type number, not an object"},
		{"no time", `{"date":true}`, record(stamp.Epoch, ""), `!its "date" is no time`},
		{"too early", `{"date":-3}`, record(stamp.Epoch, ""), "!cannot be written in 32 bits"},
		{"too late", `{"date":4294967296}`, record(stamp.Epoch, ""), "!cannot be written in 32 bits"},
		{"other metadata", `{"meta":1}`, record(stamp.Epoch, "meta"), `!its "meta" is of type number`},
	} {
		v, err := jsontext.Parse([]byte(test.event))
		if err != nil {
			t.Fatal(err)
		}
		b, err := codectest.Of(t, test.c).Encode(nil, &flow.Event{Value: v, Time: 1e9 + 5})
		got := hex.EncodeToString(b)
		if want, fails := strings.CutPrefix(test.want, "!"); fails && (err == nil || !strings.Contains(err.Error(), want)) || !fails && (err != nil || got != want) {
			t.Errorf("%s: %s, %v", test.name, got, err)
		}
	}
}

func TestMsgpackConfiguration(t *testing.T) {
	for _, c := range []*msgpackConfig{{MetadataKey: "m"}, record(stamp.Double, "date")} {
		if _, err := c.New(); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	plain := &msgpackConfig{}
	for _, test := range []struct {
		c       *msgpackConfig
		stream  bool
		in, out string
	}{{plain, false, "", ""}, {plain, true, `"msgpack_stream"`, `"msgpack_stream"`}, {record(stamp.Double, ""), false, `"msgpack_stream"`, ""}} {
		if in, out := test.c.Framing(test.stream); in != test.in || out != test.out {
			t.Errorf("framing %s, %s", in, out)
		}
	}
}

// FuzzMsgpackRecord: what is accepted is written so that it reads the same.
func FuzzMsgpackRecord(f *testing.F) {
	for _, s := range []string{"9292d7006b00f1f024177d008081a16101", "92ce6b00f1f081a46461746501", "9292d700ffffffff0000000081a16701" + "80", "92cb41dac03c7c26c00080"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		codec := codectest.Of(t, record(stamp.Double, "meta"))
		var e, again flow.Event
		if codec.Decode(&e, message) != nil {
			return
		}
		v, _ := e.Payload()
		b, err := codec.Encode(nil, &e)
		if err != nil {
			return // its own date or metadata, or a time that is not one of 32 bits
		}
		if err := codec.Decode(&again, b); err != nil {
			t.Fatalf("%x became %x: %v", message, b, err)
		}
		w, _ := again.Payload()
		twice, err := codec.Encode(nil, &again)
		if err != nil || string(twice) != string(b) {
			t.Fatalf("%x became %x, then %x: %v", message, b, twice, err)
		}
		if date, _ := v.Object().Get("date"); date.Kind() == flow.Number && !w.Object().Fields()[0].Value.Equal(date) {
			t.Fatalf("%x became %x, with another time", message, b)
		}
	})
}

// date_key = false, as json_date_key has it, names no key; a flow file makes text of it.
func TestNoDateKey(t *testing.T) {
	none := stamp.Date{Key: "false", Format: stamp.Double}
	codectest.Writes(t, &jsonConfig{MaxDepth: 9, Date: none}, `{"a":1}`, `{"a":1}`)
	codectest.Writes(t, &jsonLinesConfig{MaxDepth: 9, Date: none}, `[{"a":1}]`, `[{"a":1}]`)
	codectest.Writes(t, &msgpackConfig{MaxDepth: 9, Date: none}, `{"a":1}`, "\x81\xa1a\x01")
	if in, _ := (&msgpackConfig{Date: none}).Framing(false); in != "" {
		t.Errorf("messages are split by %s", in)
	}
}
