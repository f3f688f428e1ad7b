package socket

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/klauspost/compress/flate"
)

// Compression says whether and how messages are compressed (permessage-deflate,
// RFC 7692), where the other side agrees.
//
// What is sent is compressed here, what comes is inflated by the library. A
// compressor is taken from a pool for each message: no connection has one of its
// own. With context takeover a connection keeps the end of what it has sent, which
// the compressor looks at again for each message.
type Compression struct {
	On              bool
	ContextTakeover bool // a message may refer to those before it
	Level           int  // 1 (fast) to 9 (small)
	MinSize         int  // bytes; a shorter message is sent as it is. Below 128 nothing is gained
	WindowBits      int  // with context takeover, 2^WindowBits bytes are kept of what was sent: 9 to 15
}

// deflate is what a connection has agreed with its peer, and what it remembers.
type deflate struct {
	*Compression
	agreed
	window []byte // the end of what was sent compressed, with takeover
}

// agreed are the parameters of permessage-deflate, as seen from this side.
type agreed struct {
	sends, receives bool // with context takeover
	bits            int  // a compressed message refers to 2^bits bytes before at most
}

const (
	deflateName = "permessage-deflate"
	ownReset    = "_no_context_takeover"
	ownBits     = "_max_window_bits"
	allBits     = 15
	rsv1        = 0x40 // of a message's first frame: it is compressed
)

// answer chooses the first of a client's offers that can be had, and says what is
// agreed and how the answer spells it; "" for nothing.
func (o *Compression) answer(h http.Header) (a agreed, answer string) {
	if !o.On {
		return a, ""
	}
	for offer := range strings.SplitSeq(strings.Join(h.Values("Sec-WebSocket-Extensions"), ","), ",") {
		params, ok := parameters(offer)
		if !ok {
			continue
		}
		a = agreed{sends: o.ContextTakeover, receives: o.ContextTakeover, bits: allBits}
		if _, given := params["server"+ownReset]; given {
			a.sends = false
		}
		if _, given := params["client"+ownReset]; given {
			a.receives = false
		}
		answer = deflateName
		if !a.sends {
			answer += "; server" + ownReset
		}
		if !a.receives {
			answer += "; client" + ownReset
		}
		if bits, given := params["server"+ownBits]; given {
			a.bits, _ = strconv.Atoi(bits)
			answer += "; server" + ownBits + "=" + bits
		}
		return a, answer
	}
	return agreed{}, ""
}

// parameters are those of one offer; ok is false when it is for something else,
// or for what RFC 7692 does not know.
func parameters(offer string) (params map[string]string, ok bool) {
	name, rest, more := strings.Cut(offer, ";")
	if strings.TrimSpace(name) != deflateName {
		return nil, false
	}
	params = map[string]string{}
	if !more {
		return params, true
	}
	for p := range strings.SplitSeq(rest, ";") {
		name, value, hasValue := strings.Cut(p, "=")
		name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"`)
		side, what, _ := strings.Cut(name, "_")
		if _, twice := params[name]; twice || side != "client" && side != "server" {
			return nil, false
		}
		switch "_" + what {
		case ownReset:
			ok = !hasValue
		case ownBits:
			bits, err := strconv.Atoi(value)
			ok = err == nil && bits >= 8 && bits <= allBits && value[0] != '0' || !hasValue && side == "client"
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
		params[name] = value
	}
	return params, true
}

// answered is what a server's answer to our offer says; the library has checked
// it. ok is false when the server does not compress.
func (o *Compression) answered(h http.Header) (a agreed, ok bool) {
	answer := h.Get("Sec-WebSocket-Extensions")
	return agreed{
		sends:    o.ContextTakeover && !strings.Contains(answer, "client"+ownReset),
		receives: o.ContextTakeover && !strings.Contains(answer, "server"+ownReset),
		bits:     allBits,
	}, o.On && answer != ""
}

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

// release makes what compress returned invalid.
func (c *compressor) release() {
	if cap(c.out) <= 2*corkLimit {
		c.of.Put(c)
	}
}

// tail ends each message, and is not sent.
const tail = 4 // 00 00 ff ff

// compress compresses a message. The result is valid until the compressor is
// released; nil when the message is better sent as it is.
func (d *deflate) compress(p []byte) *compressor {
	if len(p) < d.MinSize {
		return nil
	}
	c := newCompressor(d.Level, d.bits)
	c.out = c.out[:0]
	c.w.ResetDict(c, d.window)
	_, _ = c.w.Write(p) // Write of a compressor does not fail
	_ = c.w.Flush()
	c.out = c.out[:len(c.out)-tail]
	if d.sends {
		d.remember(p) // even when it was not worth it: the next one may be alike
		return c
	}
	if len(c.out) >= len(p) {
		c.release()
		return nil
	}
	return c
}

// appendFrame appends a message as a whole frame, compressed if that is any good.
// What all connections without context takeover can have is made once.
func (d *deflate) appendFrame(dst []byte, opcode byte, p []byte, shared *flow.Shared, mask *[4]byte) []byte {
	if shared != nil && !d.sends && d.bits == allBits {
		form := shared.Form(func() any {
			c := d.compress(p)
			if c == nil {
				return []byte(nil)
			}
			defer c.release()
			return bytes.Clone(c.out)
		})
		if z := form.([]byte); z != nil {
			return appendFrame(dst, rsv1|opcode, z, mask)
		}
		return appendFrame(dst, opcode, p, mask)
	}
	c := d.compress(p)
	if c == nil {
		return appendFrame(dst, opcode, p, mask)
	}
	defer c.release()
	return appendFrame(dst, rsv1|opcode, c.out, mask)
}

// remember keeps the end of what was sent.
func (d *deflate) remember(p []byte) {
	size := 1 << min(d.bits, d.WindowBits)
	if d.window == nil {
		d.window = make([]byte, 0, size)
	}
	p = p[max(0, len(p)-size):]
	if over := len(d.window) + len(p) - size; over > 0 {
		d.window = d.window[:copy(d.window, d.window[over:])]
	}
	d.window = append(d.window, p...)
}
