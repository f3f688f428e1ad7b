package udp

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// ServerConfig is the configuration of udp_server.
type ServerConfig struct {
	URL           endpoint.URL     `hcl:"url" required:"true" doc:"where datagrams come: \"host:port\" or \"udp://host:port\""`
	MaxMessage    setting.Size     `hcl:"max_message" min:"1B" max:"65507B" doc:"longest datagram that is taken; a longer one is dropped"`
	ReceiveBuffer setting.Size     `hcl:"receive_buffer" min:"1KiB" doc:"what the system keeps of datagrams that wait to be read; its limit holds (net.core.rmem_max). The system's default when not given"`
	ReusePort     bool             `hcl:"reuse_port" doc:"share the address with other processes (SO_REUSEPORT)"`
	Idle          setting.Duration `hcl:"idle_timeout" min:"10ms" doc:"how long nothing may pass until a sender is forgotten"`
	Queue         setting.Queue    `hcl:"queue" doc:"what waits for the socket"`
	Limits        Limits           `hcl:"limits" doc:"how much there may be: of senders, and of what each sends"`
	Topics        *flow.Topics     `hcl:"topics" doc:"lets senders subscribe to what an edge with deliver = \"topic\" delivers"`
	Session       *flow.Sessions   `hcl:"sessions" doc:"says whose each sender is, for an edge with deliver = \"identity\""`
	Life          bool             `hcl:"lifecycle_events" doc:"the first datagram of a sender, and that it is forgotten, leave by out as events: null, with meta.udp_server.event = \"open\" or \"close\""`
}

// Limits is the block limits.
type Limits struct {
	MaxPeers          int              `hcl:"max_peers" min:"1" doc:"senders that are known at a time"`
	MessagesPerSecond int              `hcl:"messages_per_second" min:"1" doc:"what a sender may send; what exceeds it is dropped. No limit when not given"`
	BytesPerSecond    setting.Size     `hcl:"bytes_per_second" min:"1B" doc:"what a sender may send; what exceeds it is dropped. No limit when not given"`
	Burst             setting.Duration `hcl:"burst" min:"1ms" doc:"what the limits per second allow in so long a time may come at once"`
}

// Shape implements flow.ConnectorConfig.
func (c *ServerConfig) Shape() flow.Shape {
	s := flow.Shape{
		Role: flow.Server, In: true, Out: true, Many: true, Queue: &c.Queue, Datagrams: true, MaxFrame: longest,
		Topics: c.Topics, Sessions: c.Session, Lifecycle: c.Life,
	}
	if c.URL.Port != 0 { // port 0 is another one each time
		s.Claims = []flow.Claim{{Resource: "datagrams to " + c.URL.Addr(), Field: "url"}}
	}
	return s
}

// New implements flow.ConnectorConfig.
func (c *ServerConfig) New() (flow.Connector, error) {
	if err := checkAddress(c.URL); err != nil {
		return nil, err
	}
	return &server{config: c}, nil
}

// server is the connector udp_server. All but its sockets belongs to Run.
type server struct {
	config *ServerConfig
	host   flow.Host
	conn   *net.UDPConn
	stop   func()

	peers   map[netip.AddrPort]*list.Element
	order   list.List // of *peer, the one first from which nothing has come for longest
	born    time.Time
	sweepAt int64
	tooLong int
	tooMany int
}

// Prepare implements flow.Preparer: it binds the address.
func (s *server) Prepare(_ context.Context, host flow.Host) error {
	spec := flow.ListenSpec{Scheme: "udp", Address: s.config.URL.Addr(), Socket: setting.DefaultSocketOptions()}
	spec.Socket.ReusePort = s.config.ReusePort
	conn, stop, err := host.Packets(spec)
	if err != nil {
		return err
	}
	if n := int(s.config.ReceiveBuffer); n > 0 {
		if err := conn.SetReadBuffer(n); err != nil {
			stop()
			return err
		}
	}
	s.host, s.conn, s.stop = host, conn, stop
	return nil
}

// Release implements flow.Preparer.
func (s *server) Release() {
	if s.stop != nil {
		s.stop()
	}
}

// quiet is how long the socket must be silent to count as read to its end, and
// lastLooks bounds how much is still read from it then.
const (
	quiet     = 20 * time.Millisecond
	lastLooks = 10_000
)

// Run implements flow.Connector.
func (s *server) Run(ctx context.Context, host flow.Host) error {
	s.peers, s.born = map[netip.AddrPort]*list.Element{}, time.Now()
	woken := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(woken)
		_ = s.conn.SetReadDeadline(past)
	})
	buf := make([]byte, int(s.config.MaxMessage)+1)
	err := s.read(ctx, buf)
	if err == nil {
		<-woken // it is the reader's deadline from now on
		s.readRest(buf)
		host.Shut()
	}
	s.leave()
	return err
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// read takes datagrams until ctx ends.
func (s *server) read(ctx context.Context, buf []byte) error {
	pace := max(min(time.Duration(s.config.Idle)/4, time.Second), 10*time.Millisecond)
	for ctx.Err() == nil {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			s.receive(from, buf[:n])
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
		if now := s.now(); err != nil || now >= s.sweepAt {
			s.sweep(now)
			s.sweepAt = now + int64(pace)
			_ = s.conn.SetReadDeadline(time.Now().Add(pace)) // reading shows what is wrong
			if ctx.Err() != nil {
				_ = s.conn.SetReadDeadline(past)
			}
		}
	}
	return nil
}

// readRest takes what has arrived.
func (s *server) readRest(buf []byte) {
	for range lastLooks {
		_ = s.conn.SetReadDeadline(time.Now().Add(quiet)) // reading shows what is wrong
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil || s.host.Abandon().Err() != nil {
			return
		}
		s.receive(from, buf[:n])
	}
}

// leave ends all connections, when what is for them is written. None of them is received
// from any more, so that they wait together for what may still be for them.
func (s *server) leave() {
	abandoned := s.host.Abandon()
	var all sync.WaitGroup
	for at := s.order.Front(); at != nil; at = at.Next() {
		all.Go(func() { at.Value.(*peer).link.Settle(abandoned) })
	}
	all.Wait()
	for at := s.order.Front(); at != nil && abandoned.Err() == nil; at = at.Next() {
		p := at.Value.(*peer)
		flush, cancel := context.WithTimeout(abandoned, time.Second)
		_ = p.link.Flush(flush) // what could not be written is counted by the link
		cancel()
	}
	for s.order.Len() > 0 {
		s.forget(s.order.Front(), flow.EndedDrain)
	}
}

// now is the time since the server was born, in nanoseconds.
func (s *server) now() int64 { return int64(time.Since(s.born)) }

// receive takes one datagram.
func (s *server) receive(from netip.AddrPort, datagram []byte) {
	now := s.now()
	if len(datagram) > int(s.config.MaxMessage) {
		s.tooLong++
		s.host.Log().Warn("a datagram is longer than max_message, and dropped", zap.Stringer("peer", from),
			zap.Stringer("max_message", s.config.MaxMessage), zap.Int("so_far", s.tooLong))
		return
	}
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	at := s.peers[from]
	if at == nil {
		if at = s.meet(from, now); at == nil {
			return
		}
	}
	s.order.MoveToBack(at)
	p := at.Value.(*peer)
	p.active = now
	if limit := p.spend(&s.config.Limits, now, len(datagram)); limit != "" {
		s.tooMany++
		s.host.Log().Warn("a sender sends more than a limit allows, datagrams are dropped", zap.Stringer("peer", from),
			zap.String("limit", "limits."+limit), zap.Int("so_far", s.tooMany))
		return
	}
	if err := p.deliver(datagram); err != nil {
		s.host.Log().Warn("a message was not delivered", zap.Stringer("peer", from), zap.Error(err))
	}
	if p.broken {
		s.forget(at, flow.EndedFault)
	}
}

// meet makes a connection of a sender's first datagram; nil when the runtime does
// not want it.
func (s *server) meet(from netip.AddrPort, now int64) *list.Element {
	if s.order.Len() >= s.config.Limits.MaxPeers {
		s.forget(s.order.Front(), flow.EndedReplaced)
	}
	p := &peer{conn: s.conn, addr: from, active: now}
	link, err := s.host.Open(flow.Peer{Host: from.Addr().String(), Port: int(from.Port())}, p)
	if err != nil {
		if !errors.Is(err, flow.ErrClosed) {
			s.host.Log().Info("a sender is refused: "+err.Error(), zap.Stringer("peer", from))
		}
		return nil
	}
	p.link = link
	s.peers[from] = s.order.PushBack(p)
	return s.peers[from]
}

// sweep forgets who has been silent for too long, and who is not wanted any more.
func (s *server) sweep(now int64) {
	for at := s.order.Front(); at != nil; {
		next := at.Next()
		p := at.Value.(*peer)
		if p.wrote.Swap(false) {
			p.active = now
		}
		switch why := p.unwanted.Load(); {
		case why != nil:
			s.forget(at, *why)
		case now-p.active >= int64(s.config.Idle):
			s.forget(at, flow.EndedIdle)
		}
		at = next
	}
}

// forget ends the connection of a sender.
func (s *server) forget(at *list.Element, cause flow.Cause) {
	p := s.order.Remove(at).(*peer)
	delete(s.peers, p.addr)
	p.link.Leave()
	p.link.Close(context.Background(), &flow.Ended{Cause: cause, Meta: flow.ObjectOf(flow.Field{Key: "reason", Value: flow.TextOf(string(cause))})})
}
