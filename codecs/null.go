package codecs

import "github.com/flowrun/flowrun/runtime/flow"

var nullSpec = flow.Spec[flow.CodecConfig]{
	Name:    "null",
	Summary: "every message is null, and is written as nothing",
	Doc: `Inwards, each message becomes an event whose payload is ` + "`null`" + `, whatever its bytes are; what the transport said of
it stays in ` + "`meta`" + `. Outwards, each event becomes an empty message. It is for flows that care only that something came.

It has no arguments and refuses nothing.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = "null"
}

# every message is answered by an empty one
connect "acknowledge" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.CodecConfig { return &nullConfig{} },
}

type nullConfig struct{}

func (*nullConfig) New() (func() flow.Codec, error) { return one(nullCodec{}), nil }
func (*nullConfig) Text() bool                      { return true }

type nullCodec struct{}

func (nullCodec) Decode(e *flow.Event, _ []byte) error {
	e.SetPayload(flow.NullValue)
	return nil
}

func (nullCodec) Encode(dst []byte, _ *flow.Event) ([]byte, error) { return dst, nil }
