package preprocessors

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var zstdSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "zstd",
	Summary: "messages are compressed with Zstandard",
	Doc: `Each message is Zstandard data (RFC 8878) by itself: one frame outwards, one or more inwards, without a dictionary.
A message that unpacks to more than ` + "`max_size`" + `, needs a window of more than 8 MiB (or ` + "`max_size`" + ` where that is more),
or is incomplete, is lost and reported to ` + "`err`" + `.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "zstd", max_size = "256KiB" }]
  codec          = "json"
  postprocessors = [{ name = "zstd", level = 3 }]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &zstdFrame{Level: 3, MaxSize: defaultMaxSize} },
}

type zstdFrame struct {
	Level   int          `hcl:"level" min:"1" max:"22" doc:"1 is fastest, 22 is smallest, in four steps: up to 2, 5, 9, and above; outwards"`
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to, inwards"`
}

func (c *zstdFrame) New() (in, out func() flow.Processor, err error) {
	level, err := checkLevel(c.Level, 1, 22)
	if err != nil {
		return nil, nil, err
	}
	writers := &sync.Pool{New: func() any {
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), // options that are always good
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithZeroFrames(true))
		return w
	}}
	out = each(func(dst, p []byte) ([]byte, error) {
		w := writers.Get().(*zstd.Encoder)
		defer writers.Put(w)
		return w.EncodeAll(p, dst), nil
	})
	return each(unpackZstd(c.MaxSize)), out, nil
}

func (c *zstdFrame) Frames() bool { return false }
func (c *zstdFrame) Text() bool   { return false }

// zstdWindow is the window that RFC 8878 wants every decoder to support.
// Encoders that do not know the size of a message announce one of that order
// however short the message turns out, so max_size cannot take its place.
const zstdWindow = 8 << 20

func unpackZstd(limit setting.Size) convert {
	window := max(limit, zstdWindow)
	readers := &sync.Pool{New: func() any {
		r := new(reader)
		z, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(window))) // options that are always good
		r.data = z
		r.reset = func() error { return z.Reset(&r.src) }
		return r
	}}
	unpack := read(readers, limit)
	return unpacking("zstd", func(dst, p []byte) ([]byte, error) {
		dst, err := unpack(dst, p)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
			err = fmt.Errorf("it needs a window of more than %v: raise max_size to the size of that window if it is expected", window)
		}
		return dst, err
	})
}
