package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// writer is conn as the link sees it.
type writer conn

func (w *writer) Write(ctx context.Context, frames []flow.Frame, corked bool) error {
	return w.out.Write(ctx, frames, corked)
}

func (w *writer) Flush(ctx context.Context) error { return w.out.Flush(ctx) }

func (w *writer) Disconnect(reason error) { (*conn)(w).disconnect(reason) }

// serve is the life of one connection after its handshake.
func (s *server) serve(c *conn, lib *websocket.Conn, peer flow.Peer) {
	log := s.host.Log()
	addr := peer.Addr()
	defer s.remove(c)
	defer c.Conn.Close()
	link, err := s.host.Open(peer, (*writer)(c))
	if err != nil {
		c.sendClose(int(websocket.StatusGoingAway), "server is shutting down")
		return
	}
	ctx := context.Background() // a connection's end is the reader's to notice
	c.leave.flush = flushLink(link, c.leave.timeout)
	c.deliver = func(frames []flow.Frame) {
		if err := link.Receive(ctx, frames); err != nil {
			log.Warn("a message was not delivered", zap.String("peer", addr), zap.Error(err))
		}
	}
	defer func() {
		if p := recover(); p != nil {
			log.Error("a connection is cut: the flow panicked on its message", zap.String("peer", addr), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			link.Close(ctx, fmt.Errorf("panic: %v", p))
		}
	}()
	log.Debug("connection opened", zap.String("peer", addr))
	lib.SetReadLimit(int64(s.config.MaxMessage))
	err = c.receiveAll(lib)
	s.sayGoodbye(c, err, addr)
	code, reason := closeReason(err)
	link.Close(ctx, reason)
	c.release()
	log.Debug("connection closed", zap.String("peer", addr), zap.Int("code", code), zap.NamedError("reason", reason))
}

// receiveAll reads until the connection ends. Simple messages are delivered
// inside of lib.Reader; what it returns are the others.
func (c *conn) receiveAll(lib *websocket.Conn) error {
	for {
		kind, r, err := lib.Reader(context.Background())
		if err != nil {
			return err
		}
		message, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		binary := kind == websocket.MessageBinary
		if !binary && c.limits.UTF8 == "strict" && !utf8.Valid(message) {
			return errNotUTF8
		}
		c.deliver([]flow.Frame{{Data: message, Binary: binary}})
	}
}

// sayGoodbye answers a connection that did something wrong, and sees to it
// that the answer arrives.
func (s *server) sayGoodbye(c *conn, err error, addr string) {
	if errors.Is(err, websocket.ErrMessageTooBig) {
		s.host.Log().Warn("a message is longer than max_message, the connection is closed with 1009",
			zap.String("peer", addr), zap.Stringer("max_message", s.config.MaxMessage))
	}
	var ce websocket.CloseError
	switch {
	case errors.As(err, &ce), errors.Is(err, errAbandoned), errors.Is(err, errNoClose), c.failure() != nil, cutOff(err):
		_ = c.Flush(context.Background())
		return
	case errors.Is(err, errNotUTF8):
		c.sendClose(int(websocket.StatusInvalidFramePayloadData), errNotUTF8.Error())
	case errors.Is(err, errFragments):
		c.sendClose(int(websocket.StatusPolicyViolation), errFragments.Error())
	default:
		// The library has written what is wrong, except where it has not.
		c.sendClose(int(websocket.StatusProtocolError), "protocol error")
	}
	c.linger()
}
