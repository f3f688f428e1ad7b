package stream

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/notice"
)

// maxMessage is the longest message that a client may send: there is little to say.
const maxMessage = 4 << 10

// socket is a client over WebSocket. Its goroutine writes what is told; another one
// reads, to hear whether the client is there.
type socket struct {
	conn  *websocket.Conn
	ctx   context.Context // ends with the connection
	write time.Duration
	texts []byte // to be written
	ends  []int  // of each
}

func (c *socket) add(text []byte) {
	c.texts = append(c.texts, text...)
	c.ends = append(c.ends, len(c.texts))
}

func (c *socket) flush() error {
	from := 0
	for _, to := range c.ends {
		if err := c.say(c.texts[from:to]); err != nil {
			return err
		}
		from = to
	}
	c.texts, c.ends = c.texts[:0], c.ends[:0]
	return nil
}

// say writes a message. Who does not take it in time is cut.
func (c *socket) say(text []byte) error {
	ctx, cancel := context.WithTimeout(c.ctx, c.write)
	defer cancel()
	err := c.conn.Write(ctx, websocket.MessageText, text)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errSlow
	}
	return err
}

// beat sends a ping. Its pong is heard by the reader; to wait for it here would keep
// events back.
func (c *socket) beat() error {
	go func() {
		ctx, cancel := context.WithTimeout(c.ctx, c.write)
		defer cancel()
		_ = c.conn.Ping(ctx)
	}()
	return nil
}

var (
	errSlow   = errors.New("it has taken nothing for too long")
	errSilent = errors.New("nothing was heard from it for too long")
)

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// upgraded serves notices that are wanted over WebSocket, if there is room.
func (s *Server) upgraded(w http.ResponseWriter, r *http.Request, wants func(notice.Notice) bool, as spelling) *access.Refusal {
	if !isUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		return &access.Refusal{Status: http.StatusUpgradeRequired, Code: "upgrade_required", Message: "this is a WebSocket: connect with one, or ask /api/v1/events for Server-Sent Events"}
	}
	leave, refusal := s.enter(&s.clients, s.Options.Events.MaxClients)
	if refusal != nil {
		return refusal
	}
	defer leave()
	from := s.Notices.Only(eventQueue, wants)
	defer from.Close()

	timeout := time.Duration(s.Options.Events.ReadTimeout)
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	defer context.AfterFunc(r.Context(), func() { end(context.Cause(r.Context())) })()
	silence := time.AfterFunc(timeout, func() { end(errSilent) })
	defer silence.Stop()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // who may ask for this, and from where, has been decided
		OnPingReceived:     func(context.Context, []byte) bool { silence.Reset(timeout); return true },
		OnPongReceived:     func(context.Context, []byte) { silence.Reset(timeout) },
	})
	if err != nil { // which has been answered
		s.Log.Debug("a WebSocket of the admin API did not come about", zap.Error(err))
		return nil
	}
	conn.SetReadLimit(maxMessage)
	reading, cut := context.WithCancel(s.over)
	defer cut()
	c := &socket{conn: conn, ctx: reading, write: s.write}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		end(c.hear(func() { silence.Reset(timeout) }))
	}()
	err = s.pump(ctx, from, as, c, min(s.beat, timeout/3)) // so that answers come in time
	c.leave(err, cut)
	<-gone
	s.Log.Debug("a client of the admin API listens no more", zap.String("path", r.URL.Path), zap.Error(err))
	return nil
}

// hear reads what the client says until it has gone, and returns why.
func (c *socket) hear(heard func()) error {
	for {
		kind, text, err := c.conn.Read(c.ctx)
		if err != nil {
			return err
		}
		heard()
		if kind == websocket.MessageText && string(text) == "ping" {
			if err := c.say([]byte("pong")); err != nil {
				return err
			}
		}
	}
}

// leave ends the connection for a reason; who is still there is told, and has a
// moment to answer.
func (c *socket) leave(why error, cut context.CancelFunc) {
	defer time.AfterFunc(closeTimeout, cut).Stop()
	switch {
	case errors.Is(why, errEnding):
		_ = c.conn.Close(websocket.StatusGoingAway, errEnding.Error())
	case errors.Is(why, ErrRevoked):
		_ = c.conn.Close(websocket.StatusPolicyViolation, ErrRevoked.Error())
	case errors.Is(why, errSilent):
		_ = c.conn.Close(websocket.StatusGoingAway, "nothing was heard from you for too long")
	default:
		_ = c.conn.CloseNow()
	}
}
