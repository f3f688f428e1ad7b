package duplex

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/nonblock"
)

// Write implements flow.Writer. A frame with which the flow asks for the end of the
// connection is the last that is taken.
func (c *Conn) Write(_ context.Context, frames []flow.Frame, corked bool) error {
	last, err := c.write(frames, corked)
	if last != nil {
		c.protocol.PartBehind(last)
	}
	return err
}

// TryWrite implements flow.Trier, as Write does flow.Writer.
func (c *Conn) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	last, taken, sent, err := c.tryWrite(frames)
	if last != nil {
		c.protocol.PartBehind(last)
	}
	return taken, sent, err
}

func (c *Conn) write(frames []flow.Frame, corked bool) (last *flow.Frame, err error) {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	c.begin()
	for i := range frames {
		ends, err := c.put(&frames[i])
		if err == nil && !ends {
			err = c.Spill()
		}
		if err != nil {
			return nil, c.Unwritten(err)
		}
		if ends {
			if err = c.Send(); err == nil && i < len(frames)-1 {
				err = flow.ErrGone
			}
			return &frames[i], c.Unwritten(err)
		}
	}
	if corked {
		return nil, nil
	}
	return nil, c.Unwritten(c.Send())
}

func (c *Conn) tryWrite(frames []flow.Frame) (last *flow.Frame, taken, sent bool, err error) {
	if !c.Pen.TryLock() {
		return nil, false, false, nil // somebody is writing
	}
	defer c.Pen.Unlock()
	c.begin()
	for i := range frames {
		ends, err := c.put(&frames[i])
		if err != nil {
			return nil, true, false, c.Unwritten(err)
		}
		if !ends {
			continue
		}
		if last = &frames[i]; i < len(frames)-1 {
			_ = c.Send() // tells by passed how much has left
			return last, true, true, c.Unwritten(flow.ErrGone)
		}
	}
	sent = c.SendNow()
	return last, true, sent, c.Unwritten(c.broken)
}

// Flush implements flow.Writer.
func (c *Conn) Flush(context.Context) error {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	return c.Unwritten(c.Send())
}

// Failure is why nothing can be written any more; nil while it can.
func (c *Conn) Failure() error {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	return c.broken
}

// begin says that frames of a new Write follow.
func (c *Conn) begin() {
	c.given, c.passed = 0, 0
	if c.page != nil {
		c.page.first = len(c.page.ends)
	}
	c.moves()
}

func (c *Conn) put(f *flow.Frame) (last bool, err error) {
	if last, err = c.protocol.Put(f); err == nil {
		c.given++
	}
	return last, err
}

// Unwritten makes a *flow.WriteError of an error.
func (c *Conn) Unwritten(err error) error {
	if err == nil {
		return nil
	}
	return &flow.WriteError{Written: c.passed, Err: err}
}

// Page returns what a frame is appended to. It is called with the Pen, as all that
// follows is.
func (c *Conn) Page() (p *Page, err error) {
	if p = c.page; p == nil || c.shut {
		p, err = c.newPage()
	}
	return p, err
}

//go:noinline // so that Page can be
func (c *Conn) newPage() (*Page, error) {
	switch {
	case c.broken != nil:
		return nil, c.broken
	case c.shut:
		return nil, flow.ErrGone
	}
	c.page = pages.Get().(*Page)
	return c.page, nil
}

// Empty reports whether nothing waits to be sent.
func (c *Conn) Empty() bool { return c.page == nil }

// Precede puts what is sent before the first frame.
func (c *Conn) Precede(p []byte) {
	c.page = pages.Get().(*Page)
	c.page.Buf = append(c.page.Buf, p...)
	c.page.End()
	c.page.begun = true // it is not to be dropped
}

// Seal says that nothing may follow.
func (c *Conn) Seal() { c.shut = true }

// Spill sends what has been collected, when it is much.
func (c *Conn) Spill() error {
	if len(c.page.Buf) < corkLimit {
		return nil
	}
	return c.Send()
}

// Send writes the page. A connection that cannot be written to is given up: its
// reader is roused, and finds out why.
func (c *Conn) Send() error {
	if c.page == nil {
		return c.broken
	}
	if c.broken == nil && len(c.page.Buf) > 0 {
		if !c.dropped {
			c.writing.Store(unseen)
		}
		n, err := c.sendPage()
		c.writing.Store(0)
		if c.took(n, err) {
			return flow.ErrGone
		}
	}
	c.giveBack()
	return c.broken
}

// sendPage writes the page. A deadline that has passed before there was a try, since
// this goroutine has waited for its turn on a busy machine, refuses even what the
// socket has room for: that is sent all the same.
func (c *Conn) sendPage() (n int, err error) {
	n, err = c.Socket.Write(c.page.Buf)
	if !errors.Is(err, os.ErrDeadlineExceeded) || c.raw == nil || c.dropping.Load() || c.Abandoned() {
		return n, err
	}
	more, failed := nonblock.Insist(c.raw, c.page.Buf[n:])
	if n += more; n == len(c.page.Buf) || failed != nil {
		err = failed
	}
	return n, err
}

// SendNow writes the page as far as the socket takes it at once, and reports whether
// that was all of it.
func (c *Conn) SendNow() bool {
	if c.raw == nil || c.page == nil {
		return false
	}
	if c.at == nil {
		c.at = nonblock.NewWriter(c.raw)
	}
	n, err := c.at.Write(c.page.Buf)
	if c.took(n, err) || err == nil && len(c.page.Buf) > 0 {
		return false
	}
	c.giveBack()
	return err == nil
}

// took notes that the socket has taken n bytes of the page, and reports whether the
// rest is dropped.
func (c *Conn) took(n int, err error) (dropped bool) {
	if n == len(c.page.Buf) && err == nil {
		c.passed = c.given
		c.page.clear()
		return false
	}
	c.passed = min(c.given, c.passed+c.page.take(n))
	switch {
	case err == nil:
	case c.dropping.Load() && errors.Is(err, os.ErrDeadlineExceeded):
		c.dropped, c.shut = true, true
		c.page.drop()
		return true
	default:
		c.broken, c.shut = err, true
		c.wake()
	}
	return false
}

// giveBack returns the page to those who need one.
func (c *Conn) giveBack() {
	if cap(c.page.Buf) <= 2*corkLimit {
		c.page.clear()
		pages.Put(c.page)
	}
	c.page = nil
}

// Drop stops who is writing: of what has not been sent, only the rest of the frame
// under way will be, before a last one that the reader sends by [Conn.Resume]. Anyone
// may call it, without the Pen.
func (c *Conn) Drop() {
	c.dropping.Store(true)
	c.StopWrites()
}

// Dropping reports whether Resume is to be called. It is the reader's.
func (c *Conn) Dropping() bool { return c.dropping.Load() }

// Resume returns the page for a last frame, for which there is so much time, whatever
// the sweep finds.
func (c *Conn) Resume(within time.Duration) *Page {
	if !c.dropped && c.page != nil {
		c.page.drop()
	}
	c.dropped, c.shut = true, true
	c.dropping.Store(false)
	c.LimitWrites(within)
	if c.page == nil {
		c.page = pages.Get().(*Page)
	}
	return c.page
}
