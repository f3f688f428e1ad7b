package stream

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors/stream/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/goodbye"
	"github.com/flowrun/flowrun/runtime/tcp"
	"go.uber.org/zap"
)

// server is a connector that others connect to.
type server struct {
	listen         flow.ListenSpec
	connectTimeout time.Duration
	closeTimeout   time.Duration
	maxHandshakes  int
	gate           *access.Gate
	// meet finds out who a client is, and whether it may stay.
	meet    func(*access.Gate, net.Conn) (*access.Visitor, flow.Peer, *access.Refusal)
	group   *socket.Group
	host    flow.Host
	stop    func()        // ends listening
	running chan struct{} // closed when Run is called, or never will be
	run     func()        // closes it
	tooSlow atomic.Uint64 // connections reset for a write that took too long

	mu      sync.Mutex
	guests  guests
	opening int  // connections that are no guests any more, and are still to be announced
	ended   bool // no more guests
}

// Prepare implements flow.Preparer: it listens.
func (s *server) Prepare(_ context.Context, host flow.Host) error {
	s.mu.Lock()
	s.host, s.ended = host, false
	running := make(chan struct{})
	s.running, s.run = running, sync.OnceFunc(func() { close(running) })
	s.mu.Unlock()
	shut := s.gate.Open(host.Log())
	stop, err := host.Accept(s.listen, s.take)
	if err != nil {
		shut()
		return err
	}
	s.stop = sync.OnceFunc(func() {
		stop()
		shut()
	})
	return nil
}

// Release implements flow.Preparer.
func (s *server) Release() {
	if s.stop == nil {
		return
	}
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.guests.resetAll() // who came to a server that was never run
	s.run()
}

// Run implements flow.Connector.
func (s *server) Run(ctx context.Context, host flow.Host) error {
	s.run()
	defer context.AfterFunc(host.Abandon(), s.abandon)()
	goodbye.Await(ctx, func() (*goodbye.Round[*socket.Conn], <-chan struct{}) { return s.end(host.Farewell()) }, s.group.Hurry)
	return nil
}

// parting is how a connection ends that has done nothing wrong.
var parting = socket.Farewell{Settle: true, Why: flow.EndedDrain}

// end takes no connection from now on, resets those that have not begun, and returns
// the goodbyes to all others. The channel is closed when the last one has gone.
//
// The listener stays until then, unless other processes share the address: where a
// reload has replaced this server, it is another's already.
func (s *server) end(why flow.Farewell) (*goodbye.Round[*socket.Conn], <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.guests.resetAll()
	s.shut()
	return goodbye.New(why.Spread, s.group.All(nil), func(c *socket.Conn) { c.Part(parting) }), s.group.Gone()
}

// shut tells the host that nobody comes any more, once that is so. The caller holds mu.
func (s *server) shut() {
	if s.ended && s.opening == 0 {
		s.host.Shut()
	}
}

func (s *server) abandon() {
	for _, c := range s.group.All(nil) {
		c.Abandon()
	}
}

// take takes a connection from the listener. See flow.Host.
func (s *server) take(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		tcp.Reset(nc)
		return
	}
	if at := s.guests.enter(nc, s.maxHandshakes); at != nil {
		go s.welcome(at, nc, s.running)
	}
}

// welcome is what comes before a connection: TLS and PROXY header, and whether it
// may be. It leaves: the connection goes on in a goroutine of its own, whose stack is
// as small as it begins.
func (s *server) welcome(at *guest, nc net.Conn, running <-chan struct{}) {
	<-running
	began := time.Now()
	visitor, peer, ok := s.know(nc)
	if !ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.guests.leave(at)
		cut(nc)
		return
	}
	if w, ok := s.host.(flow.Stopwatch); ok {
		w.Handshake(time.Since(began))
	}
	c := socket.New(nc, s.group)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.guests.leave(at) { // it has been cut meanwhile
		visitor.Leave()
		return
	}
	s.group.Add(c)
	s.opening++
	go s.serve(c, peer, visitor)
}

// know does the handshakes, and finds out who the client is.
func (s *server) know(nc net.Conn) (*access.Visitor, flow.Peer, bool) {
	if t, ok := nc.(interface{ HandshakeContext(context.Context) error }); ok {
		ctx, cancel := context.WithTimeout(context.Background(), s.connectTimeout)
		defer cancel()
		if err := t.HandshakeContext(ctx); err != nil {
			s.host.Log().Info("TLS handshake failed", zap.Stringer("peer", nc.RemoteAddr()), zap.Error(err))
			return nil, flow.Peer{}, false
		}
	}
	visitor, peer, refusal := s.meet(s.gate, nc)
	if refusal != nil {
		s.host.Log().Info("connection refused: "+refusal.Reason, append([]zap.Field{zap.Stringer("peer", nc.RemoteAddr())}, refusal.Fields()...)...)
		return nil, peer, false
	}
	return visitor, peer, true
}

// served is one client of a server: the owner of its connection.
type served struct {
	server *server
	conn   *socket.Conn
	link   flow.Link
	peer   string // for logs
	frame  [1]flow.Frame
}

// serve is the life of one connection. What it does at the ends is kept out of its
// frame, which every connection has on its stack.
func (s *server) serve(c *socket.Conn, peer flow.Peer, visitor *access.Visitor) {
	defer visitor.Leave()
	defer s.group.Remove(c)
	owner := s.open(c, peer)
	if owner == nil {
		c.Abandon() // nobody has read it
		c.HangUp(nil)
		return
	}
	defer owner.expire(visitor)()
	owner.close(c.Receive(owner))
}

// open announces the connection; nil when the runtime does not want it.
//
//go:noinline
func (s *server) open(c *socket.Conn, peer flow.Peer) *served {
	link, err := s.host.Open(peer, c)
	s.announced()
	if err != nil {
		if !errors.Is(err, flow.ErrClosed) {
			s.host.Log().Info("connection refused: "+err.Error(), zap.String("peer", name(&peer)))
		}
		return nil
	}
	s.host.Log().Debug("connection opened", zap.String("peer", name(&peer)))
	return &served{server: s, conn: c, link: link, peer: name(&peer)}
}

// announced says that a connection has been, or is not wanted.
func (s *server) announced() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	s.shut()
}

// name is what the log calls a peer.
func name(p *flow.Peer) string {
	if p.Host == "" {
		return p.Path
	}
	return p.Addr()
}

// close ends the connection after err.
//
//go:noinline
func (c *served) close(err error) {
	log := c.server.host.Log()
	id := []zap.Field{zap.String("peer", c.peer), zap.String("connection", c.link.ID())}
	cause, reason := c.conn.Cause(err), c.conn.Reason(err)
	switch {
	case errors.Is(err, socket.ErrPanicked):
		log.Error("a connection is cut", append(id, zap.Error(err))...)
	case errors.Is(reason, socket.ErrWriteTimeout):
		log.Warn("a slow consumer is disconnected", append(id, zap.String("limit", "queue.write_timeout"), zap.Uint64("so_far", c.server.tooSlow.Add(1)))...)
	case cause == flow.EndedIdle:
		log.Info("a connection is ended by this side: nothing was sent or received for idle_timeout", id...)
	}
	c.link.Leave()
	c.link.Close(context.Background(), &flow.Ended{Err: reason, Torn: cause == flow.EndedLost, Cause: cause, Meta: flow.ObjectOf(
		flow.Field{Key: "reason", Value: flow.TextOf(string(cause))},
	)})
	c.conn.HangUp(err)
	log.Debug("connection closed", append(id, zap.String("cause", string(cause)), zap.NamedError("reason", reason))...)
}

// expire ends the connection when its client's certificate does. The result stops
// that.
func (c *served) expire(v *access.Visitor) (stop func() bool) {
	return v.AtExpiry(func() {
		c.server.host.Log().Info("who a client was holds no longer, the connection is ended",
			zap.String("peer", c.peer), zap.String("connection", c.link.ID()), zap.String("reason", v.Expired))
		c.conn.Part(socket.Farewell{Why: flow.EndedExpired})
	})
}

// Deliver implements socket.Owner. The end of a connection is its reader's to
// notice, not a context's.
func (c *served) Deliver(p []byte) {
	c.frame[0].Data = p
	if err := c.link.Receive(context.Background(), c.frame[:]); err != nil {
		undelivered(c.server.host, c.peer, err)
	}
	c.frame[0].Data = nil
}

// Finish implements socket.Owner.
func (c *served) Finish() {
	if err := c.link.Finish(context.Background()); err != nil {
		undelivered(c.server.host, c.peer, err)
	}
}

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
func (c *served) Drain() { flushLink(c.link, c.server.closeTimeout) }

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
