package codecs

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
)

func TestTextAndBytes(t *testing.T) {
	text, bytes, null := stringSpec.Config(), binarySpec.Config(), nullSpec.Config()
	json := jsonSpec.Config()
	for _, test := range []struct {
		in      flow.CodecConfig
		message string
		out     flow.CodecConfig
		want    string
		err     string
	}{
		{text, "", text, "", ""},
		{text, "snot\x00 ü", text, "snot\x00 ü", ""},
		{text, "a\xff", text, "", `it is not UTF-8 at byte 1: use the codec "binary"`},
		{text, "a\"b", bytes, "a\"b", ""},
		{text, "a", null, "", ""},
		{bytes, "a\xff", bytes, "a\xff", ""},
		{bytes, "", bytes, "", ""},
		{bytes, "a", text, "", `encode bytes as text: use the codec "binary", or map the payload with utf8() or base64encode()`},
		{json, `"a\nb"`, text, "a\nb", ""},
		{json, `"a\nb"`, bytes, "a\nb", ""},
		{json, `{"a":1}`, text, "", `encode a payload of type object as text: the codec "string" takes strings: use the codec "json", or map the payload with tostring()`},
		{json, `42`, text, "", "of type number as text"},
		{json, `[]`, bytes, "", `encode a payload of type list as bytes: the codec "binary" takes bytes and strings: use the codec "json"`},
		{null, "a", text, "", "of type null as text"},
		{null, "a\xff", null, "", ""},
	} {
		got, err := translate(t, test.in, test.message, test.out)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%T %q to %T: got %q, %v; want %q, %q", test.in, test.message, test.out, got, err, test.want, test.err)
		}
	}
	if _, err := codectest.Of(t, text).Encode(nil, &flow.Event{Value: flow.TextOf("a\xff")}); err == nil {
		t.Error("a string that is not UTF-8 was encoded as text")
	}
}

// translate decodes a message with one codec and encodes it with another.
func translate(t *testing.T, in flow.CodecConfig, message string, out flow.CodecConfig) (string, error) {
	t.Helper()
	var e flow.Event
	if err := codectest.Of(t, in).Decode(&e, []byte(message)); err != nil {
		return "", err
	}
	b, err := codectest.Of(t, out).Encode(nil, &e)
	return string(b), err
}

func TestTextAndBytesAllocations(t *testing.T) {
	dst := make([]byte, 0, 1024)
	for _, config := range []flow.CodecConfig{stringSpec.Config(), binarySpec.Config(), nullSpec.Config()} {
		codec := codectest.Of(t, config)
		var e flow.Event
		if n := testing.AllocsPerRun(100, func() {
			for _, message := range [][]byte{typical, nil} {
				if codec.Decode(&e, message) != nil {
					t.Error("decode")
				}
				if e.Form != nil {
					raw, _ := e.Form.Find(e.Raw, nil)
					_, _ = e.Form.Scalar(raw)
				}
				dst, _ = codec.Encode(dst[:0], &e)
			}
		}); n != 0 {
			t.Errorf("%T: %v allocations, want none", config, n)
		}
	}
}
