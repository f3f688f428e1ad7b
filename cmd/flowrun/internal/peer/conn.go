package peer

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Bounds of what one connection keeps beside the inbox.
const (
	maxControls = 1000            // pings and pongs that no step has asked for
	farewell    = 2 * time.Second // how long the end of a connection may take
)

// Message is one that came.
type Message struct {
	Binary bool
	Data   []byte
	At     time.Time
}

// ending is how a connection ended.
type ending struct {
	code   int // 1005 without a code, 1006 without a close frame
	reason string
	err    error // of the network, when there was no close frame
	at     time.Time
}

func (e *ending) String() string {
	v := (*violation)(nil)
	switch {
	case errors.As(e.err, &v):
		return v.what
	case e.code == abnormal && e.err != nil:
		return fmt.Sprintf("1006: the connection ended without a close frame: %v", e.err)
	case e.code == abnormal:
		return "1006: the connection ended without a close frame"
	case e.code == noCode:
		return "1005: a close frame without a code"
	case e.reason != "":
		return fmt.Sprintf("%d %s", e.code, excerpt([]byte(e.reason)))
	}
	return fmt.Sprint(e.code)
}

// conn is one connection after its handshake, or without one (tcp). A goroutine
// reads, the peer's steps write.
type conn struct {
	net.Conn
	in     *bufio.Reader
	gate   *gate
	config *Config
	client bool
	tcp    bool
	log    *transcript
	done   chan struct{} // the reader has ended

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
	end       *ending
	closeSent bool
	gone      bool // closed by us: nobody cares for what comes
}

func newConn(nc net.Conn, in *bufio.Reader, g *gate, p *Peer, client, tcp bool) *conn {
	c := &conn{
		Conn: nc, in: in, gate: g, config: &p.script.Config, client: client, tcp: tcp, log: p.log,
		done: make(chan struct{}), changed: make(chan struct{}),
	}
	go c.read()
	return c
}

// change runs f and wakes those who wait.
func (c *conn) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// wait returns nil when is reports true, under the lock, and the cause when
// ctx ends before.
func (c *conn) wait(ctx context.Context, is func() bool) error {
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

// next takes the next message out of the inbox, or returns how the connection
// ended when there is none left. err is the cause when ctx ends before.
func (c *conn) next(ctx context.Context) (m Message, end *ending, err error) {
	err = c.wait(ctx, func() bool {
		if len(c.inbox) > 0 {
			m = c.inbox[0]
			c.inbox[0] = Message{}
			c.inbox = c.inbox[1:]
			c.waiting -= int64(len(m.Data))
			return true
		}
		end = c.end
		return end != nil
	})
	if err == nil && end == nil {
		c.change(func() {}) // there is room
	}
	if end != nil {
		if v := (*violation)(nil); errors.As(end.err, &v) {
			return m, nil, v
		}
	}
	return m, end, err
}

// read fills the inbox until the connection ends.
func (c *conn) read() {
	defer close(c.done)
	var err error
	if c.tcp {
		err = c.readRaw()
	} else {
		err = c.readFrames()
	}
	if v := (*violation)(nil); errors.As(err, &v) {
		_ = c.Close()
	} else {
		err = cause(err)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	c.finish(&ending{code: abnormal, err: err, at: time.Now()})
}

// finish notes how the connection ended; the first time counts.
func (c *conn) finish(e *ending) {
	c.change(func() {
		if c.end != nil {
			return
		}
		c.end = e
		if !c.gone {
			c.log.add("ended     %s", e)
		}
	})
}

func (c *conn) readRaw() error {
	for {
		p := make([]byte, 4<<10)
		n, err := c.in.Read(p)
		if n > 0 {
			c.log.add("received  %d bytes  %s", n, shorten(p[:n], maxGlimpse))
			c.change(func() { c.raw = append(c.raw, p[:n]...) })
			if len(c.raw) > int(c.config.MaxMessage) {
				return &violation{fmt.Sprintf("more than max_message (%s) came", c.config.MaxMessage)}
			}
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) readFrames() error {
	var message []byte
	inside, binary := false, false
	for {
		s, key, err := readShape(c.in)
		if err == nil {
			err = s.check(inside, c.client)
		}
		if err != nil {
			return err
		}
		if s.length > uint64(c.config.MaxMessage) || len(message)+int(s.length) > int(c.config.MaxMessage) {
			return &violation{fmt.Sprintf("a message is larger than max_message (%s)", c.config.MaxMessage)}
		}
		payload := make([]byte, s.length)
		if _, err := io.ReadFull(c.in, payload); err != nil {
			return io.ErrUnexpectedEOF
		}
		unmask(payload, key)
		if s.opcode >= opClose {
			if ended, err := c.control(s.opcode, payload); ended || err != nil {
				return err
			}
			continue
		}
		if s.opcode != opContinuation {
			binary, message = s.opcode == opBinary, payload
		} else {
			message = append(message, payload...)
		}
		if inside = !s.fin; inside {
			continue
		}
		if !binary && !utf8.Valid(message) {
			return breach("a text message is not valid UTF-8: %s", excerpt(message))
		}
		c.arrived(Message{Binary: binary, Data: message, At: time.Now()})
		message = nil
	}
}

// arrived puts a message into the inbox, once there is room.
func (c *conn) arrived(m Message) {
	c.log.add("received  %s", glimpse(m))
	for {
		c.mu.Lock()
		full := c.waiting > 0 && c.waiting+int64(len(m.Data)) > int64(c.config.Inbox) && !c.gone
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
		c.waiting += int64(len(m.Data))
	})
}

// control deals with a control frame; ended says that it was the last.
func (c *conn) control(op byte, payload []byte) (ended bool, err error) {
	switch op {
	case opPing:
		c.log.add("received  ping %s", excerpt(payload))
		c.change(func() { c.pings = keep(c.pings, payload) })
		if c.config.AnswerPings {
			c.answer(c.frame(opPong, payload))
		}
	case opPong:
		c.log.add("received  pong %s", excerpt(payload))
		c.change(func() { c.pongs = keep(c.pongs, payload) })
	case opClose:
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
func (c *conn) closed(payload []byte) (bool, error) {
	e := &ending{code: noCode, at: time.Now()}
	switch {
	case len(payload) == 1:
		return true, breach("a close frame has one byte: a code has two")
	case len(payload) >= 2:
		e.code, e.reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
		if !utf8.ValidString(e.reason) {
			return true, breach("the reason of a close frame is not valid UTF-8")
		}
	}
	c.finish(e)
	c.mu.Lock()
	answer := c.config.AnswerClose && !c.closeSent
	if answer {
		c.closeSent = true
	}
	c.mu.Unlock()
	if answer {
		c.answer(c.frame(opClose, payload[:min(2, len(payload))]))
		_ = c.SetWriteDeadline(time.Now().Add(farewell))
		c.writing.Lock()   // a step may be writing, and write the answer when it is done
		c.writing.Unlock() //nolint:staticcheck // nothing is guarded, only awaited
		c.flush()
	} else if !c.config.AnswerClose {
		return false, nil // whoever does not answer does not leave either
	}
	if c.client { // the server ends the TCP connection (RFC 6455 section 7.1.1)
		_ = c.SetReadDeadline(time.Now().Add(farewell))
		_, _ = io.Copy(io.Discard, c.in)
	}
	_ = c.Close()
	return true, io.EOF
}

// frame is a whole frame as our role sends it.
func (c *conn) frame(op byte, payload []byte) []byte {
	return appendFrame(nil, shape{opcode: op, fin: true, masked: c.client, length: uint64(len(payload))}, payload)
}

// answer has the reader's frame written, at once or by whoever is writing: the
// reader must not wait for a step that waits for the other side to read.
func (c *conn) answer(frame []byte) {
	c.mu.Lock()
	c.controls = keep(c.controls, frame)
	c.mu.Unlock()
	c.flush()
}

func (c *conn) flush() {
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
		_ = c.SetWriteDeadline(time.Now().Add(farewell))
		for _, f := range frames {
			if _, err := c.Write(f); err != nil {
				break // the reader will see why
			}
		}
		c.writing.Unlock()
	}
}

// send writes p within ctx.
func (c *conn) send(ctx context.Context, p []byte) error {
	c.writing.Lock()
	_ = c.SetWriteDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = c.SetWriteDeadline(time.Unix(1, 0)) })
	n, err := c.Write(p)
	stop()
	c.writing.Unlock()
	c.flush()
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		u := &unexpected{what: fmt.Sprintf("the other side does not read: %d of %d bytes were taken%s", n, len(p), soon(context.Cause(ctx)))}
		c.mu.Lock()
		if c.stalled {
			u.notes = append(u.notes, fmt.Sprintf("this peer does not either: its inbox holds %s that no step has expected", flow.Size(c.waiting)))
		}
		c.mu.Unlock()
		return u
	}
	// How the connection ended says more than that it cannot be written to.
	brief, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	var end *ending
	if c.wait(brief, func() bool { end = c.end; return end != nil }) == nil {
		return &unexpected{what: "the connection has ended", got: end.String()}
	}
	return fmt.Errorf("write: %w", cause(err))
}

// leave ends the connection: politely when the script has come to its end, with
// a close frame and time for the answer to get through; at once otherwise.
func (c *conn) leave(politely bool) {
	c.mu.Lock()
	c.gone = true
	open := c.end == nil && !c.closeSent && !c.tcp
	c.mu.Unlock()
	c.change(func() {}) // the reader may wait for room
	c.gate.set(freely)
	if open && politely {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		c.mu.Lock()
		c.closeSent = true
		c.mu.Unlock()
		if c.send(ctx, c.frame(opClose, closePayload(1000, ""))) == nil {
			_ = c.wait(ctx, func() bool { return c.end != nil })
		}
	}
	if politely && c.config.AnswerClose && !c.tcp {
		late := time.NewTimer(farewell)
		defer late.Stop()
		select {
		case <-c.done:
		case <-late.C:
		}
	}
	_ = c.Close()
	<-c.done
}

// cause is the innermost error of the network, which says what happened and
// not where.
func cause(err error) error {
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

// freely is the rate of reading without a bound.
const freely flow.Size = -1

// gate slows the reading of a connection down.
type gate struct {
	net.Conn
	mu      sync.Mutex
	rate    flow.Size
	changed chan struct{}
	closed  chan struct{}
	once    sync.Once
}

func newGate(nc net.Conn) *gate {
	return &gate{Conn: nc, rate: freely, changed: make(chan struct{}), closed: make(chan struct{})}
}

func (g *gate) set(rate flow.Size) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rate = rate
	close(g.changed)
	g.changed = make(chan struct{})
}

// Read reads as slowly as it should.
func (g *gate) Read(p []byte) (int, error) {
	for {
		g.mu.Lock()
		rate, changed := g.rate, g.changed
		g.mu.Unlock()
		if rate == freely {
			return g.Conn.Read(p)
		}
		if rate == 0 {
			select {
			case <-changed:
				continue
			case <-g.closed:
				return 0, net.ErrClosed
			}
		}
		n, err := g.Conn.Read(p[:min(len(p), max(1, int(rate)/20))])
		t := time.NewTimer(time.Duration(n) * time.Second / time.Duration(rate))
		defer t.Stop()
		select {
		case <-t.C:
		case <-changed:
		case <-g.closed:
		}
		return n, err
	}
}

// Close closes the connection, and wakes whoever reads slowly.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Conn.Close()
}
