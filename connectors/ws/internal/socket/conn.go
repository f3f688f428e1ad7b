package socket

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/connectors/ws/internal/deflate"
	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/duplex"
	"github.com/flowrun/flowrun/runtime/flow"
)

// readAhead is how much one read takes from the socket. A frame that does not
// fit is read by the library.
const readAhead = 32 << 10

// turn is what a connection needs only while there is something to read.
type turn struct {
	buf    [readAhead]byte
	frames []flow.Frame
}

var turns = sync.Pool{New: func() any { return &turn{} }}

// Conn is a connection after its handshake. One goroutine reads it, from
// Receive to HangUp; Write, Flush, TryWrite, Part, Disconnect and Abandon may be
// called from others.
//
// next is where the data path lives. It takes all simple frames from the
// read-ahead, gives them to the owner in batches, and returns at a frame that
// is not simple. Then the library is asked for a message, and handed the bytes
// of that frame, and of the following ones when the message is in fragments. So
// the library sees a connection on which peers do nothing but fragment and
// misbehave. A server makes it when it is first needed: most connections never
// have one, which saves two of their KiB.
//
// Control frames are not for the library, also because it gives each five
// seconds from its header to its answer: on a machine that is so busy that a
// goroutine waits longer, a close frame would stay without one.
type Conn struct {
	duplex.Conn
	group   *Group
	owner   Owner
	lib     *websocket.Conn          // see library
	why     atomic.Pointer[Farewell] // it is to end
	alive   alive
	spent   spent
	deflate *deflate.Deflater // nil where messages are not compressed
	masks   *rand.ChaCha8     // of a client, whose masks nobody may foresee; nil for a server
	key     [4]byte           // the mask in use

	turn       *turn  // while it holds anything
	start, end int    // of what is read and not yet used, in turn.buf
	rest       []byte // the beginning of a frame, kept while the connection waits without a turn
	theirs     int64  // bytes of the current frame that go to the library
	fragments  int    // frames so far of a message that the library reads; 0 outside of one
	pending    []byte // a control frame that the library is writing
	violation  error  // what the reader itself has found
	first      bool   // the last read of readBlocking took one byte
}

// New returns the connection on nc, of which already has been read behind the
// handshake: less than readAhead. It takes nc and already over.
func New(nc net.Conn, already []byte, g *Group) *Conn {
	c := &Conn{group: g, rest: already}
	c.Begin(nc, c)
	if g.Client {
		c.masks = newMasks()
	}
	if len(already) > 0 {
		c.Room() // to be dealt with before anything is read
	}
	return c
}

// next deals with simple frames until the read-ahead begins with another one,
// and leaves that to the library.
func (c *Conn) next() error {
	for {
		if c.start < c.end {
			if h, found := c.take(); found {
				if err := c.takeClose(&h); err != nil {
					return err
				}
				return c.handOver(&h)
			}
			if c.violation != nil {
				return c.violation
			}
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// take delivers the simple frames that are whole in the read-ahead. It returns
// the header of a frame that is not for us, or of a close frame, once those
// before it are delivered.
func (c *Conn) take() (h frame.Header, found bool) {
	t := c.turn
	frames := t.frames[:0]
	for c.start < c.end {
		var ok bool
		if h, ok = frame.Parse(t.buf[c.start:c.end]); !ok {
			break
		}
		if !h.Simple() || h.Masked == c.group.Client || !h.Control() && (c.fragments > 0 || h.Length > uint64(c.group.MaxMessage) || h.Total() > readAhead) {
			found = true
			break
		}
		if h.Total() > int64(c.end-c.start) {
			break
		}
		if h.Opcode() == frame.Close {
			found = true
			break
		}
		if c.violation = c.spend(h.Total()); c.violation != nil {
			break
		}
		payload := t.buf[c.start+h.Size : c.start+int(h.Total())]
		c.start += int(h.Total())
		if h.Masked {
			frame.Mask(payload, h.Mask)
		}
		if h.Control() {
			c.answer(h.Opcode(), payload)
			continue
		}
		binary := h.Opcode() == frame.Binary
		if !binary && !c.validText(payload) {
			c.violation = errNotUTF8
			break
		}
		if c.pinged(binary, payload) {
			continue
		}
		frames = append(frames, flow.Frame{Data: payload, Binary: binary})
	}
	if len(frames) > 0 {
		c.deliver(frames)
		clear(frames)
	}
	t.frames = frames[:0]
	return h, found
}

// answer deals with a ping or pong.
func (c *Conn) answer(opcode byte, payload []byte) {
	if opcode == frame.Ping {
		c.control(frame.Pong, payload)
	} else {
		c.ponged(payload)
	}
}

func (c *Conn) validText(p []byte) bool {
	return c.group.AnyText || utf8.Valid(p)
}

// handOver lets the library read the frame that begins with h.
func (c *Conn) handOver(h *frame.Header) error {
	if h.Masked && c.group.Client {
		return errMasked // which the library would take
	}
	c.theirs = h.Total()
	tooLong := h.Length > c.longest(h)
	if !tooLong { // else that is what is wrong, however long it says it is
		if err := c.spend(h.Total()); err != nil {
			return err
		}
	}
	if h.Control() {
		return nil
	}
	if tooLong && h.Length <= math.MaxInt64 {
		return errTooLong
	}
	c.fragments++
	if c.fragments > c.group.MaxFragments {
		return errFragments
	}
	if h.Fin() {
		c.fragments = 0
	}
	return nil
}

// longest is how long the payload of a frame may be. What cannot be compressed
// becomes a little longer by it; the library counts what it inflates.
func (c *Conn) longest(h *frame.Header) uint64 {
	n := uint64(c.group.MaxMessage)
	if c.deflate != nil && (h.First&frame.RSV1 != 0 || c.fragments > 0) {
		n += n>>10 + 64
	}
	return n
}

// fill reads more into the read-ahead: what has come, or when there is
// nothing, what comes next. Before it waits, replies are sent, and the buffer
// is given back.
func (c *Conn) fill() error {
	for {
		err := c.read()
		if err == nil {
			c.heard()
		}
		if errors.Is(err, io.EOF) {
			return errCut
		}
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, duplex.ErrDry) {
			return err
		}
		if err := c.woken(errors.Is(err, duplex.ErrDry)); err != nil {
			return err
		}
	}
}

func (c *Conn) read() error {
	if c.Blocks() {
		return c.readBlocking()
	}
	n, err := c.Read()
	c.end += n
	return err
}

// readBlocking reads from a connection that cannot say whether a read would
// block. The first byte is read alone, so that no buffer is held meanwhile.
// More is read only after that byte is dealt with: it may be the last one of a
// message, and all there is.
func (c *Conn) readBlocking() error {
	if c.first {
		c.first = false
		_ = c.Flush(context.Background()) // asked for by Failure
		n, err := c.Socket.Read(c.Room())
		c.end += n
		if n > 0 {
			return nil // an error comes again, after what is here is dealt with
		}
		return err
	}
	c.Idle()
	var first [1]byte
	if _, err := io.ReadFull(c.Socket, first[:]); err != nil {
		return err
	}
	c.Room()[0] = first[0]
	c.end++
	c.first = true
	return nil
}

// Release implements duplex.Protocol. A partial frame is kept in as little memory as
// it needs.
func (c *Conn) Release() {
	if c.turn == nil {
		return
	}
	if c.start < c.end {
		c.rest = append([]byte(nil), c.turn.buf[c.start:c.end]...)
	}
	turns.Put(c.turn)
	c.turn, c.start, c.end = nil, 0, 0
}

// Room implements duplex.Protocol: it makes place behind what is in the read-ahead.
func (c *Conn) Room() []byte {
	switch {
	case c.turn == nil:
		c.turn = turns.Get().(*turn)
		c.start, c.end = 0, copy(c.turn.buf[:], c.rest)
		c.rest = nil
	case c.start > 0:
		c.end = copy(c.turn.buf[:], c.turn.buf[c.start:c.end])
		c.start = 0
	}
	return c.turn.buf[c.end:]
}
