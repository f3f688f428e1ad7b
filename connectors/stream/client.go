package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors/stream/internal/socket"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// ClientCommon are the arguments of clients.
type ClientCommon struct {
	OnOpen []setting.Secret    `hcl:"on_open" doc:"bytes sent, as they are, after every connect, before anything else"`
	Queue  setting.ClientQueue `hcl:"queue" doc:"what waits for the connection, also while there is none"`
	Per    flow.Expr           `hcl:"per" doc:"a connection for each value of this expression, opened when the first event with it comes: per = peer.id makes a proxy"`
	MaxPer int                 `hcl:"max_connections" min:"1" doc:"with per: how many connections there may be; an event that needs one more is refused. 1000 when not given"`
	Idle   setting.Duration    `hcl:"idle_timeout" min:"10ms" doc:"makes the connection anew when no byte has passed in either direction for so long. For ever when not given. With per: closes such a connection, until there is another event for it; 5m when not given"`
	Timeouts
}

// Defaults of what only per needs.
const (
	defaultMaxPer = 1000
	defaultIdle   = 5 * time.Minute
)

// Shape implements flow.ConnectorConfig.
func (c *ClientCommon) Shape() flow.Shape {
	s := flow.Shape{Role: flow.Client, Stream: true, In: true, Out: true, Queue: c.Queue.Bounds(), Keep: c.Queue.Keep(false)}
	if c.Per != nil {
		s.Per = &flow.Per{
			Key:            c.Per,
			MaxConnections: cmp.Or(c.MaxPer, defaultMaxPer),
			IdleTimeout:    cmp.Or(time.Duration(c.Idle), defaultIdle),
		}
	}
	return s
}

func (c *ClientCommon) check() error {
	if c.Per == nil && c.MaxPer != 0 {
		return &setting.Error{Field: "max_connections", Err: errors.New("max_connections needs per: there is one connection otherwise")}
	}
	return nil
}

// client is a connector that connects to a server: one connection at a time, or
// one per key.
type client struct {
	*ClientCommon
	target string // for people
	dial   func(context.Context) (net.Conn, flow.Peer, error)
	group  *socket.Group
	warn   func(*zap.Logger) // once, before the first dial; nil for nothing
	warned atomic.Bool
}

func newClient(c *ClientCommon, target string, dial func(context.Context) (net.Conn, flow.Peer, error)) *client {
	o := socket.Options{Client: true, WriteTimeout: time.Duration(c.Queue.WriteTimeout), CloseTimeout: time.Duration(c.CloseTimeout)}
	if c.Per == nil {
		o.IdleTimeout = time.Duration(c.Idle)
	}
	return &client{ClientCommon: c, target: target, dial: dial, group: socket.NewGroup(o)}
}

// Run implements flow.Connector: it is one connection, from the dial to its
// loss. The engine calls it again, or for each key.
func (c *client) Run(ctx context.Context, host flow.Host) error {
	if c.warn != nil && c.warned.CompareAndSwap(false, true) {
		c.warn(host.Log())
	}
	began := time.Now()
	nc, peer, err := c.connect(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if w, ok := host.(flow.Stopwatch); ok {
		w.Handshake(time.Since(began))
	}
	s := &session{client: c, host: host, conn: socket.New(nc, c.group)}
	return s.run(ctx, peer)
}

// connect dials, and makes one sentence of what goes wrong.
func (c *client) connect(ctx context.Context) (net.Conn, flow.Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.ConnectTimeout))
	defer cancel()
	nc, peer, err := c.dial(ctx)
	var op *net.OpError
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("connect to %s: no answer within connect_timeout (%s)", c.target, c.ConnectTimeout)
	case errors.As(err, &op):
		err = fmt.Errorf("connect to %s: %w", c.target, op.Err)
	default:
		err = fmt.Errorf("connect to %s: %w", c.target, err)
	}
	return nc, peer, err
}

// session is one connection of a client: its owner, and its writer.
type session struct {
	client *client
	host   flow.Host
	conn   *socket.Conn
	link   flow.Link
	peer   string      // for logs
	asked  atomic.Bool // the flow has sent something: answers may come
	frame  [1]flow.Frame
}

// run serves the connection until it is lost, or ctx ends.
func (s *session) run(ctx context.Context, peer flow.Peer) error {
	c := s.conn
	s.client.group.Add(c)
	defer s.client.group.Remove(c)
	var err error
	defer func() { c.HangUp(err) }()
	for _, message := range s.client.OnOpen {
		if err = c.Write(ctx, []flow.Frame{{Data: []byte(message.Reveal())}}, false); err != nil {
			return s.explain(err)
		}
	}
	link, err := s.host.Open(peer, s)
	if err != nil {
		return err
	}
	s.link, s.peer = link, name(&peer)
	defer context.AfterFunc(ctx, func() {
		flushLink(link, time.Duration(s.client.Queue.WriteTimeout))
		if s.asked.Load() {
			c.AwaitAnswers()
		}
		c.Part(socket.Farewell{Why: flow.EndedDrain})
	})()
	defer context.AfterFunc(s.host.Abandon(), c.Abandon)()
	err = c.Receive(s)
	cause, reason := c.Cause(err), s.explain(err)
	link.Close(context.Background(), &flow.Ended{Err: reason, Torn: cause == flow.EndedLost, Cause: cause})
	s.host.Log().Debug("connection closed", zap.String("peer", s.peer), zap.NamedError("reason", reason))
	if ctx.Err() != nil {
		return nil
	}
	return reason
}

// explain says why a connection ended.
func (s *session) explain(err error) error {
	peer := s.client.target
	switch cause, reason := s.conn.Cause(err), s.conn.Reason(err); {
	case cause == flow.EndedIdle:
		return fmt.Errorf("connection to %s: nothing was sent or received for %s", peer, s.client.Idle)
	case reason == nil:
		return fmt.Errorf("%s closed the connection", peer)
	default:
		return fmt.Errorf("connection to %s: %w", peer, reason)
	}
}

// Deliver implements socket.Owner.
func (s *session) Deliver(p []byte) {
	s.frame[0].Data = p
	if err := s.link.Receive(context.Background(), s.frame[:]); err != nil {
		undelivered(s.host, s.peer, err)
	}
	s.frame[0].Data = nil
}

// Finish implements socket.Owner.
func (s *session) Finish() {
	if err := s.link.Finish(context.Background()); err != nil {
		undelivered(s.host, s.peer, err)
	}
}

// Settle implements socket.Owner: nobody else speaks to a client's peer.
func (s *session) Settle() {}

// Leave implements socket.Owner: it is the server that counts connections.
func (s *session) Leave() {}

// Drain implements socket.Owner: run has done it before it parts.
func (s *session) Drain() {}

// Write implements flow.Writer.
func (s *session) Write(ctx context.Context, frames []flow.Frame, corked bool) error {
	s.asked.Store(true)
	return s.conn.Write(ctx, frames, corked)
}

// Flush implements flow.Writer.
func (s *session) Flush(ctx context.Context) error { return s.conn.Flush(ctx) }

// TryWrite implements flow.Trier.
func (s *session) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	s.asked.Store(true)
	return s.conn.TryWrite(frames)
}

// Disconnect implements flow.Disconnecter.
func (s *session) Disconnect(reason error) { s.conn.Disconnect(reason) }
