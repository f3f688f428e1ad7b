package preprocessors

import (
	"github.com/flowrun/flowrun/preprocessors/internal/borders"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var msgpackStreamSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "msgpack_stream",
	Summary: "messages are MessagePack values that follow each other",
	Doc: `Inwards, splits a stream of MessagePack values, which end by themselves; a value may span several frames or
reads. Outwards, writes them one behind the other, and refuses a message that is no MessagePack value.

A value longer than ` + "`max_length`" + ` is reported to ` + "`err`" + ` with its beginning, and exactly its bytes are passed over. A byte that
begins no value (0xc1) leaves no border to find: what has arrived with it is lost, and the next frame or read is taken
to begin a value. One within which the stream ends is an error of the kind "truncated".`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["msgpack_stream"]
  codec          = "msgpack"
  postprocessors = ["msgpack_stream"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &msgpackStream{MaxLength: 1 << 20} },
}

type msgpackStream struct {
	MaxLength setting.Size `hcl:"max_length" min:"1B" doc:"longest value taken, inwards"`
}

func (c *msgpackStream) New() (in, out func() flow.Processor, err error) {
	length := int(c.MaxLength)
	in = func() flow.Processor {
		p := &struct {
			values
			finder borders.Msgpack
		}{values: values{format: "MessagePack", max: length}}
		p.find = &p.finder
		return &p.values
	}
	out = func() flow.Processor {
		p := &struct {
			single
			finder borders.Msgpack
		}{single: single{format: "MessagePack"}}
		p.find = &p.finder
		return &p.single
	}
	return in, out, nil
}

func (c *msgpackStream) Frames() bool { return true }
func (c *msgpackStream) Text() bool   { return false }
