// Package wire speaks WebSocket (RFC 6455) by hand, over any net.Conn: the client's
// side, and as much of the server's as it takes to hear a client. Benchmarks use it because it costs next to nothing, tests
// because it can also do what no library lets one do: split and malform
// frames, stop in the middle, read nothing.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // of RFC 6455
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Opcodes, and the bit that marks the last frame of a message.
const (
	Continuation = 0x0
	Text         = 0x1
	Binary       = 0x2
	Close        = 0x8
	Ping         = 0x9
	Pong         = 0xA
	Fin          = 0x80
)

// MaxFrame bounds the payload of a frame that is read.
const MaxFrame = 64 << 20

// Frame is what was read.
type Frame struct {
	Fin     bool
	Opcode  byte
	Payload []byte // valid until the next call of Next
}

// Code is the status code of a close frame; 1005 when it carries none.
func (f Frame) Code() int {
	if len(f.Payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(f.Payload))
}

// Conn is a connection after the handshake. One goroutine may read while
// another writes.
type Conn struct {
	net.Conn
	buf        []byte
	start, end int  // buf[start:end] has been read and not been used
	hears      bool // it is the server's side: what comes is masked
}

// The key and its answer are those of RFC 6455, section 1.3.
const (
	key    = "dGhlIHNhbXBsZSBub25jZQ=="
	accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// Dial connects to "host:port" and does the handshake for path.
func Dial(ctx context.Context, addr, path string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return Handshake(c, path)
}

// Handshake asks for the upgrade on an open connection, which it closes when
// that is refused.
func Handshake(c net.Conn, path string) (*Conn, error) {
	w := &Conn{Conn: c}
	if err := w.handshake(path); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("handshake with %s: %w", c.RemoteAddr(), err)
	}
	return w, nil
}

func (c *Conn) handshake(path string) error {
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, c.RemoteAddr(), key); err != nil {
		return err
	}
	head, err := c.head()
	if err == nil && (!bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) || !bytes.Contains(head, []byte(accept))) {
		err = fmt.Errorf("the answer is %q", head)
	}
	return err
}

// Accept answers the handshake of a client, whatever it asks for.
func Accept(c net.Conn) (*Conn, error) {
	w := &Conn{Conn: c, hears: true}
	head, err := w.head()
	if err != nil {
		return nil, err
	}
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(append(bytes.Clone(head), "\r\n\r\n"...))))
	if err != nil {
		return nil, err
	}
	digest := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // of RFC 6455
	_, err = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(digest[:]))
	return w, err
}

// head reads up to the first empty line, which is not in the result.
func (c *Conn) head() ([]byte, error) {
	for {
		head, _, whole := bytes.Cut(c.buf[c.start:c.end], []byte("\r\n\r\n"))
		if whole {
			c.start += len(head) + 4
			return head, nil
		}
		if len(head) > 16<<10 {
			return nil, errors.New("the header does not end")
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads once, whatever is there.
func (c *Conn) fill() error {
	if c.start == c.end {
		c.start, c.end = 0, 0
	}
	if c.end == len(c.buf) {
		if c.start > len(c.buf)/2 {
			c.end = copy(c.buf, c.buf[c.start:c.end])
		} else {
			grown := make([]byte, max(1024, 2*len(c.buf)))
			c.end = copy(grown, c.buf[c.start:c.end])
			c.buf = grown
		}
		c.start = 0
	}
	n, err := c.Read(c.buf[c.end:])
	c.end += n
	if n > 0 {
		return nil
	}
	return err
}

// parse finds the length of the next frame's header and payload; whole is
// false while not all of it has been read.
func (c *Conn) parse() (header, payload int, whole bool, err error) {
	b := c.buf[c.start:c.end]
	if len(b) < 2 {
		return 0, 0, false, nil
	}
	if b[0]&0x70 != 0 || b[1]&0x80 != 0 != c.hears {
		return 0, 0, false, fmt.Errorf("read frame: the header %x has reserved bits, or is masked as it should not be", b[:2])
	}
	header, payload = 2, int(b[1]&0x7f)
	switch {
	case payload == 126 && len(b) >= 4:
		header, payload = 4, int(binary.BigEndian.Uint16(b[2:]))
	case payload == 127 && len(b) >= 10:
		long := binary.BigEndian.Uint64(b[2:])
		if long > MaxFrame {
			return 0, 0, false, fmt.Errorf("read frame: its length is %d", long)
		}
		header, payload = 10, int(long)
	case payload >= 126:
		return 0, 0, false, nil
	}
	if c.hears {
		header += 4
	}
	return header, payload, len(b) >= header+payload, nil
}

// Next returns the next frame, control frames included.
func (c *Conn) Next() (Frame, error) {
	for {
		header, payload, whole, err := c.parse()
		if err != nil {
			return Frame{}, err
		}
		if whole {
			b := c.buf[c.start:]
			c.start += header + payload
			if c.hears {
				unmask(b[header-4:header], b[header:header+payload])
			}
			return Frame{b[0]&Fin != 0, b[0] & 0xf, b[header : header+payload : header+payload]}, nil
		}
		if err := c.fill(); err != nil {
			return Frame{}, err
		}
	}
}

func unmask(mask, p []byte) {
	key := binary.LittleEndian.Uint64(append(mask[:4:4], mask...))
	for ; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^key)
	}
	for i := range p {
		p[i] ^= mask[i&3]
	}
}

// Ready reports whether Next will return without reading from the network.
func (c *Conn) Ready() bool {
	_, _, whole, err := c.parse()
	return whole || err != nil
}

// Send writes one frame; first is its opcode, with Fin or without.
func (c *Conn) Send(first byte, payload []byte) error {
	_, err := c.Write(AppendFrame(nil, first, payload))
	return err
}

// Leave sends a close frame with code and returns the code that came back,
// and what came before it.
func (c *Conn) Leave(code int) (answer int, before []Frame, err error) {
	if err := c.Send(Fin|Close, binary.BigEndian.AppendUint16(nil, uint16(code))); err != nil {
		return 0, nil, err
	}
	for {
		f, err := c.Next()
		if err != nil {
			return 0, before, err
		}
		if f.Opcode == Close {
			return f.Code(), before, nil
		}
		f.Payload = bytes.Clone(f.Payload)
		before = append(before, f)
	}
}

// mask is the same for every frame: nothing between us and the server could
// be fooled by what we send.
const mask = 0x37fa213d

// AppendFrame appends a masked frame to dst; first is its opcode, with Fin or
// without.
func AppendFrame(dst []byte, first byte, payload []byte) []byte {
	n := len(payload)
	switch {
	case n < 126:
		dst = append(dst, first, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, first, 0x80|126, byte(n>>8), byte(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, 0x80|127), uint64(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, mask)
	for len(payload) >= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, binary.LittleEndian.Uint64(payload)^(mask<<32|mask))
		payload = payload[8:]
	}
	for i, b := range payload {
		dst = append(dst, b^byte(uint32(mask)>>(8*(i&3))))
	}
	return dst
}
