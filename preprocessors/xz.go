package preprocessors

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/flowrun/flowrun/preprocessors/internal/xzhead"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var xzSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "xz",
	Summary: "messages are compressed with xz",
	Doc: `Each message is one xz stream (the .xz file format 1.2.1, with LZMA2 alone) by itself. A message that unpacks to more
than ` + "`max_size`" + `, or is no complete xz stream, is lost and reported to ` + "`err`" + `.

It is there for peers that speak it: a message costs about ten times as much time as with ` + "`zstd`" + `, and memory that goes
again.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "xz", max_size = "256KiB" }]
  codec          = "json"
  postprocessors = ["xz"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &xzStream{MaxSize: defaultMaxSize} },
}

type xzStream struct {
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to, inwards"`
}

func (c *xzStream) New() (in, out func() flow.Processor, err error) {
	return each(unpackXZ(c.MaxSize)), each(packXZ), nil
}

func (c *xzStream) Frames() bool { return false }
func (c *xzStream) Text() bool   { return false }

// largestXZ is the largest dictionary that is written with: that of `xz -6`.
const largestXZ = 8 << 20

// packXZ writes a stream with a dictionary that is no larger than the message: the
// library makes room for all of it, and so do most readers.
func packXZ(dst, p []byte) ([]byte, error) {
	out := sink{dst}
	z, err := xz.WriterConfig{DictCap: min(max(len(p), lzma.MinDictCap), largestXZ)}.NewWriter(&out)
	if err == nil {
		if _, err = z.Write(p); err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		err = fmt.Errorf("pack a message as xz: %w", err)
	}
	return out.b, err
}

func unpackXZ(limit setting.Size) convert {
	return unpacking("xz", func(dst, p []byte) ([]byte, error) {
		small, err := xzhead.Shrink(p, int(limit))
		switch {
		case errors.Is(err, xzhead.ErrTooBig):
			return dst, tooBig(limit)
		case err != nil:
			return dst, err
		}
		r, err := xz.ReaderConfig{DictCap: lzma.MinDictCap, SingleStream: true}.NewReader(bytes.NewReader(small))
		if err != nil {
			return dst, unexpected(err)
		}
		return drain(dst, r, limit)
	})
}
