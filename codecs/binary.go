package codecs

import (
	"bytes"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
)

var binarySpec = flow.Spec[flow.CodecConfig]{
	Name:    "binary",
	Summary: "a message is bytes, of whatever meaning",
	Doc: `The payload is a value of type bytes: the message as it is. Outwards, bytes and strings are written as they are; any
other value is an error that goes to ` + "`err`" + `. In JSON, bytes are spelled as base64 text.

It has no arguments and accepts every message, the empty one too.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = "binary"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.CodecConfig { return &binaryConfig{} },
}

type binaryConfig struct{}

func (*binaryConfig) New() (func() flow.Codec, error) { return one(binaryCodec{}), nil }
func (*binaryConfig) Text() bool                      { return false }

type binaryCodec struct{}

func (binaryCodec) Decode(e *flow.Event, frame []byte) error {
	keep(e, frame, binaryForm{})
	return nil
}

func (binaryCodec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	switch e.Form.(type) {
	case binaryForm, stringForm:
		return append(dst, e.Raw...), nil
	}
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	switch v.Kind() {
	case flow.Bytes:
		return append(dst, v.Bytes()...), nil
	case flow.Text:
		return append(dst, v.Text()...), nil
	}
	return dst, fmt.Errorf("encode a payload of type %v as bytes: the codec \"binary\" takes bytes and strings: use the codec \"json\", or map the payload with tostring()", v.Kind())
}

// keep makes frame the event's payload, to be read by form.
func keep(e *flow.Event, frame []byte, form flow.Form) {
	if frame == nil {
		frame = []byte{} // a Raw of nil would say that there is none
	}
	e.Raw, e.Form, e.Value = frame, form, flow.NullValue
}

// binaryForm reads messages that are one value of bytes.
type binaryForm struct{}

func (binaryForm) Decode(raw []byte) (flow.Value, error) {
	return flow.BytesOf(bytes.Clone(raw)), nil
}

func (binaryForm) Find(raw []byte, path []flow.Step) ([]byte, bool) { return raw, len(path) == 0 }
func (binaryForm) Scalar(raw []byte) (flow.Value, bool)             { return flow.BytesOf(raw), true }
func (binaryForm) Kind([]byte) flow.Kind                            { return flow.Bytes }
func (binaryForm) Open(raw []byte) flow.Value                       { return flow.BytesOf(raw) }
