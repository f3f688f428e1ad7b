package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
)

// maxWrite bounds what is put together for one write, where it is more than
// one message; and how much may be under way on a connection so that a write
// of it cannot block for want of somebody who reads.
const maxWrite = 64 << 10

// client is one connection. Its listener reads; its writer is another
// goroutine or, where inline says so, the listener itself, between two reads.
type client struct {
	*frames
	run    *run
	number int
	inline bool
	wake   chan struct{} // of the writer: more may be sent now; nil where there is none

	// The source is who sends what this connection hears: itself, or the
	// first connection in the mode broadcast.
	source *client

	sent  atomic.Int64 // messages, by the writer, counted before they leave
	heard atomic.Int64 // messages, by the listener
	bytes atomic.Int64 // of payloads, by the listener
	final atomic.Bool  // sent will not change any more
	dead  atomic.Bool  // the connection has failed

	sentAt []int64 // of message k at k % len, where no rate says when that was
	out    []byte  // the writer's

	// Of the listener:
	want     []byte // the answer that is expected
	partial  []byte // the message of which some fragments have come
	partOp   byte   // and its opcode; 0 when there is none
	last     int64  // when a message came last
	deadline int64  // of reading, as it is set
}

// enter waits for a pong.
func (c *client) enter() error {
	if err := c.SetDeadline(time.Now().Add(c.run.timeout)); err != nil {
		return err
	}
	if _, err := c.Write(control(rfc6455.Ping, nil)); err != nil {
		return err
	}
	for {
		f, err := c.take()
		switch {
		case err != nil:
			return err
		case f.Opcode == rfc6455.Pong:
			return c.SetDeadline(time.Time{})
		case f.Opcode < rfc6455.Close:
			return &failure{wrong, fmt.Errorf("more came than was sent: %s", excerpt(f.payload))}
		}
		if err := c.control(f); err != nil {
			return err
		}
	}
}

// pump sends what may be sent now.
func (c *client) pump() error {
	r := c.run
	for {
		upTo, final := r.allowed(c)
		sent := c.sent.Load()
		if upTo <= sent {
			if final {
				c.final.Store(true)
			}
			return nil
		}
		first := sent
		c.out = c.out[:0]
		for ; sent < upTo && (sent == first || len(c.out) < maxWrite); sent++ {
			c.put(sent)
		}
		now := r.now()
		if c.sentAt != nil {
			for k := first; k < sent; k++ {
				c.sentAt[k%int64(len(c.sentAt))] = now
			}
		} else {
			r.late(c, first, sent, now)
		}
		c.sent.Store(sent)
		if c.wake != nil {
			_ = c.SetWriteDeadline(r.at(now + int64(r.timeout)))
		}
		if _, err := c.Write(c.out); err != nil {
			return fmt.Errorf("send message %d: %w", first, err)
		}
	}
}

// put appends the frame of a message to out.
func (c *client) put(seq int64) {
	m := &c.run.messages[seq%int64(len(c.run.messages))]
	c.out = rfc6455.AppendHeader(c.out, rfc6455.Header{Opcode: c.run.opcode, Fin: true, Masked: true, Length: uint64(len(m.body))})
	payload := len(c.out)
	c.out = c.run.messages.append(c.out, c.number, seq)
	rfc6455.Mask(c.out[payload:], rfc6455.Key)
}

// write is the writer where it is a goroutine of its own.
func (c *client) write() {
	for !c.final.Load() && !c.dead.Load() {
		if err := c.pump(); err != nil {
			c.fail(err)
			break
		}
		if !c.final.Load() {
			<-c.wake
		}
	}
	c.run.rouse(c)
}

// rouseWriter says that more may be sent now.
func (c *client) rouseWriter() {
	select {
	case c.wake <- struct{}{}:
	default: // it has been told already, or there is none
	}
}

// rouse makes the listener look around.
func (c *client) rouse() { _ = c.SetReadDeadline(time.Unix(1, 0)) }

// finished reports whether nothing more is to be heard.
func (c *client) finished() bool {
	if c.dead.Load() || c.run.abandoned.Load() {
		return true
	}
	if c.run.o.Mode == Receive {
		return c.run.stop.Load()
	}
	return c.source.final.Load() && c.heard.Load() == c.source.sent.Load() || c.source.dead.Load()
}

// listen is the listener: it hears messages until nothing more is to come.
func (c *client) listen() {
	if err := c.converse(); err != nil {
		c.fail(err)
	}
	if c.wake != nil {
		c.rouseWriter()
	}
}

func (c *client) converse() error {
	c.last = c.run.now()
	for {
		if c.inline {
			if err := c.pump(); err != nil {
				return err
			}
		}
		if err := c.extend(); err != nil {
			return err
		}
		// Whoever ends this says so first and shortens the deadline then.
		if c.inline && c.run.stop.Load() && !c.final.Load() {
			continue
		}
		if c.finished() {
			return nil
		}
		if err := c.hear(); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return err
			}
			c.deadline = 0
		}
	}
}

// extend moves the deadline of reading: to when the answer that is waited for
// has taken too long. It is not moved for every message, so an answer may take
// up to a quarter longer.
func (c *client) extend() error {
	now := c.last
	if c.deadline == 0 {
		now = c.run.now()
	}
	timeout := int64(c.run.timeout)
	if c.deadline >= now+timeout {
		return nil
	}
	from := now
	if next := c.heard.Load(); c.deadline == 0 && c.run.o.Mode != Receive && next < c.source.sent.Load() {
		from = max(c.last, c.run.sentWhen(c.source, next))
		if now-from >= timeout {
			return &failure{timedOut, fmt.Errorf("no answer to message %d within %s", next, c.run.o.Timeout)}
		}
	}
	c.deadline = from + timeout + timeout/4
	if c.wake == nil {
		return c.SetDeadline(c.run.at(c.deadline))
	}
	return c.SetReadDeadline(c.run.at(c.deadline))
}

// hear waits for a message, and takes all that have come with it.
func (c *client) hear() error {
	first := c.heard.Load()
	known := c.source.sent.Load()
	next, size := first, int64(0)
	for more := true; more; more = c.ready() {
		f, err := c.take()
		if err != nil {
			return err
		}
		if f.Opcode >= rfc6455.Close {
			if err := c.control(f); err != nil {
				return err
			}
			continue
		}
		opcode, payload, whole, err := c.assemble(f)
		if err != nil {
			return err
		}
		if !whole {
			continue
		}
		if next == known {
			known = c.source.sent.Load() // it may have sent since
		}
		if err := c.compare(next, known, opcode, payload); err != nil {
			return err
		}
		next++
		size += int64(len(payload))
	}
	if next > first {
		c.last = c.run.now()
		c.run.record(c, first, next, c.last)
		c.bytes.Add(size)
		c.heard.Store(next)
		c.run.arrived(c, next-first)
	}
	return nil
}

// take waits for a frame that may come now.
func (c *client) take() (*piece, error) {
	f, err := c.next()
	if err == nil {
		if err = f.Check(c.partOp != 0, true); err != nil {
			err = &failure{lost, fmt.Errorf("%w: %w", errFrame, err)}
		}
	}
	return f, err
}

// control answers control frames. A peer that closes ends the connection.
func (c *client) control(f *piece) error {
	switch f.Opcode {
	case rfc6455.Ping:
		_, err := c.Write(control(rfc6455.Pong, f.payload))
		return err
	case rfc6455.Close:
		_, _ = c.Write(control(rfc6455.Close, f.payload)) // it is over anyway
		return &failure{lost, fmt.Errorf("the server closed the connection with code %d", rfc6455.CloseCode(f.payload))}
	}
	return nil
}

// assemble makes messages of frames.
func (c *client) assemble(f *piece) (opcode byte, payload []byte, whole bool, err error) {
	switch {
	case f.Fin && c.partOp == 0:
		return f.Opcode, f.payload, true, nil
	case len(c.partial)+len(f.payload) > maxMessage:
		return 0, nil, false, &failure{lost, fmt.Errorf("a message of more than %d bytes is not accepted", maxMessage)}
	}
	if c.partOp == 0 {
		c.partOp, c.partial = f.Opcode, c.partial[:0]
	}
	c.partial = append(c.partial, f.payload...)
	opcode = c.partOp
	if f.Fin {
		c.partOp = 0
	}
	return opcode, c.partial, f.Fin, nil
}

// compare looks at what came as message seq, when so many have been sent.
func (c *client) compare(seq, sent int64, opcode byte, payload []byte) error {
	r := c.run
	if r.o.Mode == Receive {
		return nil
	}
	if seq >= sent {
		return &failure{wrong, fmt.Errorf("more came than was sent: %s", excerpt(payload))}
	}
	if r.o.AnyAnswer {
		return nil
	}
	c.want = r.answers.append(c.want[:0], c.source.number, seq)
	if opcode == r.opcode && bytes.Equal(payload, c.want) {
		return nil
	}
	kind := map[byte]string{rfc6455.Text: "text", rfc6455.Binary: "binary"}
	return &failure{wrong, fmt.Errorf("message %d should be the %s %s, and is the %s %s",
		seq, kind[r.opcode], excerpt(c.want), kind[opcode], excerpt(payload))}
}

func excerpt(b []byte) string {
	const enough = 120
	if len(b) > enough {
		return fmt.Sprintf("%q… (%d bytes)", b[:enough], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// leave closes the connection as one should. Whatever comes now beyond what
// was sent is wrong.
func (c *client) leave() {
	defer c.Close() //nolint:errcheck // it has served
	if c.dead.Load() {
		return
	}
	all := c.run.o.Mode != Receive && c.heard.Load() == c.source.sent.Load() // and otherwise some may be on its way
	_ = c.SetDeadline(time.Now().Add(min(c.run.timeout, goodbye)))
	_, err := c.Write(control(rfc6455.Close, []byte{1000 >> 8, 1000 & 0xff}))
	for err == nil {
		var f *piece
		f, err = c.next()
		switch {
		case err != nil, f.Opcode == rfc6455.Close:
			return // how a server ends what is over is its business
		case f.Opcode < rfc6455.Close && all:
			c.fail(&failure{wrong, fmt.Errorf("more came than was sent: %s", excerpt(f.payload))})
			return
		}
	}
}

// goodbye is how long a server may take to answer a close frame.
const goodbye = 10 * time.Second

// fail ends the connection. The first failure counts.
func (c *client) fail(err error) {
	if c.dead.Swap(true) {
		return
	}
	_ = c.Close()
	f := (*failure)(nil)
	if !errors.As(err, &f) {
		f = &failure{lost, cause(err)}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			f = &failure{timedOut, fmt.Errorf("the server takes no more: %w", cause(err))}
		}
	}
	c.run.failed(c, f)
}

// cause is what the system says, in a few words.
func cause(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server cut the connection")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("the server reset the connection")
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}
