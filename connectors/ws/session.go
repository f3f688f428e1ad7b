package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// session is one connection of a ws_client. It reads and writes through the
// library; what is written is corked below it, so that a burst of messages is
// one write to the socket.
type session struct {
	config *ClientConfig
	host   flow.Host
	lib    *websocket.Conn
	cork   *cork
	peer   flow.Peer
	ends   []int64     // per frame of the burst: how many bytes the socket must have taken
	ending atomic.Bool // the flow ends: silence means that all answers are in
}

// run serves the connection until it is lost, or ctx ends.
func (s *session) run(ctx context.Context) error {
	defer s.lib.CloseNow() //nolint:errcheck // it is gone
	background := context.Background()
	if err := s.opened(background); err != nil {
		return err
	}
	link, err := s.host.Open(s.peer, s)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { s.drain(link) })()
	defer context.AfterFunc(s.host.Abandon(), func() { _ = s.cork.Conn.Close() })()
	err = s.receiveAll(background, link)
	if s.ending.Load() && !lost(err) {
		err = s.leave()
	}
	reason := s.explain(err)
	link.Close(background, reason)
	if ctx.Err() != nil {
		return nil
	}
	return reason
}

// drain runs when the flow ends: what is queued is written, and then answers
// are read until none comes for a while.
func (s *session) drain(link flow.Link) {
	flushLink(link, time.Duration(s.config.Queue.WriteTimeout))()
	s.ending.Store(true)
	_ = s.cork.SetReadDeadline(time.Now().Add(answersWithin))
}

// answersWithin is how long a server may be silent before a client that ends
// believes that all answers have come.
const answersWithin = 100 * time.Millisecond

// lost reports whether the connection is of no more use.
func lost(err error) bool { return !errors.Is(err, os.ErrDeadlineExceeded) }

// leave does the close handshake, after the last answer.
func (s *session) leave() error {
	timeout := time.Duration(s.config.CloseTimeout)
	_ = s.cork.SetDeadline(time.Now().Add(timeout))
	timer := time.AfterFunc(timeout, func() { _ = s.cork.Conn.Close() }) // the library would wait for five seconds
	defer timer.Stop()
	_ = s.lib.Close(websocket.StatusNormalClosure, "")
	return nil
}

// receiveAll reads until the connection ends.
func (s *session) receiveAll(ctx context.Context, link flow.Link) error {
	for {
		kind, r, err := s.lib.Reader(ctx)
		if err != nil {
			return err
		}
		message, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		binary := kind == websocket.MessageBinary
		if !binary && s.config.UTF8 == "strict" && !utf8.Valid(message) {
			_ = s.lib.Close(websocket.StatusInvalidFramePayloadData, errNotUTF8.Error())
			return errNotUTF8
		}
		if err := link.Receive(ctx, []flow.Frame{{Data: message, Binary: binary}}); err != nil {
			s.log().Warn("a message was not delivered", zap.String("peer", s.peer.Addr()), zap.Error(err))
		}
		if s.ending.Load() {
			_ = s.cork.SetReadDeadline(time.Now().Add(answersWithin))
		}
	}
}

// explain says why a connection ended.
func (s *session) explain(err error) error {
	peer := s.config.URL.String()
	var ce websocket.CloseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ce):
		if ce.Reason != "" {
			return fmt.Errorf("%s closed the connection: %d %q", peer, ce.Code, ce.Reason)
		}
		return fmt.Errorf("%s closed the connection: %d", peer, ce.Code)
	case errors.Is(err, websocket.ErrMessageTooBig):
		return fmt.Errorf("%s sent a message longer than max_message (%s)", peer, s.config.MaxMessage)
	case cutOff(err), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%s cut the connection off", peer)
	}
	return fmt.Errorf("connection to %s: %w", peer, last(err))
}

// Write implements flow.Writer.
func (s *session) Write(ctx context.Context, frames []flow.Frame, corked bool) error {
	s.cork.start()
	for i := range frames {
		kind := websocket.MessageText
		if frames[i].Binary {
			kind = websocket.MessageBinary
		}
		if err := s.lib.Write(ctx, kind, frames[i].Data); err != nil {
			return s.broken(err)
		}
		s.ends = append(s.ends, s.cork.taken.Load())
	}
	if corked {
		return nil
	}
	return s.Flush(ctx)
}

// Flush implements flow.Writer.
func (s *session) Flush(context.Context) error {
	if err := s.cork.flush(); err != nil {
		return s.broken(err)
	}
	s.ends = s.ends[:0]
	return nil
}

// broken tells how much of the burst the socket took, and ends the connection
// for its reader too.
func (s *session) broken(err error) error {
	sent := s.cork.sent.Load()
	written := 0
	for written < len(s.ends) && s.ends[written] <= sent {
		written++
	}
	s.ends = s.ends[:0]
	_ = s.cork.Conn.Close()
	return &flow.WriteError{Written: written, Err: err}
}

// Disconnect implements flow.Disconnecter.
func (s *session) Disconnect(error) { _ = s.cork.Conn.Close() }
