package preprocessors

import (
	"sync"

	"github.com/klauspost/compress/zlib"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var zlibSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "zlib",
	Summary: "messages are compressed with zlib",
	Doc: `Each message is one zlib stream (RFC 1950) by itself. A message that unpacks to more than ` + "`max_size`" + `, or is no
complete zlib stream, is lost and reported to ` + "`err`" + `.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "zlib", max_size = "256KiB" }]
  codec          = "json"
  postprocessors = ["zlib"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &zlibStream{Level: 6, MaxSize: defaultMaxSize} },
}

type zlibStream struct {
	Level   int          `hcl:"level" min:"1" max:"9" doc:"1 is fastest, 9 is smallest; outwards"`
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to, inwards"`
}

func (c *zlibStream) New() (in, out func() flow.Processor, err error) {
	level, err := checkLevel(c.Level, 1, 9)
	if err != nil {
		return nil, nil, err
	}
	writers := &sync.Pool{New: func() any {
		w, _ := zlib.NewWriterLevel(nil, level) // the level has been checked
		return &writer{encoder: w}
	}}
	return each(unpackZlib(c.MaxSize)), each(write("zlib", writers)), nil
}

func (c *zlibStream) Frames() bool { return false }
func (c *zlibStream) Text() bool   { return false }

// A reader of zlib can only be made from data that begin well.
var zlibReaders = sync.Pool{New: func() any {
	r := new(reader)
	r.reset = func() error {
		if z, ok := r.data.(zlib.Resetter); ok {
			return z.Reset(&r.src, nil)
		}
		z, err := zlib.NewReader(&r.src)
		if err == nil {
			r.data = z
		}
		return err
	}
	return r
}}

func unpackZlib(limit setting.Size) convert {
	return unpacking("zlib", read(&zlibReaders, limit))
}

// isZlib reports whether p begins as RFC 1950 says: there is no magic number,
// but a method, a window size and a check of both.
func isZlib(p []byte) bool {
	return len(p) >= 2 && p[0]&0x0f == 8 && p[0]>>4 <= 7 && (int(p[0])<<8|int(p[1]))%31 == 0
}
