package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// writer is a server's conn as the link sees it.
type writer conn

func (w *writer) Write(ctx context.Context, frames []flow.Frame, corked bool) error {
	return w.out.Write(ctx, frames, corked)
}

func (w *writer) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	return w.out.tryWrite(w.raw, frames)
}

func (w *writer) Flush(ctx context.Context) error { return w.out.Flush(ctx) }

func (w *writer) Disconnect(reason error) { (*conn)(w).disconnect(reason) }

// serve is the life of one connection after its handshake. What it does at
// the ends is kept out of its frame, which every connection has on its stack.
func (s *server) serve(c *conn, peer flow.Peer) {
	defer s.remove(c)
	defer c.hangUp()
	link := s.open(c, peer)
	if link == nil {
		return
	}
	s.close(c, link, c.receiveAll())
}

// open announces the connection; nil when the runtime does not want it.
//
//go:noinline
func (s *server) open(c *conn, peer flow.Peer) flow.Link {
	link, err := s.host.Open(peer, (*writer)(c))
	if err != nil {
		c.sendClose(int(websocket.StatusGoingAway), "server is shutting down")
		return nil
	}
	c.peer = peer.Addr()
	c.leave.settle = func() { link.Settle(s.host.Abandon()) }
	c.leave.flush = flushLink(link, c.leave.timeout)
	c.deliverTo(link, s.host.Log())
	s.host.Log().Debug("connection opened", zap.String("peer", c.peer))
	return link
}

// close ends the connection after err.
//
//go:noinline
func (s *server) close(c *conn, link flow.Link, err error) {
	if tooLong(err) {
		s.host.Log().Warn("a message is longer than max_message, the connection is closed with 1009",
			zap.String("peer", c.peer), zap.Stringer("max_message", s.config.MaxMessage))
	}
	if errors.Is(err, errPanicked) {
		s.host.Log().Error("a connection is cut", zap.String("peer", c.peer), zap.Error(err))
	}
	c.goodbye(err)
	code, reason := closeReason(err)
	link.Close(context.Background(), reason)
	c.release()
	s.host.Log().Debug("connection closed", zap.String("peer", c.peer), zap.Int("code", code), zap.NamedError("reason", reason))
}

// rescue is deferred: a panic costs the connection whose message caused it,
// and no other.
//
//go:noinline
func (c *conn) rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v\n%s", errPanicked, p, debug.Stack())
	}
}

// deliverTo makes link the receiver of messages. The end of a connection is
// its reader's to notice, not a context's.
func (c *conn) deliverTo(link flow.Link, log *zap.Logger) {
	c.deliver = func(frames []flow.Frame) {
		if err := link.Receive(context.Background(), frames); err != nil {
			log.Warn("a message was not delivered", zap.String("peer", c.peer), zap.Error(err))
		}
		c.lookOn()
	}
}

// receiveAll reads until the connection ends.
func (c *conn) receiveAll() (err error) {
	defer c.rescue(&err)
	for {
		if err := c.next(); err != nil {
			return err
		}
		if err := c.receiveOne(); err != nil && !errors.Is(err, errBorder) {
			return err
		}
	}
}

// receiveOne lets the library read the message, or the control frame, that is
// not simple.
func (c *conn) receiveOne() error {
	lib, err := c.library()
	if err != nil {
		return err
	}
	kind, r, err := lib.Reader(context.Background())
	if err != nil {
		return err
	}
	message, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	binary := kind == websocket.MessageBinary
	if !binary && !c.validText(message) {
		return errNotUTF8
	}
	c.deliver([]flow.Frame{{Data: message, Binary: binary}})
	return nil
}
