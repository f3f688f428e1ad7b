package socket

import (
	"bufio"
	"net"
	"net/http"

	"github.com/coder/websocket"
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
		lib, err := websocket.Accept(again{http.Header{}, c}, handshake(c.deflate), &websocket.AcceptOptions{CompressionMode: c.group.Compression.mode()})
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
func handshake(d *deflate) *http.Request {
	h := http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	if d != nil {
		offer := deflateName
		if !d.receives {
			offer += "; client" + ownReset
		}
		h["Sec-Websocket-Extensions"] = []string{offer}
	}
	return &http.Request{Method: http.MethodGet, ProtoMajor: 1, ProtoMinor: 1, Header: h}
}

// mode is what the library calls it.
func (o *Compression) mode() websocket.CompressionMode {
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
	w := wire{a.conn.nc, a.conn}
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
		h, ok := parseHeader(c.pending)
		if !ok || int64(len(c.pending)) < h.total() {
			return len(p), nil
		}
		payload := c.pending[h.size:h.total()]
		if h.masked {
			unmask(payload, h.mask)
		}
		if h.opcode() == opClose && c.owner != nil {
			c.owner.Leave()
		}
		c.control(h.opcode(), payload)
		if c.pending = c.pending[h.total():]; len(c.pending) == 0 {
			c.pending = nil
		}
	}
}

// Close is called by the library when it has done with the connection. The
// connection's goroutine closes the socket, when the last bytes have left.
func (wire) Close() error { return nil }
