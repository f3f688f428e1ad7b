package ws

import (
	"bufio"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// accept lets the library check and answer a handshake, and takes the socket
// over. An error has been answered.
func (s *server) accept(w http.ResponseWriter, r *http.Request) (*conn, string, error) {
	u := &upgrade{ResponseWriter: w}
	lib, err := websocket.Accept(u, r, nil)
	if err != nil {
		if u.socket != nil {
			_ = u.socket.Close()
		}
		return nil, "", err
	}
	_ = lib.CloseNow() // of nowhere: without it, a finalizer keeps it for two more collections
	c := newConn(u.socket, u.already, &s.config.Common)
	c.clock = &s.clock
	return c, lib.Subprotocol(), nil
}

// upgrade takes the socket from net/http when the library asks for it. What
// the library gets instead is nothing: the connection that it makes of this is
// dropped, see conn.library.
type upgrade struct {
	http.ResponseWriter
	socket  net.Conn
	already []byte // what the client sent after its handshake, in one piece with it
}

// Hijack implements http.Hijacker.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	socket, brw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if err := socket.SetDeadline(time.Time{}); err != nil {
		_ = socket.Close()
		return nil, nil, err
	}
	already, _ := brw.Reader.Peek(brw.Reader.Buffered())
	u.socket, u.already = socket, append([]byte(nil), already...)
	return nowhere{}, smallBuffers(nowhere{}), nil
}

// nowhere is the socket of a connection that is never used.
type nowhere struct{ net.Conn }

func (nowhere) Read([]byte) (int, error)    { return 0, net.ErrClosed }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Close() error                { return nil }

// smallBuffers are just large enough for what the library does with them:
// frame headers in, control frames out.
func smallBuffers(c net.Conn) *bufio.ReadWriter {
	return bufio.NewReadWriter(bufio.NewReaderSize(c, 128), bufio.NewWriterSize(c, 16))
}

// library returns the library's connection on top of c. It can only be had by
// a handshake, so this is one that has happened: the answer goes nowhere.
func (c *conn) library() (*websocket.Conn, error) {
	if c.lib == nil {
		lib, err := websocket.Accept(again{http.Header{}, c}, handshake, nil)
		if err != nil {
			return nil, err
		}
		lib.SetReadLimit(int64(c.limits.MaxMessage))
		c.lib = lib
	}
	return c.lib, nil
}

// handshake is what any client asks for.
var handshake = &http.Request{
	Method:     http.MethodGet,
	ProtoMajor: 1,
	ProtoMinor: 1,
	Header: http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"AAAAAAAAAAAAAAAAAAAAAA=="},
	},
}

// again is the ResponseWriter of a handshake that has happened.
type again struct {
	header http.Header
	conn   *conn
}

func (a again) Header() http.Header         { return a.header }
func (a again) Write(p []byte) (int, error) { return len(p), nil }
func (a again) WriteHeader(int)             {}

// Hijack implements http.Hijacker.
func (a again) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return a.conn, smallBuffers(a.conn), nil
}
