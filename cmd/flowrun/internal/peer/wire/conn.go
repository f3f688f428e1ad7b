package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc7692"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Bounds of what one connection keeps beside the inbox.
const (
	maxControls = 1000             // pings and pongs that no step has asked for
	farewell    = 10 * time.Second // how long the end of a connection may take
)

// Message is one that came.
type Message struct {
	Binary     bool
	Compressed bool
	Data       []byte
	At         time.Time
}

// cost is what the message takes in the inbox: an empty one is not free.
func (m *Message) cost() int64 { return int64(len(m.Data)) + 64 }

// Ending is how a connection ended.
type Ending struct {
	Code   int // rfc6455.NoCode, and rfc6455.Abnormal without a close frame
	Reason string
	Err    error // of the network, when there was no close frame
}

// String tells the ending in one line.
func (e *Ending) String() string {
	v := (*Violation)(nil)
	switch {
	case errors.As(e.Err, &v):
		return v.what
	case e.Code == rfc6455.Abnormal && e.Err != nil:
		return fmt.Sprintf("1006: the connection ended without a close frame: %v", e.Err)
	case e.Code == rfc6455.Abnormal:
		return "1006: the connection ended without a close frame"
	case e.Code == rfc6455.NoCode:
		return "1005: a close frame without a code"
	case e.Reason != "":
		return fmt.Sprintf("%d %s", e.Code, Excerpt([]byte(e.Reason)))
	}
	return strconv.Itoa(e.Code)
}

// Options say what a connection is like.
type Options struct {
	Client      bool // our side is the client: it masks
	Bare        bool // there was no handshake: bytes come, not frames
	AnswerPings bool
	AnswerClose bool
	MaxMessage  setting.Size
	Inbox       setting.Size // bytes of messages that wait for Next
	// Deflate and Inflate are there when both sides have agreed to compress.
	Deflate *rfc7692.Deflater
	Inflate *rfc7692.Inflater
	// Log is told what happens, in lines; from any goroutine.
	Log func(format string, args ...any)
}

// Conn is one connection after its handshake, or without one. A goroutine of
// its own reads until the connection ends; the methods are for one other.
type Conn struct {
	gate *Gate
	nc   net.Conn // the gate, or TLS on it
	in   *bufio.Reader
	Options
	done chan struct{} // the reader has ended

	writing sync.Mutex // a frame at a time

	mu        sync.Mutex
	changed   chan struct{} // closed when something below changes
	inbox     []Message
	waiting   int64 // bytes in the inbox
	stalled   bool  // it is full
	raw       []byte
	pings     [][]byte
	pongs     [][]byte
	controls  [][]byte // frames that the reader wants written
	end       *Ending
	closeSent bool
	gone      bool // closed by us: nobody cares for what comes
}

// New starts reading. in reads from nc, which is gate or TLS on it.
func New(nc net.Conn, in *bufio.Reader, gate *Gate, o Options) *Conn {
	c := &Conn{nc: nc, in: in, gate: gate, Options: o, done: make(chan struct{}), changed: make(chan struct{})}
	go c.read()
	return c
}

// change runs f and wakes those who wait.
func (c *Conn) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// wait returns nil when is reports true, under the lock, and the Cause when
// ctx ends before.
func (c *Conn) wait(ctx context.Context, is func() bool) error {
	for {
		c.mu.Lock()
		ok, changed := is(), c.changed
		c.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Next takes the next message out of the inbox, or returns how the connection
// ended when there is none left. err is the Cause when ctx ends before.
func (c *Conn) Next(ctx context.Context) (m Message, end *Ending, err error) {
	err = c.wait(ctx, func() bool {
		if len(c.inbox) > 0 {
			m = c.inbox[0]
			c.inbox[0] = Message{}
			c.inbox = c.inbox[1:]
			c.waiting -= m.cost()
			return true
		}
		end = c.end
		return end != nil
	})
	if err == nil && end == nil {
		c.change(func() {}) // there is room
	}
	if end != nil {
		if v := (*Violation)(nil); errors.As(end.Err, &v) {
			return m, nil, v
		}
	}
	return m, end, err
}

// read fills the inbox until the connection ends.
func (c *Conn) read() {
	defer close(c.done)
	var err error
	if c.Bare {
		err = c.readRaw()
	} else {
		err = c.readFrames()
	}
	if v := (*Violation)(nil); errors.As(err, &v) {
		_ = c.nc.Close()
	} else {
		err = Cause(err)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	c.finish(&Ending{Code: rfc6455.Abnormal, Err: err})
}

// finish notes how the connection ended; the first time counts.
func (c *Conn) finish(e *Ending) {
	c.change(func() {
		if c.end != nil {
			return
		}
		c.end = e
		if !c.gone {
			c.Log("ended     %s", e)
		}
	})
}

func (c *Conn) readRaw() error {
	for {
		p := make([]byte, 4<<10)
		n, err := c.in.Read(p)
		if n > 0 {
			c.Log("received  %d bytes  %s", n, Glimpse(p[:n]))
			c.change(func() { c.raw = append(c.raw, p[:n]...) })
			if len(c.raw) > int(c.MaxMessage) {
				return &Violation{fmt.Sprintf("more than max_message (%s) came", c.MaxMessage)}
			}
		}
		if err != nil {
			return err
		}
	}
}

func (c *Conn) readFrames() error {
	var message []byte
	inside, binary, compressed := false, false, false
	for {
		h, key, err := rfc6455.ReadHeader(c.in)
		deflated := c.Inflate != nil && h.RSV == rfc7692.RSV && (h.Opcode == rfc6455.Text || h.Opcode == rfc6455.Binary)
		if deflated {
			h.RSV = 0
		}
		if err == nil {
			err = breach(h.Check(inside, c.Client))
		}
		if err != nil {
			return err
		}
		if h.Length > uint64(c.MaxMessage) || len(message)+int(h.Length) > int(c.MaxMessage) {
			return &Violation{fmt.Sprintf("a message is larger than max_message (%s)", c.MaxMessage)}
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(c.in, payload); err != nil {
			return io.ErrUnexpectedEOF
		}
		rfc6455.Mask(payload, key)
		if h.Opcode >= rfc6455.Close {
			if ended, err := c.control(h.Opcode, payload); ended || err != nil {
				return err
			}
			continue
		}
		if h.Opcode != rfc6455.Continuation {
			binary, compressed, message = h.Opcode == rfc6455.Binary, deflated, payload
		} else {
			message = append(message, payload...)
		}
		if inside = !h.Fin; inside {
			continue
		}
		if compressed {
			if message, err = c.Inflate.Inflate(message, int64(c.MaxMessage)); err != nil {
				return breach(err)
			}
			if len(message) > int(c.MaxMessage) {
				return &Violation{fmt.Sprintf("a message is larger than max_message (%s) when inflated", c.MaxMessage)}
			}
		}
		if !binary && !utf8.Valid(message) {
			return breach(fmt.Errorf("a text message is not valid UTF-8: %s", Excerpt(message)))
		}
		c.arrived(Message{Binary: binary, Compressed: compressed, Data: message, At: time.Now()})
		message = nil
	}
}

// arrived puts a message into the inbox, once there is room.
func (c *Conn) arrived(m Message) {
	c.Log("received  %s", m.Glimpse())
	for {
		c.mu.Lock()
		full := c.waiting > 0 && c.waiting+m.cost() > int64(c.Inbox) && !c.gone
		c.stalled = full
		changed := c.changed
		c.mu.Unlock()
		if !full {
			break
		}
		<-changed
	}
	c.change(func() {
		c.inbox = append(c.inbox, m)
		c.waiting += m.cost()
	})
}

// control deals with a control frame; ended says that it was the last.
func (c *Conn) control(op byte, payload []byte) (ended bool, err error) {
	switch op {
	case rfc6455.Ping:
		c.Log("received  ping %s", Excerpt(payload))
		c.change(func() { c.pings = keep(c.pings, payload) })
		if c.AnswerPings {
			c.answer(c.Frame(rfc6455.Pong, payload))
		}
	case rfc6455.Pong:
		c.Log("received  pong %s", Excerpt(payload))
		c.change(func() { c.pongs = keep(c.pongs, payload) })
	case rfc6455.Close:
		return c.closed(payload)
	}
	return false, nil
}

func keep(list [][]byte, p []byte) [][]byte {
	if len(list) == maxControls {
		list = list[1:]
	}
	return append(list, p)
}

// closed deals with a close frame: it is answered, unless it is the answer,
// and the TCP connection ends.
func (c *Conn) closed(payload []byte) (bool, error) {
	e := &Ending{Code: rfc6455.NoCode}
	switch {
	case len(payload) == 1:
		return true, breach(errors.New("a close frame has one byte: a code has two"))
	case len(payload) >= 2:
		e.Code, e.Reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
		if !utf8.ValidString(e.Reason) {
			return true, breach(errors.New("the reason of a close frame is not valid UTF-8"))
		}
	}
	c.finish(e)
	c.mu.Lock()
	answer := c.AnswerClose && !c.closeSent
	if answer {
		c.closeSent = true
	}
	c.mu.Unlock()
	if answer {
		c.answer(c.Frame(rfc6455.Close, payload[:min(2, len(payload))]))
		_ = c.nc.SetWriteDeadline(time.Now().Add(farewell))
		c.writing.Lock()   // a step may be writing, and write the answer when it is done
		c.writing.Unlock() //nolint:staticcheck // nothing is guarded, only awaited
		c.flush()
	} else if !c.AnswerClose {
		return false, nil // whoever does not answer does not leave either
	}
	if c.Client { // the server ends the TCP connection (RFC 6455 section 7.1.1)
		_ = c.nc.SetReadDeadline(time.Now().Add(farewell))
		_, _ = io.Copy(io.Discard, c.in)
	}
	_ = c.nc.Close()
	return true, io.EOF
}

// answer has the reader's frame written, at once or by whoever is writing: the
// reader must not wait for a step that waits for the other side to read.
func (c *Conn) answer(frame []byte) {
	c.mu.Lock()
	c.controls = keep(c.controls, frame)
	c.mu.Unlock()
	c.flush()
}

func (c *Conn) flush() {
	for {
		c.mu.Lock()
		none := len(c.controls) == 0
		c.mu.Unlock()
		if none || !c.writing.TryLock() {
			return
		}
		c.mu.Lock()
		frames := c.controls
		c.controls = nil
		c.mu.Unlock()
		_ = c.nc.SetWriteDeadline(time.Now().Add(farewell))
		for _, f := range frames {
			if _, err := c.nc.Write(f); err != nil {
				break // the reader will see why
			}
		}
		c.writing.Unlock()
	}
}

// Stuck is the error of a write that the other side did not take in time.
type Stuck struct {
	Taken, Of int
	Unread    setting.Size // what waits in our own inbox, when that is full
	Why       error        // the cause of the end of the context
}

func (s *Stuck) Error() string {
	return fmt.Sprintf("the other side does not read: %d of %d bytes were taken: %v", s.Taken, s.Of, s.Why)
}

// Over is the error of a write to a connection that has ended.
type Over struct{ *Ending }

func (o Over) Error() string { return "the connection has ended: " + o.String() }

// Send writes p within ctx. The error may be a *Stuck or Over.
func (c *Conn) Send(ctx context.Context, p []byte) error {
	c.writing.Lock()
	_ = c.nc.SetWriteDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetWriteDeadline(time.Unix(1, 0)) })
	n, err := c.nc.Write(p)
	stop()
	c.writing.Unlock()
	c.flush()
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		s := &Stuck{Taken: n, Of: len(p), Why: context.Cause(ctx)}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.stalled {
			s.Unread = setting.Size(c.waiting)
		}
		return s
	}
	// How the connection ended says more than that it cannot be written to.
	brief, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	var end *Ending
	if c.wait(brief, func() bool { end = c.end; return end != nil }) == nil {
		return Over{end}
	}
	return fmt.Errorf("write: %w", Cause(err))
}

// Frame is a whole frame as our role sends it.
func (c *Conn) Frame(op byte, payload []byte) []byte {
	return rfc6455.AppendFrame(nil, rfc6455.Header{Opcode: op, Fin: true, Masked: c.Client, Length: uint64(len(payload))}, payload)
}

// SendClose writes a close frame, after which none is answered.
func (c *Conn) SendClose(ctx context.Context, code int, reason string) error {
	c.mu.Lock()
	c.closeSent = true
	end := c.end
	c.mu.Unlock()
	if end != nil {
		return Over{end}
	}
	return c.Send(ctx, c.Frame(rfc6455.Close, rfc6455.ClosePayload(code, reason)))
}

// Pong waits for a pong with the payload. Without one, the result is how the
// connection ended, or the cause of the end of ctx.
func (c *Conn) Pong(ctx context.Context, payload []byte) (found bool, end *Ending, err error) {
	err = c.wait(ctx, func() bool {
		if i := slices.IndexFunc(c.pongs, func(b []byte) bool { return bytes.Equal(b, payload) }); i >= 0 {
			c.pongs, found = slices.Delete(c.pongs, i, i+1), true
		}
		end = c.end
		return found || end != nil
	})
	return found, end, err
}

// Ping waits for a ping, as Pong does.
func (c *Conn) Ping(ctx context.Context) (found bool, end *Ending, err error) {
	err = c.wait(ctx, func() bool {
		if found = len(c.pings) > 0; found {
			c.pings = c.pings[1:]
		}
		end = c.end
		return found || end != nil
	})
	return found, end, err
}

// Raw waits until all bytes that have come without a handshake are enough. While
// enough looks at them, which takes long when they are many, others may come.
func (c *Conn) Raw(ctx context.Context, enough func(raw []byte) bool) (raw []byte, found bool, end *Ending, err error) {
	for seen := -1; !found && end == nil && err == nil; seen = len(raw) {
		err = c.wait(ctx, func() bool {
			raw, end = c.raw, c.end
			return len(raw) > seen || end != nil
		})
		found = err == nil && enough(raw)
	}
	return slices.Clone(raw), found, end, err
}

// Read sets how fast is read, as the gate's Set does.
func (c *Conn) Read(rate setting.Size) { c.gate.Set(rate) }

// Cut ends the connection without a word: by a TCP reset, or the end of the
// stream.
func (c *Conn) Cut(reset bool) {
	if tcp, ok := c.gate.Conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	c.change(func() { c.gone = true })
	_ = c.gate.Close() // below TLS, which would say goodbye
	<-c.done
}

// EndWriting says that this side has sent all, and goes on reading.
func (c *Conn) EndWriting() error {
	half, ok := c.gate.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("the connection has no halves")
	}
	return half.CloseWrite()
}

// Leave ends the connection: politely when the script has come to its end, with
// a close frame and time for the answer to get through; at once otherwise.
func (c *Conn) Leave(politely bool) {
	c.mu.Lock()
	c.gone = true
	open := c.end == nil && !c.closeSent && !c.Bare
	c.mu.Unlock()
	c.change(func() {}) // the reader may wait for room
	c.gate.Set(Freely)
	if open && politely {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		c.mu.Lock()
		c.closeSent = true
		c.mu.Unlock()
		if c.Send(ctx, c.Frame(rfc6455.Close, rfc6455.ClosePayload(1000, ""))) == nil {
			_ = c.wait(ctx, func() bool { return c.end != nil })
		}
	}
	if politely && c.AnswerClose && !c.Bare {
		late := time.NewTimer(farewell)
		defer late.Stop()
		select {
		case <-c.done:
		case <-late.C:
		}
	}
	_ = c.nc.Close()
	<-c.done
}

// Cause is the innermost error of the network, which says what happened and
// not where.
func Cause(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
