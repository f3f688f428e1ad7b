package socket

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/nonblock"
)

// corkLimit is how many bytes of replies wait at most for the reader to have
// nothing more to read.
const corkLimit = 64 << 10

// out is the writing half of a connection: frames are appended to a buffer,
// and the buffer is written at once.
type out struct {
	mu     sync.Mutex
	nc     net.Conn
	group  *Group
	page   *page // while there is something in it
	ended  bool  // nothing may follow
	broken error // why nothing can be written any more
	given  int   // frames of the last Write
	passed int   // of them, those that the socket has taken
	at     *nonblock.Writer
	woke   atomic.Bool // there is something that the reader has not looked at yet
	// since is the time, on the group's clock, at which the sweep first saw the
	// write that is going on; unseen until then, 0 when there is none.
	since atomic.Int64
	// active is the time, on the group's clock, at which the sweep first saw that
	// something had been sent or received; unseen until then.
	active atomic.Int64
}

// page is what waits to be written.
type page struct {
	buf  []byte
	ends []int // in buf, of the frames of the last Write that are in it
}

var pages = sync.Pool{New: func() any { return &page{buf: make([]byte, 0, 4<<10)} }}

// unseen stands for a time; none is negative.
const unseen = -1

// past is a deadline that has passed: it wakes whoever blocks on a socket.
var past = time.Unix(1, 0)

// write is Conn.Write. Where a frame asks to close the connection, that frame is
// the last that is taken.
func (o *out) write(frames []flow.Frame, corked bool) (last *Farewell, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin()
	for i := range frames {
		if err = o.put(&frames[i]); err == nil && len(o.page.buf) >= corkLimit {
			err = o.flush()
		}
		if err != nil {
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

// tryWrite is Conn.TryWrite. raw is nil where a write may always wait.
func (o *out) tryWrite(raw syscall.RawConn, frames []flow.Frame) (last *Farewell, taken, sent bool, err error) {
	if !o.mu.TryLock() {
		return nil, false, false, nil // somebody is writing
	}
	defer o.mu.Unlock()
	o.begin()
	for i := range frames {
		if err := o.put(&frames[i]); err != nil {
			return nil, true, false, o.unwritten(err)
		}
		if last = o.asked(&frames[i]); last != nil && i < len(frames)-1 {
			_ = o.flush() // tells by passed how much has left
			return last, true, true, o.unwritten(flow.ErrGone)
		}
	}
	if raw == nil {
		return last, true, false, nil
	}
	sent = o.flushNow(raw)
	return last, true, sent, o.unwritten(o.broken)
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
	o.ended = true
	return &why
}

// begin says that frames of a new Write follow. The caller holds mu.
func (o *out) begin() {
	o.given, o.passed = 0, 0
	if o.page != nil {
		o.page.ends = o.page.ends[:0]
	}
	o.moves()
}

// moves notes that something passes, once between two sweeps.
func (o *out) moves() {
	if o.active.Load() != unseen {
		o.active.Store(unseen)
	}
}

// put appends a frame. The caller holds mu.
func (o *out) put(f *flow.Frame) error {
	switch {
	case o.broken != nil:
		return o.broken
	case o.ended:
		return flow.ErrGone
	}
	if o.page == nil {
		o.page = pages.Get().(*page)
	}
	o.given++
	o.page.buf = append(o.page.buf, f.Data...)
	o.page.ends = append(o.page.ends, len(o.page.buf))
	return nil
}

// unwritten makes a *flow.WriteError of an error.
func (o *out) unwritten(err error) error {
	if err == nil {
		return nil
	}
	return &flow.WriteError{Written: o.passed, Err: err}
}

// Flush implements flow.Writer.
func (o *out) Flush(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unwritten(o.flush())
}

// seal writes what there is, and takes nothing more.
func (o *out) seal() {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.flush() // asked for by failure
	o.ended = true
}

// flush writes the page. The caller holds mu. A connection that cannot be written
// to is given up: its reader is woken and finds out why.
func (o *out) flush() error {
	if o.page == nil {
		return o.broken
	}
	if o.broken == nil && len(o.page.buf) > 0 {
		o.since.Store(unseen)
		n, err := o.nc.Write(o.page.buf)
		o.since.Store(0)
		o.took(n, err)
	}
	o.giveBack()
	return o.broken
}

// flushNow writes the page as far as the socket takes it at once, and reports
// whether that was all of it. The caller holds mu.
func (o *out) flushNow(raw syscall.RawConn) bool {
	if o.at == nil {
		o.at = nonblock.NewWriter(raw)
	}
	n, err := o.at.Write(o.page.buf)
	if o.took(n, err); err == nil && len(o.page.buf) > 0 {
		return false
	}
	o.giveBack()
	return err == nil
}

// took removes the n bytes from the page that the socket has taken, and counts the
// frames that end in them. The caller holds mu.
func (o *out) took(n int, err error) {
	p := o.page
	if err != nil {
		o.broken = err
		o.woke.Store(true)
		_ = o.nc.SetReadDeadline(past)
	}
	if n == len(p.buf) {
		o.passed = o.given
		p.buf, p.ends = p.buf[:0], p.ends[:0]
		return
	}
	whole := 0
	for whole < len(p.ends) && p.ends[whole] <= n {
		whole++
	}
	o.passed += whole
	rest := p.ends[whole:]
	for i := range rest {
		p.ends[i] = rest[i] - n
	}
	p.ends = p.ends[:len(rest)]
	p.buf = p.buf[:copy(p.buf, p.buf[n:])]
}

// giveBack returns the page to those who need one. The caller holds mu.
func (o *out) giveBack() {
	if p := o.page; cap(p.buf) <= 2*corkLimit {
		p.buf, p.ends = p.buf[:0], p.ends[:0]
		pages.Put(p)
	}
	o.page = nil
}

func (o *out) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.broken
}
