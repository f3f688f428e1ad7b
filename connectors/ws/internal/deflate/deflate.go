// Package deflate compresses messages of WebSocket connections (permessage-deflate,
// RFC 7692): what a connection agrees with its peer, and frames by that.
//
// What is sent is compressed here; what comes is inflated by the library. A
// compressor is taken from a pool for each message: no connection has one of its
// own. With context takeover a connection keeps the end of what it has sent, which
// the compressor looks at again for each message.
package deflate

import (
	"bytes"
	"sync"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/klauspost/compress/flate"
)

// Options say whether and how messages are compressed, where the other side agrees.
type Options struct {
	On              bool
	ContextTakeover bool // a message may refer to those before it
	Level           int  // 1 (fast) to 9 (small)
	MinSize         int  // bytes; a shorter message is sent as it is. Below 128 nothing is gained
	WindowBits      int  // with context takeover, 2^WindowBits bytes are kept of what was sent: 9 to 15
}

// Deflater is what a connection has agreed with its peer, and what it remembers. It
// is used by one goroutine at a time.
type Deflater struct {
	*Options
	Agreed
	window []byte // the end of what was sent compressed, with takeover
}

// New returns the Deflater of a connection. It keeps o.
func New(o *Options, a Agreed) *Deflater { return &Deflater{Options: o, Agreed: a} }

// compressor compresses one message at a time.
type compressor struct {
	w   *flate.Writer
	out []byte
	of  *sync.Pool
}

// Compressors for the full window, by level, and for smaller ones, by their bits.
var levels, windows [allBits + 1]sync.Pool

func newCompressor(level, bits int) *compressor {
	pool := &levels[level]
	if bits < allBits {
		pool = &windows[bits]
	}
	if c, ok := pool.Get().(*compressor); ok {
		return c
	}
	c := &compressor{of: pool}
	if bits < allBits {
		c.w, _ = flate.NewWriterWindow(c, 1<<bits) // 256 and more are right
	} else {
		c.w, _ = flate.NewWriter(c, level) // 1 to 9 are right
	}
	return c
}

// Write takes what the library makes.
func (c *compressor) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	return len(p), nil
}

// maxKept is how much of its output a compressor keeps room for.
const maxKept = 128 << 10

// release makes what compress returned invalid.
func (c *compressor) release() {
	if cap(c.out) <= maxKept {
		c.of.Put(c)
	}
}

// tail ends each message, and is not sent.
const tail = 4 // 00 00 ff ff

// compress compresses a message. The result is valid until the compressor is
// released; nil when the message is better sent as it is.
func (d *Deflater) compress(p []byte) *compressor {
	if len(p) < d.MinSize {
		return nil
	}
	c := newCompressor(d.Level, d.Bits)
	c.out = c.out[:0]
	c.w.ResetDict(c, d.window)
	_, _ = c.w.Write(p) // Write of a compressor does not fail
	_ = c.w.Flush()
	c.out = c.out[:len(c.out)-tail]
	if d.Sends {
		d.remember(p) // even when it was not worth it: the next one may be alike
		return c
	}
	if len(c.out) >= len(p) {
		c.release()
		return nil
	}
	return c
}

// AppendFrame appends a message as a whole frame, compressed if that is any good.
// What all connections without context takeover can have is made once, where there is
// a shared. mask is nil for a server.
func (d *Deflater) AppendFrame(dst []byte, opcode byte, p []byte, shared *flow.Shared, mask *[4]byte) []byte {
	if shared != nil && !d.Sends && d.Bits == allBits {
		form := shared.Form(func() any {
			c := d.compress(p)
			if c == nil {
				return []byte(nil)
			}
			defer c.release()
			return bytes.Clone(c.out)
		})
		if z := form.([]byte); z != nil {
			return frame.Append(dst, frame.RSV1|opcode, z, mask)
		}
		return frame.Append(dst, opcode, p, mask)
	}
	c := d.compress(p)
	if c == nil {
		return frame.Append(dst, opcode, p, mask)
	}
	defer c.release()
	return frame.Append(dst, frame.RSV1|opcode, c.out, mask)
}

// remember keeps the end of what was sent.
func (d *Deflater) remember(p []byte) {
	size := 1 << min(d.Bits, d.WindowBits)
	if d.window == nil {
		d.window = make([]byte, 0, size)
	}
	p = p[max(0, len(p)-size):]
	if over := len(d.window) + len(p) - size; over > 0 {
		d.window = d.window[:copy(d.window, d.window[over:])]
	}
	d.window = append(d.window, p...)
}
