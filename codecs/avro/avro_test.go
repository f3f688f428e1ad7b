package avro

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/setting"
)

func encode(t *testing.T, schema, payload string) (string, error) {
	t.Helper()
	v, err := jsontext.Parse([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	b, err := codectest.Of(t, &Config{Schema: schema, MaxDepth: 10}).Encode([]byte("x"), &flow.Event{Value: v})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(b[1:]), nil
}

func decode(t *testing.T, schema, message string) (string, error) {
	t.Helper()
	b, err := hex.DecodeString(message)
	if err != nil {
		t.Fatal(err)
	}
	var e flow.Event
	if err := codectest.Of(t, &Config{Schema: schema, MaxDepth: 10}).Decode(&e, b); err != nil {
		return "", err
	}
	v, err := e.Payload()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jsontext.Append(nil, v, false)
	return string(text), err
}

func logical(of, name string) string {
	return `{"type":"` + of + `","logicalType":"` + name + `"}`
}

// The bytes are those of Avro's specification, or made by its rules.
func TestTypes(t *testing.T) {
	for _, test := range []struct{ schema, payload, message string }{
		{`"null"`, `null`, ``},
		{`"boolean"`, `true`, `01`},
		{`"int"`, `-64`, `7f`},
		{`"long"`, `64`, `8001`},
		{`"string"`, `"foo"`, `06666f6f`},
		{`"double"`, `0.5`, `000000000000e03f`},
		{`"float"`, `0.1`, `cdcccc3d`},
		{`{"type":"array","items":"long"}`, `[3,27]`, `04063600`},
		{`{"type":"map","values":"long"}`, `{"a":1}`, `0202610200`},
		{`{"type":"enum","name":"e","symbols":["A","B"]}`, `"B"`, `02`},
		{`["null","string"]`, `"a"`, `020261`},
		{`["null","string"]`, `null`, `00`},
		{`{"type":"record","name":"test","fields":[{"name":"a","type":"long"},{"name":"b","type":"string"}]}`, `{"a":27,"b":"foo"}`, `3606666f6f`},
		{`{"type":"record","namespace":"n.s","name":"r","fields":[{"name":"z","type":"long"},{"name":"b","type":["null","r",{"type":"record","name":"q","namespace":"m","fields":[{"name":"x","type":"n.s.r"}]}]}]}`,
			`{"z":1,"b":{"x":{"z":2,"b":{"z":3,"b":null}}}}`, `0204040206` + `00`},
		{logical("int", "date"), `"2026-11-21"`, `d4c402`},
		{logical("long", "timestamp-millis"), `"2026-11-21T02:13:07.605Z"`, `aae687bebf68`},
		{logical("long", "local-timestamp-micros"), `"2026-11-21T02:13:07.605516Z"`, `98c0f7ecfcafb006`},
		{`["null",` + logical("long", "timestamp-micros") + `]`, `"2026-11-21T02:13:07.605516Z"`, `0298c0f7ecfcafb006`},
		{logical("int", "time-millis"), `5000`, `904e`},
		{logical("long", "time-micros"), `5000`, `904e`},
		{`{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`, `12.50`, `0404e2`},
		{logical("string", "uuid"), `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`, `48` + hex.EncodeToString([]byte("6ba7b810-9dad-11d1-80b4-00c04fd430c8"))},
		{`{"type":"fixed","size":16,"name":"u","logicalType":"uuid"}`, `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`, `6ba7b8109dad11d180b400c04fd430c8`},
		{`{"type":"fixed","size":12,"name":"d","logicalType":"duration"}`, `{"months":1,"days":2,"milliseconds":3}`, `010000000200000003000000`},
		{`["null",{"type":"fixed","size":12,"name":"d","logicalType":"duration"}]`, `{"months":1,"days":2,"milliseconds":3}`, `02010000000200000003000000`},
	} {
		if got, err := encode(t, test.schema, test.payload); err != nil || got != test.message {
			t.Errorf("%s: %s is written as %s, %v; want %s", test.schema, test.payload, got, err, test.message)
		}
		if got, err := decode(t, test.schema, test.message); err != nil || got != test.payload {
			t.Errorf("%s: %s is read as %s, %v; want %s", test.schema, test.message, got, err, test.payload)
		}
	}
}

func TestOneWay(t *testing.T) {
	const record = `{"type":"record","name":"r","fields":[{"name":"a","type":"double","default":1.5}]}`
	for _, test := range []struct{ schema, payload, want string }{
		{`"long"`, `5.0`, `0a`},
		{`"double"`, `5`, `0000000000001440`},
		{`["null","double"]`, `5`, `020000000000001440`},
		{record, `{}`, `000000000000f83f`},
		{`"long"`, `5.5`, `!not a whole number`},
		{`"int"`, `1099511627776`, `!overflows`},
		{`"string"`, `5`, `!encode a payload as Avro: `},
		{record, `{"a":1,"x":2}`, `!the schema has no field "x"`},
		{`["null",` + record + `]`, `{"x":2}`, `!the schema has no field "x"`},
		{`{"type":"array","items":` + record + `}`, `[{"x":2}]`, `!the schema has no field "x"`},
		{`{"type":"enum","name":"e","symbols":["A"]}`, `"B"`, `!unknown symbol "B"`},
		{`{"type":"fixed","size":12,"name":"d","logicalType":"duration"}`, `{"years":1}`, `!a duration has a "years"`},
	} {
		got, err := encode(t, test.schema, test.payload)
		if want, fails := strings.CutPrefix(test.want, "!"); fails && (err == nil || !strings.Contains(err.Error(), want)) || !fails && (err != nil || got != want) {
			t.Errorf("%s: %s is written as %s, %v; want %s", test.schema, test.payload, got, err, test.want)
		}
	}
	const deep = `{"type":"record","name":"r","fields":[{"name":"a","type":["null","r"]}]}`
	for _, test := range []struct{ schema, message, want string }{
		{`"long"`, `0a00`, `the value ends at byte 1, and more follows`},
		{`"string"`, `06666f`, `decode a message of Avro: `},
		{`"string"`, `02ff`, `UTF-8`},
		{`{"type":"map","values":"null"}`, `0202ff00`, `UTF-8`},
		{`"string"`, `feffffffff7f`, `decode a message of Avro: `},
		{`{"type":"array","items":"null"}`, `feffffffff7f`, `decode a message of Avro: `},
		{`["null"]`, `02`, `decode a message of Avro: `},
		{deep, strings.Repeat("02", 20) + "00", `deeper than max_depth`},
	} {
		if got, err := decode(t, test.schema, test.message); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s is read as %s, %v", test.schema, test.message, got, err)
		}
	}
}

func TestBytes(t *testing.T) {
	codec := codectest.Of(t, &Config{Schema: `{"type":"array","items":["bytes",{"type":"fixed","name":"f","size":2}]}`, MaxDepth: 10})
	v := flow.ListOf([]flow.Value{flow.BytesOf([]byte{0, 0xff})})
	b, err := codec.Encode(nil, &flow.Event{Value: v})
	if err != nil {
		t.Fatal(err)
	}
	var e flow.Event
	if err := codec.Decode(&e, b); err != nil || !e.Value.Equal(v) {
		t.Errorf("%x is read as %v, %v", b, e.Value.Kind(), err)
	}
}

func TestSingleObject(t *testing.T) {
	codec := codectest.Of(t, &Config{Schema: `"long"`, SingleObject: true, MaxDepth: 10})
	b, err := codec.Encode(nil, &flow.Event{Value: flow.IntOf(5)})
	if err != nil || len(b) != 11 || !bytes.HasPrefix(b, []byte{0xc3, 0x01}) {
		t.Fatalf("%x, %v", b, err)
	}
	var e flow.Event
	if err := codec.Decode(&e, b); err != nil || e.Value.Int() != 5 {
		t.Errorf("%v, %v", e.Value.Kind(), err)
	}
	b[5]++
	if err := codec.Decode(&e, b); err == nil {
		t.Error("another schema's fingerprint is accepted")
	}
}

func TestSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "schema.avsc")
	if err := os.WriteFile(path, []byte(`"long"`), 0o600); err != nil {
		t.Fatal(err)
	}
	codectest.Of(t, &Config{SchemaFile: setting.Path(path), MaxDepth: 1})
	for _, test := range []struct {
		c    Config
		want string
	}{
		{Config{}, "give either schema or schema_file"},
		{Config{Schema: `"long"`, SchemaFile: setting.Path(path)}, "give either schema or schema_file"},
		{Config{Schema: `{`}, "no schema of Avro"},
		{Config{Schema: `"rec"`}, "no schema of Avro"},
		{Config{SchemaFile: setting.Path(path + "x")}, "no such file"},
	} {
		if _, err := test.c.New(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test.c, err)
		}
	}
}

// FuzzAvro: what is read of any message is written so that it reads the same.
func FuzzAvro(f *testing.F) {
	const schema = `{"type":"record","namespace":"n","name":"r","fields":[
		{"name":"l","type":"long"},{"name":"d","type":["null","double","string","bytes","r"]},{"name":"a","type":{"type":"array","items":"n.r"}},
		{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"m","type":{"type":"map","values":"float"}},
		{"name":"n","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},{"name":"e","type":{"type":"enum","name":"e","symbols":["A","B"]}}]}`
	f.Add([]byte("\x02\x04\x02x\x00\x98\xc0\xf7\xec\xfc\xaf\xb0\x06\x02\x02a\xcd\xcc\xcc\x3d\x00\x04\x04\xe2\x02"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x02\x00\x00"))
	f.Fuzz(func(t *testing.T, message []byte) {
		codec := codectest.Of(t, &Config{Schema: schema, MaxDepth: 50})
		var e, again flow.Event
		if codec.Decode(&e, message) != nil {
			return
		}
		text, err := jsontext.Append(nil, e.Value, true)
		if err != nil {
			return // infinite, or no number
		}
		b, err := codec.Encode(nil, &flow.Event{Value: e.Value})
		if err != nil {
			t.Fatalf("%x is %s, which cannot be written: %v", message, text, err)
		}
		if err := codec.Decode(&again, b); err != nil {
			t.Fatalf("%x became %x: %v", message, b, err)
		}
		if other, err := jsontext.Append(nil, again.Value, true); err != nil || !bytes.Equal(text, other) {
			t.Fatalf("%x is %s, and became %x, which is %s", message, text, b, other)
		}
	})
}
