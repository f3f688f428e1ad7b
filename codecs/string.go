package codecs

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
)

var stringSpec = flow.Spec[flow.CodecConfig]{
	Name:    "string",
	Summary: "a message is text in UTF-8",
	Doc: `The payload is a string: the message as it is. A message that is not valid UTF-8 is an error that goes to
` + "`err`" + ` (use the codec ` + "`binary`" + ` for those). Outwards, a string is written as it is, without quotes; any other value is an
error: turn it into a string with ` + "`tostring()`" + `, or use the codec ` + "`json`" + `.

It has no arguments; the empty message is the empty string.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["separate"]
  codec          = "string"
  postprocessors = ["separate"]
}

connect "hello" {
  from  = connector.edge
  where = event == "hello"
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig { return &stringConfig{} },
}

type stringConfig struct{}

func (*stringConfig) New() (func() flow.Codec, error) { return one(stringCodec{}), nil }
func (*stringConfig) Text() bool                      { return true }

type stringCodec struct{}

func (stringCodec) Decode(e *flow.Event, frame []byte) error {
	if !utf8.Valid(frame) {
		return fmt.Errorf("decode a message as text: it is not UTF-8 at byte %d: use the codec \"binary\"", invalidAt(frame))
	}
	keep(e, frame, stringForm{})
	return nil
}

var errNotUTF8 = errors.New("encode a string as text: it is not valid UTF-8: use the codec \"binary\"")

func (stringCodec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	if _, ok := e.Form.(stringForm); ok {
		return append(dst, e.Raw...), nil
	}
	v, err := e.Payload()
	switch {
	case err != nil:
		return dst, err
	case v.Kind() == flow.Bytes:
		return dst, errors.New("encode bytes as text: use the codec \"binary\", or map the payload with utf8() or base64encode()")
	case v.Kind() != flow.Text:
		return dst, fmt.Errorf("encode a payload of type %v as text: the codec \"string\" takes strings: use the codec \"json\", or map the payload with tostring()", v.Kind())
	case !utf8.ValidString(v.Text()):
		return dst, errNotUTF8
	}
	return append(dst, v.Text()...), nil
}

// invalidAt is the place of the first byte of p that is not UTF-8.
func invalidAt(p []byte) int {
	for i := 0; i < len(p); {
		r, n := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(p)
}

// stringForm reads messages that are one string.
type stringForm struct{}

func (stringForm) Decode(raw []byte) (flow.Value, error)            { return flow.TextOf(string(raw)), nil }
func (stringForm) Find(raw []byte, path []flow.Step) ([]byte, bool) { return raw, len(path) == 0 }
func (stringForm) Scalar(raw []byte) (flow.Value, bool)             { return flow.TextOf(shared(raw)), true }
func (stringForm) Kind([]byte) flow.Kind                            { return flow.Text }
func (stringForm) Open(raw []byte) flow.Value                       { return flow.TextOf(shared(raw)) }
