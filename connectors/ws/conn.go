package ws

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
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

// conn is a connection after its handshake, on either side, and the socket as
// the library sees it: net.Conn's Read, Write and Close. One goroutine uses
// it, except for what out and leave do under their own rules.
//
// next is where the data path lives. It takes all simple frames from the
// read-ahead, gives them to the link in batches, and returns at a frame that
// is not simple. Then the library is asked for a message, and Read hands it
// the bytes of that frame, and of the following ones when the message is in
// fragments. So the library sees a connection on which peers do nothing but
// close, fragment and misbehave. A server makes it when it is first needed:
// most connections never have one, which saves two of their KiB.
type conn struct {
	net.Conn
	out
	raw     syscall.RawConn // nil where only blocking calls can read: TLS, and systems that are no Unix
	readRaw func(fd uintptr) bool
	deliver func([]flow.Frame) // whole messages, of which the bytes are valid until it returns
	lib     *websocket.Conn    // see library
	limits  *Common
	client  bool   // this side has dialled
	peer    string // for logs
	leave   leave  // how the connection is ended from outside

	turn       *turn  // while it holds anything
	start, end int    // of what is read and not yet used, in turn.buf
	rest       []byte // the beginning of a frame, kept while the connection waits without a turn
	theirs     int64  // bytes of the current frame that go to the library
	fragments  int    // frames so far of a message that the library reads; 0 outside of one
	pending    []byte // a control frame that the library is writing
	err        error  // of readRaw
	looking    bool   // readRaw must not wait
	first      bool   // the last read of readBlocking took one byte
}

var (
	// errDry says that there is nothing to read at the moment.
	errDry = errors.New("nothing to read")
	// errBorder ends the library's turn: it has read a control frame and asks
	// for the next frame, which is for us to look at first. The library keeps
	// no state between two frames outside of a message.
	errBorder = errors.New("the next frame is not for the library")
)

// newConn returns the connection on nc, of which already has been read behind
// the handshake: less than readAhead.
func newConn(nc net.Conn, already []byte, limits *Common) *conn {
	c := &conn{Conn: nc, limits: limits, rest: already}
	c.leave.timeout = time.Duration(limits.CloseTimeout)
	c.out.nc = nc
	if c.findRaw(); c.raw == nil {
		c.leave.quiet = quiet
	}
	if len(already) > 0 {
		c.room() // to be dealt with before anything is read
	}
	return c
}

// Read gives the library the frames that next has found for it.
func (c *conn) Read(p []byte) (int, error) {
	if c.theirs == 0 {
		if c.fragments == 0 {
			return 0, errBorder
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.start == c.end {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p[:min(int64(len(p)), c.theirs)], c.turn.buf[c.start:c.end])
	c.start += n
	c.theirs -= int64(n)
	return n, nil
}

// next deals with simple frames until the read-ahead begins with another one,
// and leaves that to the library.
func (c *conn) next() error {
	for {
		if c.start < c.end {
			if h, found := c.take(); found {
				return c.handOver(&h)
			}
			if c.leave.violation != nil {
				return c.leave.violation
			}
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// take delivers the simple frames that are whole in the read-ahead. It returns
// the header of a frame that is not for us, once those before it are
// delivered.
func (c *conn) take() (h header, found bool) {
	t := c.turn
	frames := t.frames[:0]
	for c.start < c.end {
		var ok bool
		if h, ok = parseHeader(t.buf[c.start:c.end]); !ok {
			break
		}
		if !h.simple() || h.masked == c.client || c.fragments > 0 || h.length > uint64(c.limits.MaxMessage) || h.total() > readAhead {
			found = true
			break
		}
		if h.total() > int64(c.end-c.start) {
			break
		}
		payload := t.buf[c.start+h.size : c.start+int(h.total())]
		c.start += int(h.total())
		if h.masked {
			unmask(payload, h.mask)
		}
		if h.control() {
			c.answer(h.opcode(), payload)
			continue
		}
		binary := h.opcode() == opBinary
		if !binary && !c.validText(payload) {
			c.leave.violation = errNotUTF8
			break
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
func (c *conn) answer(opcode byte, payload []byte) {
	if opcode == opPing {
		c.control(opPong, payload)
	}
}

func (c *conn) validText(p []byte) bool {
	return c.limits.UTF8 != "strict" || utf8.Valid(p)
}

// handOver lets the library read the frame that begins with h.
func (c *conn) handOver(h *header) error {
	if h.masked && c.client {
		return errMasked // which the library would take
	}
	c.theirs = h.total()
	if h.control() {
		return nil
	}
	if h.length > uint64(c.limits.MaxMessage) && h.length <= math.MaxInt64 {
		return errTooLong // which the library finds out when it has read as much
	}
	c.fragments++
	if c.fragments > c.limits.MaxFragments {
		return errFragments
	}
	if h.fin() {
		c.fragments = 0
	}
	return nil
}

// fill reads more into the read-ahead: what has come, or when there is
// nothing, what comes next. Before it waits, replies are sent, and the buffer
// is given back.
func (c *conn) fill() error {
	for {
		err := c.readMore()
		if errors.Is(err, io.EOF) {
			return errCut
		}
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, errDry) {
			return err
		}
		if err := c.woken(errors.Is(err, errDry)); err != nil {
			return err
		}
	}
}

func (c *conn) readMore() error {
	if c.raw == nil {
		return c.readBlocking()
	}
	c.err = nil
	if err := c.raw.Read(c.readRaw); err != nil {
		return err
	}
	return c.err
}

// readBlocking reads from a connection that cannot say whether a read would
// block. The first byte is read alone, so that no buffer is held meanwhile.
// More is read only after that byte is dealt with: it may be the last one of a
// message, and all there is.
func (c *conn) readBlocking() error {
	if c.first {
		c.first = false
		_ = c.Flush(context.Background()) // asked for by failure
		c.room()
		n, err := c.Conn.Read(c.turn.buf[c.end:])
		c.end += n
		if n > 0 {
			return nil // an error comes again, after what is here is dealt with
		}
		return err
	}
	c.idle()
	var first [1]byte
	if _, err := io.ReadFull(c.Conn, first[:]); err != nil {
		return err
	}
	c.room()
	c.turn.buf[c.end] = first[0]
	c.end++
	c.first = true
	return nil
}

// idle is called before the connection waits: replies leave, and a partial
// frame is kept in as little memory as it needs.
func (c *conn) idle() {
	_ = c.Flush(context.Background()) // asked for by failure
	if c.turn == nil {
		return
	}
	if c.start < c.end {
		c.rest = append([]byte(nil), c.turn.buf[c.start:c.end]...)
	}
	c.release()
}

func (c *conn) release() {
	if c.turn != nil {
		turns.Put(c.turn)
		c.turn, c.start, c.end = nil, 0, 0
	}
}

// room makes place behind what is in the read-ahead.
func (c *conn) room() {
	switch {
	case c.turn == nil:
		c.turn = turns.Get().(*turn)
		c.start, c.end = 0, copy(c.turn.buf[:], c.rest)
		c.rest = nil
	case c.start > 0:
		c.end = copy(c.turn.buf[:], c.turn.buf[c.start:c.end])
		c.start = 0
	}
}

// Write takes what the library writes: control frames, in pieces.
func (c *conn) Write(p []byte) (int, error) {
	c.pending = append(c.pending, p...)
	for {
		h, ok := parseHeader(c.pending)
		if !ok || int64(len(c.pending)) < h.total() {
			return len(p), nil
		}
		payload := c.pending[h.size:h.total()]
		if h.masked {
			unmask(payload, h.mask)
		}
		c.control(h.opcode(), payload)
		if c.pending = c.pending[h.total():]; len(c.pending) == 0 {
			c.pending = nil
		}
	}
}

// Close is called by the library when it has done with the connection. The
// connection's goroutine closes the socket, when the last bytes have left.
func (c *conn) Close() error { return nil }
