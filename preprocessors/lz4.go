package preprocessors

import (
	"sync"

	"github.com/pierrec/lz4/v4"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var lz4Spec = flow.Spec[flow.ProcessorConfig]{
	Name:    "lz4",
	Summary: "messages are compressed with LZ4, in its frame format",
	Doc: `Each message is LZ4 in the frame format by itself: one frame outwards, one or more inwards. The bare block format is
not understood. A message that unpacks to more than ` + "`max_size`" + `, or is incomplete, is lost and reported to ` + "`err`" + `.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "lz4", max_size = "256KiB" }]
  codec          = "json"
  postprocessors = ["lz4"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &lz4Frame{MaxSize: defaultMaxSize} },
}

type lz4Frame struct {
	Level   int          `hcl:"level" min:"0" max:"9" doc:"0 is fastest, 9 is smallest; outwards"`
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to, inwards"`
}

var lz4Levels = [...]lz4.CompressionLevel{
	lz4.Fast, lz4.Level1, lz4.Level2, lz4.Level3, lz4.Level4,
	lz4.Level5, lz4.Level6, lz4.Level7, lz4.Level8, lz4.Level9,
}

func (c *lz4Frame) New() (in, out func() flow.Processor, err error) {
	level, err := checkLevel(c.Level, 0, len(lz4Levels)-1)
	if err != nil {
		return nil, nil, err
	}
	writers := &sync.Pool{New: func() any {
		w := lz4.NewWriter(nil)
		// Options that are always good. The library's own block size would
		// take 4 MiB for each message that is being written.
		_ = w.Apply(lz4.CompressionLevelOption(lz4Levels[level]), lz4.BlockSizeOption(lz4.Block64Kb))
		return &writer{encoder: w}
	}}
	return each(unpackLZ4(c.MaxSize)), each(write("lz4", writers)), nil
}

func (c *lz4Frame) Frames() bool { return false }
func (c *lz4Frame) Text() bool   { return false }

var lz4Readers = sync.Pool{New: func() any {
	r := new(reader)
	z := lz4.NewReader(&r.src)
	r.data = z
	r.reset = func() error { z.Reset(&r.src); return nil }
	return r
}}

func unpackLZ4(limit setting.Size) convert {
	return unpacking("lz4", read(&lz4Readers, limit))
}
