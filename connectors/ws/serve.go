package ws

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// served is one client of a server: the owner of its connection.
type served struct {
	server *server
	conn   *socket.Conn
	link   flow.Link
	peer   string // for logs
}

// Deliver implements socket.Owner. The end of a connection is its reader's to
// notice, not a context's.
func (c *served) Deliver(frames []flow.Frame) {
	if err := c.link.Receive(context.Background(), frames); err != nil {
		undelivered(c.server.host, c.peer, err)
	}
}

// Answered implements socket.Owner.
func (c *served) Answered(took time.Duration) { answered(c.server.host, took) }

// Settle implements socket.Owner. Where the time for it is over, so it is for goodbyes.
func (c *served) Settle() {
	abandoned := c.server.host.Abandon()
	if c.link.Settle(abandoned); abandoned.Err() != nil {
		c.conn.Abandon()
	}
}

// Leave implements socket.Owner.
func (c *served) Leave() { c.link.Leave() }

// Drain implements socket.Owner.
func (c *served) Drain() { flushLink(c.link, time.Duration(c.server.config.CloseTimeout)) }

// serve is the life of one connection after its handshake. What it does at
// the ends is kept out of its frame, which every connection has on its stack.
func (s *server) serve(c *socket.Conn, peer flow.Peer, visitor *access.Visitor) {
	defer s.leave(visitor)
	defer s.group.Remove(c)
	defer c.HangUp()
	owner := s.open(c, peer)
	if owner == nil {
		return
	}
	defer owner.expire(visitor)()
	owner.close(c.Receive(owner))
}

// open announces the connection, and lets it know; nil when the runtime does not
// want it.
//
//go:noinline
func (s *server) open(c *socket.Conn, peer flow.Peer) *served {
	link, err := s.host.Open(peer, c)
	s.announced()
	if err != nil {
		s.unwanted(c, &peer, err)
		return nil
	}
	owner := &served{server: s, conn: c, link: link, peer: peer.Addr()}
	s.host.Log().Debug("connection opened", zap.String("peer", owner.peer))
	_ = c.Flush(context.Background()) // the handshake's answer; who reads next finds out
	return owner
}

// close ends the connection after err.
//
//go:noinline
func (c *served) close(err error) {
	log := c.server.host.Log()
	if socket.TooLong(err) {
		log.Warn("a message is longer than max_message, the connection is closed with 1009",
			zap.String("peer", c.peer), zap.Stringer("max_message", c.server.config.MaxMessage))
	}
	if errors.Is(err, socket.ErrPanicked) {
		log.Error("a connection is cut", zap.String("peer", c.peer), zap.Error(err))
	}
	if rate := (*socket.RateError)(nil); errors.As(err, &rate) {
		log.Warn("a client sends more than a limit allows, the connection is closed with 1008", zap.String("peer", c.peer), zap.String("connection", c.link.ID()),
			zap.String("limit", rate.Limit), zap.Uint64("so_far", c.server.tooFast.Add(1)))
	}
	if why := c.conn.Parted(); why != nil && (errors.Is(why.Cause, socket.ErrDead) || errors.Is(why.Cause, socket.ErrIdle)) {
		log.Info("a connection is closed by this side", zap.String("peer", c.peer), zap.String("connection", c.link.ID()),
			zap.Int("code", why.Code), zap.String("reason", why.Reason))
	}
	if c.tooSlow(err) {
		log.Warn("a slow consumer is disconnected", zap.String("peer", c.peer), zap.String("connection", c.link.ID()),
			zap.String("limit", "queue.write_timeout"), zap.Uint64("so_far", c.server.tooSlow.Add(1)))
	}
	c.conn.Goodbye(err)
	cause := c.conn.Cause(err)
	why, closed := c.conn.End(err)
	if closed {
		err = nil
	}
	c.link.Close(context.Background(), &flow.Ended{Err: err, Code: why.Code, Cause: cause, Meta: flow.ObjectOf(
		flow.Field{Key: "code", Value: flow.IntOf(int64(why.Code))},
		flow.Field{Key: "reason", Value: flow.TextOf(why.Reason)},
	)})
	log.Debug("connection closed", append(roundTrip(c.conn),
		zap.String("peer", c.peer), zap.Int("code", why.Code), zap.NamedError("reason", err))...)
}

// tooSlow reports whether the connection was ended, with err, because a write took
// too long. What is too much for the queue, the link has logged.
func (c *served) tooSlow(err error) bool {
	why := c.conn.Parted()
	if why == nil {
		return errors.Is(err, os.ErrDeadlineExceeded)
	}
	return errors.Is(why.Cause, socket.ErrWriteTimeout)
}

// answered tells the host, where it wants to know, how long the answer to a ping
// took.
func answered(host flow.Host, took time.Duration) {
	if s, ok := host.(flow.Stopwatch); ok {
		s.RoundTrip(took)
	}
}

// shook tells the host, where it wants to know, how long a handshake took.
func shook(host flow.Host, began time.Time) {
	if s, ok := host.(flow.Stopwatch); ok {
		s.Handshake(time.Since(began))
	}
}

// roundTrip says how long answers to pings have taken, if there were any.
func roundTrip(c *socket.Conn) []zap.Field {
	last, smoothed := c.RoundTrip()
	if last == 0 {
		return nil
	}
	return []zap.Field{zap.Duration("rtt", smoothed), zap.Duration("last_rtt", last)}
}

// undelivered logs what became of messages that the flow has refused.
//
//go:noinline
func undelivered(host flow.Host, peer string, err error) {
	host.Log().Warn("a message was not delivered", zap.String("peer", peer), zap.Error(err))
}

// flushLink waits for a link's queue, for a bounded time.
func flushLink(l flow.Link, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_ = l.Flush(ctx) // what could not be written is counted by the link
}
