package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// ClientConfig is the configuration of udp_client.
type ClientConfig struct {
	URL            endpoint.URL        `hcl:"url" required:"true" doc:"where datagrams go: \"host:port\" or \"udp://host:port\""`
	ConnectTimeout setting.Duration    `hcl:"connect_timeout" min:"1ms" doc:"time to find the address of a name"`
	MaxMessage     setting.Size        `hcl:"max_message" min:"1B" max:"65507B" doc:"longest answer that is taken; a longer one is dropped"`
	Queue          setting.ClientQueue `hcl:"queue" doc:"what waits for the socket, also while there is none"`
}

// Shape implements flow.ConnectorConfig.
func (c *ClientConfig) Shape() flow.Shape {
	return flow.Shape{Role: flow.Client, In: true, Out: true, Queue: c.Queue.Bounds(), Keep: c.Queue.Keep(false), Datagrams: true, MaxFrame: longest}
}

// New implements flow.ConnectorConfig.
func (c *ClientConfig) New() (flow.Connector, error) {
	if err := checkAddress(c.URL); err != nil {
		return nil, err
	}
	refuse := func(text string) error { return &setting.Error{Field: "url", Err: errors.New(text)} }
	switch {
	case c.URL.Port == 0:
		return nil, refuse("port 0 cannot be sent to")
	case c.URL.Host == "":
		return nil, refuse("the URL has no host to send to")
	}
	return &client{config: c, within: answersWithin, atMost: answersAtMost}, nil
}

type client struct {
	config         *ClientConfig
	within, atMost time.Duration // answersWithin and answersAtMost
}

// A client that ends believes that all answers have come when none has for
// answersWithin. It waits no longer than answersAtMost.
const (
	answersWithin = 100 * time.Millisecond
	answersAtMost = time.Second
)

// Run implements flow.Connector.
func (c *client) Run(ctx context.Context, host flow.Host) error {
	dial, cancel := context.WithTimeout(ctx, time.Duration(c.config.ConnectTimeout))
	conn, err := (&net.Dialer{}).DialContext(dial, "udp", c.config.URL.Addr())
	cancel()
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("send to %s: %w", c.config.URL, cause(err))
	}
	defer conn.Close() //nolint:errcheck // of a socket without a connection
	s := &session{client: c, host: host, conn: conn.(*net.UDPConn), woken: make(chan struct{})}
	return s.run(ctx)
}

// session is a socket of a client: its reader, and the link's writer.
type session struct {
	client *client
	host   flow.Host
	conn   *net.UDPConn
	link   flow.Link
	asked  atomic.Bool // the flow has sent something
	woken  chan struct{}
	broken atomic.Pointer[error] // why the socket has been closed, for its reader
}

func (s *session) run(ctx context.Context) error {
	peer := flow.Peer{}
	if a, ok := s.conn.RemoteAddr().(*net.UDPAddr); ok {
		peer.Host, peer.Port = a.IP.String(), a.Port
	}
	link, err := s.host.Open(peer, s)
	if err != nil {
		return err
	}
	s.link = link
	defer context.AfterFunc(ctx, func() {
		defer close(s.woken)
		flush, cancel := context.WithTimeout(s.host.Abandon(), time.Duration(s.client.config.Queue.WriteTimeout))
		defer cancel()
		_ = link.Flush(flush) // what could not be written is counted by the link
		_ = s.conn.SetReadDeadline(past)
	})()
	buf := make([]byte, int(s.client.config.MaxMessage)+1)
	err = s.read(ctx, buf)
	ended := &flow.Ended{Err: err, Cause: flow.EndedDrain}
	if err != nil {
		ended.Cause = flow.EndedLost
	}
	link.Close(context.Background(), ended)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// read takes answers until ctx ends, and those that may still come.
func (s *session) read(ctx context.Context, buf []byte) error {
	var frame [1]flow.Frame
	var until time.Time
	for {
		n, err := s.conn.Read(buf)
		switch {
		case err == nil && n > int(s.client.config.MaxMessage):
			s.host.Log().Warn("a datagram is longer than max_message, and dropped", zap.Stringer("max_message", s.client.config.MaxMessage))
		case err == nil:
			frame[0].Data = buf[:n]
			if err := s.link.Receive(context.Background(), frame[:]); err != nil {
				s.host.Log().Warn("a message was not delivered", zap.Stringer("peer", s.conn.RemoteAddr()), zap.Error(err))
			}
		case errors.Is(err, syscall.ECONNREFUSED):
			s.nobody()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return s.explain(err)
		case until.IsZero() && s.asked.Load():
			<-s.woken
			until = time.Now().Add(s.client.atMost)
		default:
			return nil
		}
		if ctx.Err() == nil {
			continue
		}
		if s.host.Abandon().Err() != nil || !until.IsZero() && time.Now().After(until) {
			return nil
		}
		if !until.IsZero() {
			_ = s.conn.SetReadDeadline(time.Now().Add(s.client.within)) // reading shows what is wrong
		}
	}
}

// nobody says that the other machine has told that nobody listens.
func (s *session) nobody() {
	s.host.Log().Warn("nobody listens there: datagrams are lost", zap.Stringer("url", s.client.config.URL))
}

// explain says why the socket cannot be read from any more.
func (s *session) explain(err error) error {
	if why := s.broken.Load(); why != nil {
		return *why
	}
	return fmt.Errorf("receive from %s: %w", s.client.config.URL, cause(err))
}

// Write implements flow.Writer: each frame is a datagram. What one of them meets on its
// way is no error of the socket; what keeps the socket from sending ends the session, so
// that another one takes its place.
func (s *session) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	s.asked.Store(true)
	for i := range frames {
		if err := s.send(frames[i].Data); err != nil {
			s.Disconnect(fmt.Errorf("send to %s: %w", s.client.config.URL, cause(err)))
			return &flow.WriteError{Written: i, Err: cause(err)}
		}
	}
	return nil
}

// refusals bounds how many answers that nobody listened to earlier datagrams are read
// before one is sent.
const refusals = 100

func (s *session) send(datagram []byte) error {
	_, err := s.conn.Write(datagram)
	for i := 0; i < refusals && errors.Is(err, syscall.ECONNREFUSED); i++ { // of an earlier one: this was not sent
		s.nobody()
		_, err = s.conn.Write(datagram)
	}
	if errors.Is(err, syscall.EMSGSIZE) { // it would stand before all others for ever
		s.host.Log().Warn("a datagram is longer than this system sends there, and lost", zap.Stringer("url", s.client.config.URL), zap.Int("bytes", len(datagram)))
		return nil
	}
	return err
}

// Flush implements flow.Writer.
func (*session) Flush(context.Context) error { return nil }

// TryWrite implements flow.Trier.
func (s *session) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	err = s.Write(context.Background(), frames, false)
	return true, err == nil, err
}

// Disconnect implements flow.Disconnecter: the socket is made anew.
func (s *session) Disconnect(reason error) {
	s.broken.CompareAndSwap(nil, &reason)
	_ = s.conn.Close()
}
