package ws

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// session is one connection of a ws_client, and its writer.
type session struct {
	client *client
	host   flow.Host
	conn   *conn
	asked  atomic.Bool // the flow has sent something
}

// A client that ends believes that all answers have come when the server has
// been silent for answersWithin. It waits no longer than answersAtMost: a server
// that sends all the time is never silent. Who has asked nothing does not wait.
const (
	answersWithin = 100 * time.Millisecond
	answersAtMost = time.Second
)

// run serves the connection until it is lost, or ctx ends.
func (s *session) run(ctx context.Context, peer flow.Peer) error {
	c := s.conn
	defer c.hangUp()
	for _, message := range s.client.config.OnOpen {
		frame := flow.Frame{Data: []byte(message.Reveal())}
		if err := c.out.Write(ctx, []flow.Frame{frame}, false); err != nil {
			return s.explain(err)
		}
	}
	link, err := s.host.Open(peer, s)
	if err != nil {
		return err
	}
	c.peer = peer.Addr()
	c.leave.flush = func() {} // done before parting
	c.deliverTo(link, s.host.Log())
	defer context.AfterFunc(ctx, func() {
		flushLink(link, c.timeout)()
		if s.asked.Load() {
			c.leave.quiet, c.leave.answers = answersWithin, answersAtMost
		}
		c.part(farewell{websocket.StatusNormalClosure, ""})
	})()
	defer context.AfterFunc(s.host.Abandon(), c.abandon)()
	err = c.receiveAll()
	c.goodbye(err)
	reason := s.explain(err)
	link.Close(context.Background(), reason)
	c.release()
	if ctx.Err() != nil {
		return nil
	}
	return reason
}

// explain says why a connection ended.
func (s *session) explain(err error) error {
	config := s.client.config
	peer := config.URL.String()
	var ce websocket.CloseError
	switch {
	case errors.As(err, &ce) && ce.Reason != "":
		return fmt.Errorf("%s closed the connection: %d %q", peer, ce.Code, ce.Reason)
	case errors.As(err, &ce):
		return fmt.Errorf("%s closed the connection: %d", peer, ce.Code)
	case tooLong(err):
		return fmt.Errorf("%s sent a message longer than max_message (%s)", peer, config.MaxMessage)
	case cutOff(err):
		return fmt.Errorf("%s cut the connection off", peer)
	case errors.Is(err, errPanicked):
		return fmt.Errorf("connection to %s: %w", peer, err) // with what it said
	}
	return fmt.Errorf("connection to %s: %w", peer, last(err))
}

// Write implements flow.Writer.
func (s *session) Write(ctx context.Context, frames []flow.Frame, corked bool) error {
	s.asked.Store(true)
	return s.conn.out.Write(ctx, frames, corked)
}

// Flush implements flow.Writer.
func (s *session) Flush(ctx context.Context) error { return s.conn.out.Flush(ctx) }

// Disconnect implements flow.Disconnecter.
func (s *session) Disconnect(reason error) { s.conn.disconnect(reason) }
