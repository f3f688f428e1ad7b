package socket

import (
	"bufio"
	"context"
	crand "crypto/rand"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/connectors/ws/internal/deflate"
)

// maxAnswer bounds the answer to a handshake, as net/http's servers bound the
// question.
const maxAnswer = 64 << 10

// Dial does the client's handshake for target on socket, which it takes over
// when it succeeds. The caller ends it by a deadline of the socket: the library
// looks at ctx only between two reads.
func Dial(ctx context.Context, socket net.Conn, target *url.URL, header http.Header, g *Group) (c *Conn, subprotocol string, err error) {
	h := &handshaker{socket: socket, group: g}
	lib, resp, err := websocket.Dial(ctx, target.String(), &websocket.DialOptions{
		HTTPClient:      &http.Client{Transport: h, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		HTTPHeader:      header,
		CompressionMode: modeOf(&g.Compression),
		Subprotocols:    g.Subprotocols,
	})
	switch {
	case err == nil && len(g.Subprotocols) > 0 && lib.Subprotocol() == "":
		err = fmt.Errorf("the server speaks none of the subprotocols %s", strings.Join(g.Subprotocols, ", "))
	case err == nil:
		lib.SetReadLimit(-1) // receiveOne has ours
		h.conn.lib = lib
		if agreed, ok := g.Compression.Answered(resp.Header); ok {
			h.conn.deflate = deflate.New(&g.Compression, agreed)
		}
		return h.conn, lib.Subprotocol(), nil
	case h.status != "":
		err = fmt.Errorf("the server answered %s instead of 101 Switching Protocols", h.status)
	}
	return nil, "", err
}

// handshaker is the library's HTTP client for one handshake. It makes the
// connection that the library gets afterwards.
type handshaker struct {
	socket net.Conn
	group  *Group
	conn   *Conn
	status string // of an answer that is no upgrade
}

// RoundTrip implements http.RoundTripper.
func (h *handshaker) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(h.socket); err != nil {
		return nil, err
	}
	br := bufio.NewReader(io.LimitReader(h.socket, maxAnswer))
	resp, err := http.ReadResponse(br, r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		h.status = strings.TrimSpace(resp.Status)
		_ = resp.Body.Close()
		resp.Body = http.NoBody
		return resp, nil
	}
	already, _ := br.Peek(br.Buffered())
	h.conn = New(h.socket, append([]byte(nil), already...), h.group)
	resp.Body = wire{h.socket, h.conn}
	return resp, nil
}

// newMasks returns the masks of a client, which nobody may foresee (RFC 6455
// section 5.3).
func newMasks() *rand.ChaCha8 {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	return rand.NewChaCha8(seed)
}
