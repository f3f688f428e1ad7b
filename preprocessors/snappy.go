package preprocessors

import (
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var snappySpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "snappy",
	Summary: "messages are compressed with Snappy, in its framing format",
	Doc: `Each message is one stream in the framing format of Snappy by itself: it begins with the stream identifier
(` + "`sNaPpY`" + `) and its chunks carry checksums. The bare block format, which has no identifier, is not understood. A
message that unpacks to more than ` + "`max_size`" + `, or is no such stream, is lost and reported to ` + "`err`" + `; the format has no
end mark, so a message cut off between two chunks is not noticed.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "snappy", max_size = "256KiB" }]
  codec          = "json"
  postprocessors = ["snappy"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &snappyStream{MaxSize: defaultMaxSize} },
}

type snappyStream struct {
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to, inwards"`
}

// snappyBlock is the most that a chunk of a Snappy stream may hold.
const snappyBlock = 64 << 10

// snappyID is the stream identifier chunk.
const snappyID = "\xff\x06\x00\x00sNaPpY"

func (c *snappyStream) New() (in, out func() flow.Processor, err error) {
	pack := write("snappy", &snappyWriters)
	out = each(func(dst, p []byte) ([]byte, error) {
		if len(p) == 0 { // for which the encoder writes nothing
			return append(dst, snappyID...), nil
		}
		return pack(dst, p)
	})
	return each(unpackSnappy(c.MaxSize)), out, nil
}

func (c *snappyStream) Frames() bool { return false }
func (c *snappyStream) Text() bool   { return false }

var snappyWriters = sync.Pool{New: func() any {
	return &writer{encoder: s2.NewWriter(nil, s2.WriterSnappyCompat(), s2.WriterBlockSize(snappyBlock), s2.WriterConcurrency(1))}
}}

var snappyReaders = sync.Pool{New: func() any {
	r := new(reader)
	z := s2.NewReader(&r.src, s2.ReaderMaxBlockSize(snappyBlock), s2.ReaderAllocBlock(snappyBlock))
	r.data = z
	r.reset = func() error { z.Reset(&r.src); return nil }
	return r
}}

func unpackSnappy(limit setting.Size) convert {
	return unpacking("snappy", read(&snappyReaders, limit))
}
