package flowtest

import (
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Text is a codec for tests of other things: a message is a text, a text is a
// message, and nothing else is either.
var Text = flow.CodecUse{Type: "test", New: func() flow.Codec { return text{} }, Text: true}

type text struct{}

// Decode implements flow.Codec.
func (text) Decode(e *flow.Event, frame []byte) error {
	e.SetPayload(flow.TextOf(string(frame)))
	return nil
}

// Encode implements flow.Codec.
func (text) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	switch v.Kind() {
	case flow.Text:
		return append(dst, v.Text()...), nil
	case flow.Bytes:
		return append(dst, v.Bytes()...), nil
	}
	return dst, fmt.Errorf("encode a value of type %v as text: only strings and bytes are text", v.Kind())
}
