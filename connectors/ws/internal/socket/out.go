package socket

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/deflate"
	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/nonblock"
)

// corkLimit is how many bytes of replies wait at most for the reader to have
// nothing more to read.
const corkLimit = 64 << 10

// out is the writing half of a connection: frames are appended to a buffer,
// and the buffer is written at once.
type out struct {
	mu      sync.Mutex
	nc      net.Conn
	group   *Group
	buf     *[]byte           // from outBufs, while there is something in it
	ended   bool              // a close frame is in: nothing may follow
	broken  error             // why nothing can be written any more
	deflate *deflate.Deflater // nil where messages are not compressed
	masks   *rand.ChaCha8     // of a client, whose masks nobody may foresee; nil for a server
	// since is the time, on the group's clock, at which the sweep first saw the
	// write that is going on; unseen until then, 0 when there is none.
	since atomic.Int64
	// active is the time, on the group's clock, at which the sweep first saw that a
	// message had been sent, or anything received; unseen until then.
	active atomic.Int64
	key    [4]byte // the mask in use
	last   progress
	at     *nonblock.Writer // made when it is first needed
	// dropping says that a write which is ended by its deadline leaves the rest
	// of the frame under way, and nothing else, to be sent before a close frame;
	// dropped, that one has.
	dropping atomic.Bool
	dropped  bool
}

// unseen stands for a time; none is negative.
const unseen = -1

// progress is how far the frames of the last Write have come.
type progress struct {
	given, through int  // how many there are, and how many the socket has taken
	before         int  // bytes in the buffer that were there before them
	cut            int  // bytes at the start of the buffer that are no frame: a handshake's answer, or the rest of a frame which the socket has begun to take
	counts         bool // the frame that is cut is one of them
}

var outBufs = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// write is Conn.Write. Where a frame asks to close the connection, that frame is
// the last that is taken.
func (o *out) write(frames []flow.Frame, corked bool) (last *Farewell, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin()
	for i := range frames {
		if err := o.add(opcodeOf(&frames[i]), frames[i].Data, frames[i].Shared); err != nil {
			return nil, o.unwritten(err)
		}
		if last = o.asked(&frames[i]); last != nil {
			if err = o.flush(); err == nil && i < len(frames)-1 {
				err = flow.ErrGone
			}
			return last, o.unwritten(err)
		}
	}
	if corked {
		return nil, nil
	}
	return nil, o.unwritten(o.flush())
}

// asked ends the writing where a frame that has been put asks for it. The caller
// holds mu.
func (o *out) asked(f *flow.Frame) *Farewell {
	if f.Meta == nil {
		return nil
	}
	return o.askedBy(f)
}

//go:noinline // keeps a large frame off the stack of every reader
func (o *out) askedBy(f *flow.Frame) *Farewell {
	why, asks := o.group.asksToClose(f)
	if !asks {
		return nil
	}
	if !why.Abort {
		_ = o.put(frame.Close, frame.ClosePayload(why.Code, why.Reason), nil) // it had room for the frame
	}
	o.ended = true
	return &why
}

// tryWrite is Conn.TryWrite. raw is nil where a write may always wait.
func (o *out) tryWrite(raw syscall.RawConn, frames []flow.Frame) (last *Farewell, taken, sent bool, err error) {
	if !o.mu.TryLock() {
		return nil, false, false, nil // somebody is writing
	}
	defer o.mu.Unlock()
	o.begin()
	for i := range frames {
		if err := o.put(opcodeOf(&frames[i]), frames[i].Data, frames[i].Shared); err != nil {
			return nil, true, false, o.unwritten(err)
		}
		if last = o.asked(&frames[i]); last != nil && i < len(frames)-1 {
			_ = o.flush() // tells by through how much has left
			return last, true, true, o.unwritten(flow.ErrGone)
		}
	}
	if raw == nil {
		return last, true, false, nil
	}
	sent = o.flushNow(raw)
	return last, true, sent, o.unwritten(o.broken)
}

// flushNow writes the buffer as far as the socket takes it at once, and reports
// whether that was all of it. The caller holds mu.
func (o *out) flushNow(raw syscall.RawConn) bool {
	if o.at == nil {
		o.at = nonblock.NewWriter(raw)
	}
	n, err := o.at.Write(*o.buf)
	o.passed(n, err)
	if err == nil && n < len(*o.buf) {
		*o.buf = (*o.buf)[:copy(*o.buf, (*o.buf)[n:])]
		return false
	}
	if o.dropped && err != nil {
		return false
	}
	o.giveBack()
	return err == nil
}

// tryControl sends a control frame without waiting; false when somebody is
// writing. What the socket does not take is written by a goroutine, and all of
// it where a write may always wait.
func (o *out) tryControl(raw syscall.RawConn, opcode byte, payload []byte) bool {
	if !o.mu.TryLock() {
		return false
	}
	defer o.mu.Unlock()
	if o.put(opcode, payload, nil) == nil && (raw == nil || !o.flushNow(raw)) {
		go func() { _ = o.Flush(context.Background()) }() // asked for by failure
	}
	return true
}

// question appends a ping, for the next Flush to send.
func (o *out) question(payload []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unwritten(o.add(frame.Ping, payload, nil))
}

func opcodeOf(f *flow.Frame) byte {
	if f.Binary {
		return frame.Binary
	}
	return frame.Text
}

// Flush implements flow.Writer.
func (o *out) Flush(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unwritten(o.flush())
}

// sendClose appends a close frame, after which nothing else is taken, and
// sends all.
func (o *out) sendClose(code int, reason string) {
	o.control(frame.Close, frame.ClosePayload(code, reason))
}

// control appends a control frame. What is made after a close frame is
// dropped: the library's answer to a close that we began.
func (o *out) control(opcode byte, payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.add(opcode, payload, nil)
	if opcode == frame.Close {
		o.ended = o.ended || err == nil
		_ = o.flush() // also what was before another close frame
	}
}

// add appends a frame, and sends all when enough has been collected: a reader
// that always has more to read may not block for long. The caller holds mu.
func (o *out) add(opcode byte, payload []byte, shared *flow.Shared) error {
	if err := o.put(opcode, payload, shared); err != nil || len(*o.buf) < corkLimit {
		return err
	}
	return o.flush()
}

// put appends a frame; shared may be nil. The caller holds mu.
func (o *out) put(opcode byte, payload []byte, shared *flow.Shared) error {
	switch {
	case o.broken != nil:
		return o.broken
	case o.ended, o.dropped && opcode != frame.Close:
		return flow.ErrGone
	}
	if o.buf == nil {
		o.buf = outBufs.Get().(*[]byte)
	}
	if opcode < frame.Close {
		o.last.given++
		if o.deflate != nil {
			*o.buf = o.deflate.AppendFrame(*o.buf, opcode, payload, shared, o.mask())
			return nil
		}
	}
	*o.buf = frame.Append(*o.buf, opcode, payload, o.mask())
	return nil
}

// precede puts what is sent before the first frame.
func (o *out) precede(answer []byte) {
	o.buf = outBufs.Get().(*[]byte)
	*o.buf = append(*o.buf, answer...)
	o.last.cut = len(answer)
}

// begin says that frames of a new Write follow. The caller holds mu.
func (o *out) begin() {
	o.last.given, o.last.through, o.last.before, o.last.counts = 0, 0, 0, false
	o.moves()
	if o.buf != nil {
		o.last.before = len(*o.buf)
	}
}

// moves notes that something passes, once between two sweeps.
func (o *out) moves() {
	if o.active.Load() != unseen {
		o.active.Store(unseen)
	}
}

// unwritten makes a *flow.WriteError of an error.
func (o *out) unwritten(err error) error {
	if err == nil {
		return nil
	}
	return &flow.WriteError{Written: o.last.through, Err: err}
}

// passed notes that the socket has taken n bytes of the buffer. When there are
// more, it counts the frames in them, which it does not do otherwise. The caller
// holds mu.
func (o *out) passed(n int, err error) {
	l := &o.last
	if n == len(*o.buf) && err == nil {
		l.through, l.before, l.cut = l.given, 0, 0
		return
	}
	pos := l.cut
	if pos <= n && l.counts {
		l.through++
		l.counts = false
	}
	for pos < n {
		h, _ := frame.Parse((*o.buf)[pos:]) // we have written it
		l.counts = !h.Control() && pos >= l.before
		if pos += int(h.Total()); pos <= n && l.counts {
			l.through++
			l.counts = false
		}
	}
	l.cut, l.before = pos-n, max(0, l.before-n)
	if o.dropping.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		o.drop(n)
		return
	}
	if err != nil {
		o.broken = err
		_ = o.nc.SetReadDeadline(past)
	}
}

func (o *out) mask() *[4]byte {
	if o.masks == nil {
		return nil
	}
	binary.LittleEndian.PutUint32(o.key[:], uint32(o.masks.Uint64()))
	return &o.key
}

// flush writes the buffer. The caller holds mu. A connection that cannot be
// written to is given up: its reader is woken and finds out why.
func (o *out) flush() error {
	if o.buf == nil {
		return o.broken
	}
	if o.broken == nil && len(*o.buf) > 0 {
		o.since.Store(unseen)
		n, err := o.nc.Write(*o.buf)
		o.since.Store(0)
		if o.passed(n, err); o.dropped && err != nil {
			return flow.ErrGone
		}
	}
	o.giveBack()
	return o.broken
}

// giveBack returns the buffer to those who need one. The caller holds mu.
func (o *out) giveBack() {
	if b := o.buf; cap(*b) <= 2*corkLimit {
		*b = (*b)[:0]
		outBufs.Put(b)
	}
	o.buf = nil
}

// past is a deadline that has passed: it wakes whoever blocks on a socket.
var past = time.Unix(1, 0)

// drop keeps, of a buffer of which the socket has taken n bytes, the rest of the
// frame under way. The caller holds mu.
func (o *out) drop(n int) {
	o.dropped = true
	if o.buf != nil {
		*o.buf = (*o.buf)[:copy(*o.buf, (*o.buf)[n:n+o.last.cut])]
	}
}

// closeEarly sends a close frame behind the frame under way, instead of all else
// that waits. Whoever is writing has been stopped by a deadline.
func (o *out) closeEarly(code int, reason string, within time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.dropped {
		o.drop(0)
	}
	o.dropping.Store(false)
	_ = o.nc.SetWriteDeadline(time.Now().Add(within))
	if o.put(frame.Close, frame.ClosePayload(code, reason), nil) == nil {
		o.ended = true
		o.passed(o.nc.Write(*o.buf)) // the deadline is all that limits it
		o.giveBack()
	}
}

func (o *out) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.broken
}
