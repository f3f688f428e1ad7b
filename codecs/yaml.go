package codecs

import (
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/yamltext"
)

var yamlSpec = flow.Spec[flow.CodecConfig]{
	Name:    "yaml",
	Summary: "a message is one YAML document",
	Doc: `Scalars are what YAML 1.2 takes them for; numbers keep their spelling, and objects the order of their keys. Keys that are
numbers or bools become strings; lists and objects as keys, keys that are there twice, infinite numbers and several documents in a
message are an error. Anchors, aliases and merge keys (` + "`<<`" + `) are resolved, tags other than those of scalars passed over.

A message longer than ` + "`max_length`" + ` or nested deeper than ` + "`max_depth`" + ` is refused; they are bounded because the time to read YAML
grows with the square of its length. Prefer JSON where there is a choice. Outwards, values are written in block style; bytes have the
tag ` + "`!!binary`" + `.

On streams of bytes, a connector that names no processors uses ` + "`separate`" + ` with the separator ` + "`\"\\n---\\n\"`" + `.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = { name = "yaml", max_length = "16KiB" }
}

connect "echo" {
  from  = connector.edge
  where = event.kind != "ping"
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig {
		return &yamlConfig{MaxLength: yamltext.MaxLength, MaxDepth: yamltext.MaxDepth}
	},
}

type yamlConfig struct {
	MaxLength setting.Size `hcl:"max_length" min:"1B" max:"64KiB" doc:"longest message taken, inwards"`
	MaxDepth  int          `hcl:"max_depth" min:"1" max:"500" doc:"how deep lists and objects may be nested, inwards"`
}

func (c *yamlConfig) New() (func() flow.Codec, error) { return one(yamlCodec(*c)), nil }
func (*yamlConfig) Text() bool                        { return true }

// MediaType implements flow.MediaTyper; the name is IANA's.
func (*yamlConfig) MediaType() string { return "application/yaml" }

// Framing is for connectors that name no processors; flows asks for it.
func (*yamlConfig) Framing(stream bool) (in, out string) {
	if !stream {
		return "", ""
	}
	const documents = `{ name = "separate", separator = "\n---\n" }`
	return documents, documents
}

type yamlCodec yamlConfig

func (c yamlCodec) Decode(e *flow.Event, frame []byte) error {
	if len(frame) > int(c.MaxLength) {
		return fmt.Errorf("decode a message as YAML: it has %d bytes, and max_length is %v", len(frame), c.MaxLength)
	}
	v, err := yamltext.ParseWithin(frame, c.MaxDepth)
	if err != nil {
		return fmt.Errorf("decode a message as YAML: %w", err)
	}
	e.SetPayload(v)
	return nil
}

func (c yamlCodec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	if dst, err = yamltext.Append(dst, v); err != nil {
		err = fmt.Errorf("encode a payload as YAML: %w", err)
	}
	return dst, err
}
