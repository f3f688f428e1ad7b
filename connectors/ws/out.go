package ws

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// corkLimit is how many bytes of replies wait at most for the reader to have
// nothing more to read.
const corkLimit = 64 << 10

// out is the writing half of a connection: frames are appended to a buffer,
// and the buffer is written at once.
type out struct {
	mu     sync.Mutex
	nc     net.Conn
	buf    *[]byte       // from outBufs, while there is something in it
	ended  bool          // a close frame is in: nothing may follow
	broken error         // why nothing can be written any more
	masks  *rand.ChaCha8 // of a client, whose masks nobody may foresee; nil for a server
	// A write may take as long as timeout says, or where that is 0, the sweep:
	// since is the time, on the sweep's clock, at which the write that is going
	// on began; 0 when there is none.
	timeout time.Duration
	since   atomic.Int64
	clock   *atomic.Int64
	// How many bytes were ever appended, and how many the socket has taken.
	taken, sent int64
	key         [4]byte // the mask in use
}

var outBufs = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// Write implements flow.Writer.
func (o *out) Write(_ context.Context, frames []flow.Frame, corked bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range frames {
		opcode := byte(opText)
		if frames[i].Binary {
			opcode = opBinary
		}
		if err := o.add(opcode, frames[i].Data); err != nil {
			return err
		}
	}
	if corked {
		return nil
	}
	return o.flush()
}

// Flush implements flow.Writer.
func (o *out) Flush(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.flush()
}

// sendClose appends a close frame, after which nothing else is taken, and
// sends all.
func (o *out) sendClose(code int, reason string) { o.control(opClose, closePayload(code, reason)) }

// control appends a control frame. What is made after a close frame is
// dropped: the library's answer to a close that we began.
func (o *out) control(opcode byte, payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.add(opcode, payload) == nil && opcode == opClose {
		o.ended = true
		_ = o.flush()
	}
}

// add appends a frame, and sends all when enough has been collected: a reader
// that always has more to read may not block for long. The caller holds mu.
func (o *out) add(opcode byte, payload []byte) error {
	switch {
	case o.broken != nil:
		return o.broken
	case o.ended:
		return flow.ErrGone
	}
	if o.buf == nil {
		o.buf = outBufs.Get().(*[]byte)
	}
	before := len(*o.buf)
	*o.buf = appendFrame(*o.buf, opcode, payload, o.mask())
	o.taken += int64(len(*o.buf) - before)
	if len(*o.buf) >= corkLimit {
		return o.flush()
	}
	return nil
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
		var n int
		if o.timeout > 0 {
			_ = o.nc.SetWriteDeadline(time.Now().Add(o.timeout))
			n, o.broken = o.nc.Write(*o.buf)
		} else {
			o.since.Store(o.clock.Load())
			n, o.broken = o.nc.Write(*o.buf)
			o.since.Store(0)
		}
		o.sent += int64(n)
		if o.broken != nil {
			_ = o.nc.SetReadDeadline(past)
		}
	}
	if b := o.buf; cap(*b) <= 2*corkLimit {
		*b = (*b)[:0]
		outBufs.Put(b)
	}
	o.buf = nil
	return o.broken
}

// past is a deadline that has passed: it wakes whoever blocks on a socket.
var past = time.Unix(1, 0)

// stuck ends a write that began before the given time.
func (o *out) stuck(before int64) {
	if since := o.since.Load(); since != 0 && since < before {
		_ = o.nc.SetWriteDeadline(past)
	}
}

func (o *out) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.broken
}

// counts returns how many bytes were ever appended, and how many of them the
// socket has taken.
func (o *out) counts() (taken, sent int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken, o.sent
}
