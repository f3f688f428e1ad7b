package ws

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// ClientConfig is the configuration of ws_client.
type ClientConfig struct {
	URL     flow.URL               `hcl:"url" required:"true" doc:"what to connect to: \"ws://host:port/path?query\" or \"wss://…\"; without a scheme ws, or wss when there is a tls block"`
	TLS     *flow.TLSClient        `hcl:"tls" doc:"whom to trust; needs wss or no scheme"`
	Socket  flow.SocketOptions     `hcl:"socket_options" doc:"TCP options"`
	Headers map[string]flow.Secret `hcl:"headers" doc:"header fields of the handshake"`
	OnOpen  []flow.Secret          `hcl:"on_open" doc:"text messages sent, as they are, after every connect, before anything else"`
	Queue   flow.Queue             `hcl:"queue" doc:"what waits for the connection, also while there is none"`
	Common
}

// Shape implements flow.ConnectorConfig.
func (c *ClientConfig) Shape() flow.Shape {
	return flow.Shape{Role: flow.Client, In: true, Out: true, Queue: &c.Queue}
}

// New implements flow.ConnectorConfig.
func (c *ClientConfig) New() (flow.Connector, error) {
	u := c.URL
	switch u.Scheme {
	case "ws", "http":
		if c.TLS != nil {
			return nil, &flow.FieldError{Field: "url", Err: fmt.Errorf("a tls block needs wss, or no scheme, but the URL says %s", u.Scheme)}
		}
	case "", "wss", "https":
	default:
		return nil, &flow.FieldError{Field: "url", Err: fmt.Errorf("scheme %q is not one of ws, wss, http and https", u.Scheme)}
	}
	if u.Port == 0 {
		return nil, &flow.FieldError{Field: "url", Err: errors.New("port 0 cannot be connected to")}
	}
	if u.Host == "" {
		return nil, &flow.FieldError{Field: "url", Err: errors.New("the URL has no host to connect to")}
	}
	cl := &client{config: c}
	if u.Scheme == "wss" || u.Scheme == "https" || c.TLS != nil {
		conf, err := c.TLS.Load()
		if err != nil {
			var fe *flow.FieldError
			if errors.As(err, &fe) {
				fe.Field = "tls." + fe.Field
			}
			return nil, err
		}
		cl.tls = conf
	}
	return cl, nil
}

// client is the connector ws_client: one connection at a time.
type client struct {
	config *ClientConfig
	tls    *tls.Config // nil for ws
}

// Run implements flow.Connector: it is one connection, from the dial to its
// loss. The engine calls it again.
func (c *client) Run(ctx context.Context, host flow.Host) error {
	s, err := c.dial(ctx, host)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	return s.run(ctx)
}

// dial connects and does the handshake.
func (c *client) dial(ctx context.Context, host flow.Host) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.config.ConnectTimeout))
	defer cancel()
	s := &session{config: c.config, host: host}
	scheme := "ws"
	if c.tls != nil {
		scheme = "wss"
	}
	hold := func(nc net.Conn) net.Conn {
		s.cork = &cork{Conn: nc, timeout: time.Duration(c.config.Queue.WriteTimeout)}
		return s.cork
	}
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: c.tls, // used through a proxy; else DialTLSContext
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := c.dialTCP(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return hold(nc), nil
		},
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := c.dialTLS(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return hold(nc), nil
		},
	}
	lib, resp, err := websocket.Dial(ctx, c.config.URL.Reveal(scheme), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		HTTPHeader: c.header(),
	})
	transport.CloseIdleConnections()
	if err != nil {
		return nil, c.explain(ctx, resp, err)
	}
	lib.SetReadLimit(int64(c.config.MaxMessage))
	s.lib = lib
	s.peer = flow.Peer{TLS: c.tls != nil, Path: c.config.URL.Path, Subprotocol: lib.Subprotocol()}
	if a, ok := s.cork.RemoteAddr().(*net.TCPAddr); ok {
		s.peer.Host, s.peer.Port = a.IP.String(), a.Port
	}
	return s, nil
}

func (c *client) dialTCP(ctx context.Context, network, addr string) (net.Conn, error) {
	keepalive := time.Duration(c.config.Socket.Keepalive)
	if keepalive == 0 {
		keepalive = -1 // what net.Dialer calls off
	}
	nc, err := (&net.Dialer{KeepAlive: keepalive}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		if err := tcp.SetNoDelay(c.config.Socket.NoDelay); err != nil {
			_ = nc.Close()
			return nil, err
		}
	}
	return nc, nil
}

func (c *client) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := c.dialTCP(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conf := c.tls.Clone()
	if conf.ServerName == "" {
		conf.ServerName = c.config.URL.Host
	}
	conf.NextProtos = []string{"http/1.1"}
	t := tls.Client(nc, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return t, nil
}

func (c *client) header() http.Header {
	h := http.Header{}
	for name, value := range c.config.Headers {
		h.Set(name, value.Reveal())
	}
	if user := c.config.URL.User; user != nil && h.Get("Authorization") == "" {
		password, _ := user.Password()
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	return h
}

// explain makes one sentence of what went wrong with a dial. The library's
// error repeats the URL, in which there may be secrets.
func (c *client) explain(ctx context.Context, resp *http.Response, err error) error {
	target := c.config.URL.String()
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("connect to %s: no answer within connect_timeout (%s)", target, c.config.ConnectTimeout)
	}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("connect to %s: the server answered %s instead of 101 Switching Protocols", target, strings.TrimSpace(resp.Status))
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("connect to %s: %w", target, op.Err)
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return fmt.Errorf("connect to %s: the server's certificate is not trusted: %w", target, cert.Err)
	}
	return fmt.Errorf("connect to %s: %w", target, last(err))
}

// last returns the innermost cause.
func last(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// opened sends the messages of on_open.
func (s *session) opened(ctx context.Context) error {
	for i, m := range s.config.OnOpen {
		if err := s.lib.Write(ctx, websocket.MessageText, []byte(m.Reveal())); err != nil {
			return fmt.Errorf("send message %d of on_open: %w", i+1, last(err))
		}
	}
	return nil
}

func (s *session) log() *zap.Logger { return s.host.Log() }
