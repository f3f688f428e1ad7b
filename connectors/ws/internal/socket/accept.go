package socket

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/connectors/ws/internal/deflate"
)

// Accept lets the library check a handshake, and takes the socket over. An error
// has been answered. Success has not: the answer waits in the connection's buffer
// for the first Write or Flush, so that the owner can let the connection take part
// first, and a client that has been answered misses nothing. The handler is to
// return then: what its goroutine and its buffers hold is a good part of a
// connection's memory.
func Accept(w http.ResponseWriter, r *http.Request, g *Group) (c *Conn, subprotocol string, err error) {
	agreed, answer := g.Compression.Answer(r.Header)
	u := &upgrade{ResponseWriter: w, extensions: answer}
	lib, err := websocket.Accept(u, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the Origin has been looked at
		Subprotocols:       g.Subprotocols,
	})
	if err != nil {
		if u.socket != nil {
			_ = u.socket.Close()
		}
		return nil, "", err
	}
	_ = lib.CloseNow() // of nowhere: without it, a finalizer keeps it for two more collections
	c = New(u.socket, u.already, g)
	c.Precede(u.answer)
	if answer != "" {
		c.deflate = deflate.New(&g.Compression, agreed)
	}
	return c, lib.Subprotocol(), nil
}

// upgrade takes the socket from net/http when the library asks for it. What
// the library gets instead is nothing: the connection that it makes of this is
// dropped, see Conn.library.
type upgrade struct {
	http.ResponseWriter
	extensions string // that the answer agrees to; "" for none
	answer     []byte // that it may come in
	socket     net.Conn
	already    []byte // what the client sent after its handshake, in one piece with it
}

// WriteHeader implements http.ResponseWriter: what is no refusal is kept.
func (u *upgrade) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
		return
	}
	if u.extensions != "" {
		u.Header().Set("Sec-WebSocket-Extensions", u.extensions)
	}
	var answer bytes.Buffer
	answer.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = u.Header().Write(&answer) // to memory
	answer.WriteString("\r\n")
	u.answer = answer.Bytes()
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
