package ws

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// session is one connection of a ws_client: its owner, and its writer.
type session struct {
	client *client
	host   flow.Host
	conn   *socket.Conn
	link   flow.Link
	peer   string      // for logs
	asked  atomic.Bool // the flow has sent something: answers may come
	// passed is when a message last passed, or the connection was opened, Unix
	// nanoseconds: where idle_interval asks for it.
	passed atomic.Int64
}

// errStale is why a connection is replaced that was idle for longer than
// idle_interval.
var errStale = errors.New("nothing has passed for longer than idle_interval, a message to be sent waits for a new connection")

// passes notes that a message passes.
func (s *session) passes() {
	if s.client.config.Fresh > 0 {
		s.passed.Store(time.Now().UnixNano())
	}
}

// freshen asks for the end of a connection that is too old to be written to, and
// returns what its writer says then; nil when it can be.
func (s *session) freshen() error {
	limit := s.client.config.Fresh
	if limit == 0 {
		return nil
	}
	now := time.Now().UnixNano()
	if now-s.passed.Load() < int64(limit) {
		s.passed.Store(now)
		return nil
	}
	s.conn.Part(socket.Farewell{Code: socket.NormalClosure, Reason: "idle", Cause: errStale, Why: flow.EndedIdle})
	return &flow.WriteError{Err: errStale}
}

// run serves the connection until it is lost, or ctx ends.
func (s *session) run(ctx context.Context, peer flow.Peer) error {
	c := s.conn
	s.passes()
	s.client.group.Add(c)
	defer s.client.group.Remove(c)
	defer c.HangUp()
	for _, message := range s.client.config.OnOpen {
		frame := flow.Frame{Data: []byte(message.Reveal())}
		if err := c.Write(ctx, []flow.Frame{frame}, false); err != nil {
			return s.explain(err)
		}
	}
	link, err := s.host.Open(peer, s)
	if err != nil {
		return err
	}
	s.link, s.peer = link, peer.Addr()
	defer context.AfterFunc(ctx, func() {
		flushLink(link, time.Duration(s.client.config.Queue.WriteTimeout))
		if s.asked.Load() {
			c.AwaitAnswers()
		}
		c.Part(socket.Farewell{Code: socket.NormalClosure, Why: flow.EndedDrain})
	})()
	defer context.AfterFunc(s.host.Abandon(), c.Abandon)()
	err = c.Receive(s)
	c.Goodbye(err)
	reason := s.explain(err)
	how, _ := c.End(err)
	link.Close(context.Background(), &flow.Ended{Err: reason, Code: how.Code, Cause: c.Cause(err)})
	s.host.Log().Debug("connection closed", append(roundTrip(c), zap.String("peer", s.peer), zap.NamedError("reason", reason))...)
	if ctx.Err() != nil {
		return nil
	}
	return reason
}

// explain says why a connection ended.
func (s *session) explain(err error) error {
	config := s.client.config
	peer := config.URL.String()
	why, closed := socket.Closed(err)
	if parted := s.conn.Parted(); parted != nil && errors.Is(parted.Cause, errStale) {
		return fmt.Errorf("connection to %s: %w", peer, errStale)
	}
	if parted := s.conn.Parted(); parted != nil && (errors.Is(parted.Cause, socket.ErrDead) || errors.Is(parted.Cause, socket.ErrIdle)) {
		return fmt.Errorf("connection to %s: %s", peer, parted.Reason)
	}
	switch {
	case closed && why.Code == socket.MessageTooBig:
		return fmt.Errorf("%s closed the connection: %d %q: %s", peer, why.Code, s.client.hide(why.Reason), s.tooLong())
	case closed && why.Reason != "":
		return fmt.Errorf("%s closed the connection: %d %q", peer, why.Code, s.client.hide(why.Reason))
	case closed:
		return fmt.Errorf("%s closed the connection: %d", peer, why.Code)
	case socket.TooLong(err):
		return fmt.Errorf("%s sent a message longer than max_message (%s)", peer, config.MaxMessage)
	case socket.CutOff(err):
		return fmt.Errorf("%s cut the connection off", peer)
	case errors.Is(err, socket.ErrPanicked):
		return fmt.Errorf("connection to %s: %w", peer, err) // with what it said
	}
	return fmt.Errorf("connection to %s: %w", peer, last(err))
}

// tooLong says what becomes of a message that is longer than the peer takes.
func (s *session) tooLong() string {
	if keep := s.client.config.Queue.Keep(true); keep != nil && keep.Pong {
		return "a message is longer than it takes, which is sent again until it does, and others wait behind it"
	}
	return "a message is longer than it takes, and lost"
}

// Deliver implements socket.Owner.
func (s *session) Deliver(frames []flow.Frame) {
	s.passes()
	if err := s.link.Receive(context.Background(), frames); err != nil {
		undelivered(s.host, s.peer, err)
	}
}

// Answered implements socket.Owner.
func (s *session) Answered(took time.Duration) { answered(s.host, took) }

// Settle implements socket.Owner: nobody else speaks to a client's peer.
func (s *session) Settle() {}

// Leave implements socket.Owner: it is the server that counts connections.
func (s *session) Leave() {}

// Drain implements socket.Owner: run has done it before it parts.
func (s *session) Drain() {}

// Write implements flow.Writer.
func (s *session) Write(ctx context.Context, frames []flow.Frame, corked bool) error {
	if err := s.freshen(); err != nil {
		return err
	}
	s.asked.Store(true)
	return s.conn.Write(ctx, frames, corked)
}

// Flush implements flow.Writer.
func (s *session) Flush(ctx context.Context) error { return s.conn.Flush(ctx) }

// TryWrite implements flow.Trier.
func (s *session) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	if err := s.freshen(); err != nil {
		return true, false, err
	}
	s.asked.Store(true)
	return s.conn.TryWrite(frames)
}

// Confirm implements flow.Confirmer.
func (s *session) Confirm(_ context.Context, confirmed func()) error {
	return s.conn.Confirm(confirmed)
}

// Disconnect implements flow.Disconnecter.
func (s *session) Disconnect(reason error) { s.conn.Disconnect(reason) }
