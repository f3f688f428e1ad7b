package preprocessors

import (
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var gzipSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "gzip",
	Summary: "messages are compressed with gzip",
	Doc: `Each message is one gzip file (RFC 1952) by itself; inwards it may have several members. A message that unpacks to
more than ` + "`max_size`" + `, or is no complete gzip file, is lost and reported to ` + "`err`" + `.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "gzip", max_size = "256KiB" }]
  codec          = "json"
  postprocessors = [{ name = "gzip", level = 9 }]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &gzipFile{Level: 6, MaxSize: defaultMaxSize} },
}

type gzipFile struct {
	Level   int          `hcl:"level" min:"1" max:"9" doc:"1 is fastest, 9 is smallest; outwards"`
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to, inwards"`
}

func (c *gzipFile) New() (in, out func() flow.Processor, err error) {
	level, err := checkLevel(c.Level, 1, 9)
	if err != nil {
		return nil, nil, err
	}
	writers := &sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, level) // the level has been checked
		return &writer{encoder: w}
	}}
	return each(unpackGzip(c.MaxSize)), each(write("gzip", writers)), nil
}

func (c *gzipFile) Frames() bool { return false }
func (c *gzipFile) Text() bool   { return false }

var gzipReaders = sync.Pool{New: func() any {
	r, z := new(reader), new(gzip.Reader)
	r.data = z
	r.reset = func() error { return z.Reset(&r.src) }
	return r
}}

func unpackGzip(limit setting.Size) convert {
	return unpacking("gzip", read(&gzipReaders, limit))
}
