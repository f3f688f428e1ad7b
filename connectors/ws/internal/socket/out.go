package socket

import (
	"context"
	"encoding/binary"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
)

// PartBehind implements duplex.Protocol.
func (c *Conn) PartBehind(f *flow.Frame) {
	why, _ := c.group.asksToClose(f)
	c.Part(why)
}

// Put implements duplex.Protocol.
func (c *Conn) Put(f *flow.Frame) (last bool, err error) {
	opcode := byte(frame.Text)
	if f.Binary {
		opcode = frame.Binary
	}
	if err = c.put(opcode, f.Data, f.Shared); err != nil || f.Meta == nil {
		return false, err
	}
	return c.closeBehind(f), nil
}

// closeBehind puts a close frame behind a frame where the flow asks for it.
//
//go:noinline // keeps a large frame off the stack of every reader
func (c *Conn) closeBehind(f *flow.Frame) bool {
	why, asks := c.group.asksToClose(f)
	if asks && !why.Abort {
		_ = c.put(frame.Close, frame.ClosePayload(why.Code, why.Reason), nil) // it had room for the frame
	}
	if asks {
		c.Seal()
	}
	return asks
}

// put appends a frame; shared may be nil. The caller holds the Pen.
func (c *Conn) put(opcode byte, payload []byte, shared *flow.Shared) error {
	page, err := c.Page()
	if err != nil {
		return err
	}
	if c.deflate != nil && opcode < frame.Close {
		page.Buf = c.deflate.AppendFrame(page.Buf, opcode, payload, shared, c.mask())
	} else {
		page.Buf = frame.Append(page.Buf, opcode, payload, c.mask())
	}
	page.End()
	return nil
}

func (c *Conn) mask() *[4]byte {
	if c.masks == nil {
		return nil
	}
	binary.LittleEndian.PutUint32(c.key[:], uint32(c.masks.Uint64()))
	return &c.key
}

// sendClose appends a close frame, after which nothing else is taken, and
// sends all.
func (c *Conn) sendClose(code int, reason string) {
	c.control(frame.Close, frame.ClosePayload(code, reason))
}

// control appends a control frame. What is made after a close frame is
// dropped: the library's answer to a close that we began.
func (c *Conn) control(opcode byte, payload []byte) {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	err := c.add(opcode, payload)
	if opcode == frame.Close {
		if err == nil {
			c.Seal()
		}
		_ = c.Send() // also what was before another close frame
	}
}

// question appends a ping, for the next Flush to send.
func (c *Conn) question(payload []byte) error {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	return c.Unwritten(c.add(frame.Ping, payload))
}

// add appends a control frame, and sends all when that is much. The caller holds the
// Pen.
func (c *Conn) add(opcode byte, payload []byte) error {
	if err := c.put(opcode, payload, nil); err != nil {
		return err
	}
	return c.Spill()
}

// tryControl sends a control frame without waiting; false when somebody is
// writing. What the socket does not take is written by a goroutine, and all of
// it where a write may always wait.
func (c *Conn) tryControl(opcode byte, payload []byte) bool {
	if !c.Pen.TryLock() {
		return false
	}
	defer c.Pen.Unlock()
	if c.put(opcode, payload, nil) == nil {
		c.sendSoon()
	}
	return true
}

// sendSoon sends all, without waiting. The caller holds the Pen.
func (c *Conn) sendSoon() {
	if !c.SendNow() {
		go func() { _ = c.Flush(context.Background()) }() // asked for by Failure
	}
}

// closeEarly sends a close frame behind the frame under way, instead of all else
// that waits. Whoever is writing has been stopped by a deadline.
func (c *Conn) closeEarly(code int, reason string) {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	page := c.Resume(c.group.CloseTimeout)
	page.Buf = frame.Append(page.Buf, frame.Close, frame.ClosePayload(code, reason), c.mask())
	page.End()
	c.Seal()
	_ = c.Send() // asked for by Failure
}
