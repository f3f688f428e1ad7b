package socket

import (
	"bufio"
	"net"
	"net/http"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/connectors/ws/internal/deflate"
	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
)

// smallBuffers are just large enough for what the library does with them:
// frame headers in, control frames out.
func smallBuffers(c net.Conn) *bufio.ReadWriter {
	return bufio.NewReadWriter(bufio.NewReaderSize(c, 128), bufio.NewWriterSize(c, 16))
}

// library returns the library's connection on top of c. It can only be had by
// a handshake, so this is one that has happened: the answer goes nowhere.
func (c *Conn) library() (*websocket.Conn, error) {
	if c.lib == nil {
		lib, err := websocket.Accept(again{http.Header{}, c}, handshake(c.deflate), &websocket.AcceptOptions{CompressionMode: modeOf(&c.group.Compression)})
		if err != nil {
			return nil, err
		}
		lib.SetReadLimit(-1) // receiveOne has ours
		c.lib = lib
	}
	return c.lib, nil
}

// handshake is what a client asks for that will agree to d; nil for no
// compression.
func handshake(d *deflate.Deflater) *http.Request {
	h := http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	if d != nil {
		h["Sec-Websocket-Extensions"] = []string{d.Offer()}
	}
	return &http.Request{Method: http.MethodGet, ProtoMajor: 1, ProtoMinor: 1, Header: h}
}

// modeOf is what the library calls a compression.
func modeOf(o *deflate.Options) websocket.CompressionMode {
	switch {
	case !o.On:
		return websocket.CompressionDisabled
	case o.ContextTakeover:
		return websocket.CompressionContextTakeover
	}
	return websocket.CompressionNoContextTakeover
}

// again is the ResponseWriter of a handshake that has happened.
type again struct {
	header http.Header
	conn   *Conn
}

func (a again) Header() http.Header         { return a.header }
func (a again) Write(p []byte) (int, error) { return len(p), nil }
func (a again) WriteHeader(int)             {}

// Hijack implements http.Hijacker.
func (a again) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w := wire{a.conn.Socket, a.conn}
	return w, smallBuffers(w), nil
}

// wire is the socket as the library sees it.
type wire struct {
	net.Conn
	conn *Conn
}

// Read gives the library the frames that next has found for it.
func (w wire) Read(p []byte) (int, error) {
	c := w.conn
	if c.theirs == 0 {
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

// Write takes what the library writes: close frames about what it finds wrong, in
// pieces.
func (w wire) Write(p []byte) (int, error) {
	c := w.conn
	c.pending = append(c.pending, p...)
	for {
		h, ok := frame.Parse(c.pending)
		if !ok || int64(len(c.pending)) < h.Total() {
			return len(p), nil
		}
		payload := c.pending[h.Size:h.Total()]
		if h.Masked {
			frame.Mask(payload, h.Mask)
		}
		if h.Opcode() == frame.Close && c.owner != nil {
			c.owner.Leave()
		}
		c.control(h.Opcode(), payload)
		if c.pending = c.pending[h.Total():]; len(c.pending) == 0 {
			c.pending = nil
		}
	}
}

// Close is called by the library when it has done with the connection. The
// connection's goroutine closes the socket, when the last bytes have left.
func (wire) Close() error { return nil }
