package preprocessors

import (
	"bytes"
	"fmt"

	"github.com/flowrun/flowrun/preprocessors/internal/xzhead"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var decompressSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "decompress",
	Summary: "messages are unpacked by whichever format they begin as",
	Doc: `Inwards only. Each message is unpacked by the format that its first bytes tell: gzip, zlib, Zstandard, Snappy (framing
format), LZ4 (frame format) or xz; they may differ from message to message. What one message may unpack to is limited by
` + "`max_size`" + `. A message of another format is lost and reported to ` + "`err`" + `.

There is no postprocessor of this name: choose a format there.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["decompress"]
  codec          = "json"
  postprocessors = ["gzip"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &decompress{MaxSize: defaultMaxSize} },
}

type decompress struct {
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to"`
}

func (c *decompress) New() (in, out func() flow.Processor, err error) {
	begin := func(magic string) func([]byte) bool {
		return func(p []byte) bool { return bytes.HasPrefix(p, []byte(magic)) }
	}
	formats := []struct {
		is     func(p []byte) bool
		unpack convert
	}{
		{begin("\x1f\x8b"), unpackGzip(c.MaxSize)},
		{begin("\x28\xb5\x2f\xfd"), unpackZstd(c.MaxSize)},
		{begin(snappyID), unpackSnappy(c.MaxSize)},
		{begin("\x04\x22\x4d\x18"), unpackLZ4(c.MaxSize)},
		{begin(xzhead.Magic), unpackXZ(c.MaxSize)},
		{isZlib, unpackZlib(c.MaxSize)},
	}
	in = each(func(dst, p []byte) ([]byte, error) {
		for _, f := range formats {
			if f.is(p) {
				return f.unpack(dst, p)
			}
		}
		if len(p) == 0 {
			return dst, fmt.Errorf("unpack a message: %w", errNothing)
		}
		return dst, fmt.Errorf("unpack a message: it begins with % x, which is none of gzip, zlib, zstd, snappy, lz4 and xz", p[:min(len(p), len(snappyID))])
	})
	return in, nil, nil
}

func (c *decompress) Frames() bool { return false }
func (c *decompress) Text() bool   { return false }
