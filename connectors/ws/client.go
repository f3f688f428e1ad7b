package ws

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/credentials"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
	"go.uber.org/zap"
)

// ClientConfig is the configuration of ws_client.
type ClientConfig struct {
	URL     endpoint.URL              `hcl:"url" required:"true" doc:"what to connect to: \"ws://host:port/path?query\" or \"wss://…\"; without a scheme ws, or wss when there is a tls block"`
	TLS     *setting.TLSClient        `hcl:"tls" doc:"whom to trust; needs wss or no scheme"`
	Socket  setting.SocketOptions     `hcl:"socket_options" doc:"TCP options"`
	Headers map[string]setting.Secret `hcl:"headers" doc:"header fields of the handshake"`
	Auth    credentials.Auths         `hcl:"auth" doc:"how this side shows who it is, in the Authorization header"`
	OnOpen  []setting.Secret          `hcl:"on_open" doc:"text messages sent, as they are, after every connect, before anything else"`
	Queue   setting.ClientQueue       `hcl:"queue" doc:"what waits for the connection, also while there is none"`
	Per     flow.Expr                 `hcl:"per" doc:"a connection for each value of this expression, opened when the first event with it comes: per = peer.id makes a proxy"`
	MaxPer  int                       `hcl:"max_connections" min:"1" doc:"with per: how many connections there may be; an event that needs one more is refused. 1000 when not given"`
	Idle    setting.Duration          `hcl:"idle_timeout" min:"1ms" doc:"makes the connection anew when no byte has passed in either direction for so long. Pings of this side do not count, their answers do. For ever when not given. With per: closes such a connection, until there is another event for it; 5m when not given"`
	Fresh   setting.Duration          `hcl:"idle_interval" min:"1ms" doc:"before a message is sent after no message has passed in either direction for so long, the connection is made anew: what is between the two may have forgotten it. Never when not given"`
	AppPing *ClientAppPing            `hcl:"app_ping" doc:"pings that are text messages: this side sends one at an interval, and its answer is no event; one that comes is answered"`
	Common
}

// Defaults of what only per needs.
const (
	defaultMaxPer = 1000
	defaultIdle   = 5 * time.Minute
)

// Shape implements flow.ConnectorConfig.
func (c *ClientConfig) Shape() flow.Shape {
	s := flow.Shape{Role: flow.Client, In: true, Out: true, Queue: c.Queue.Bounds(), Keep: c.Queue.Keep(true), Confirms: true}
	if c.Per != nil {
		s.Per = &flow.Per{
			Key:            c.Per,
			MaxConnections: cmp.Or(c.MaxPer, defaultMaxPer),
			IdleTimeout:    cmp.Or(time.Duration(c.Idle), defaultIdle),
		}
	}
	return s
}

// New implements flow.ConnectorConfig.
func (c *ClientConfig) New() (flow.Connector, error) {
	u := c.URL
	switch u.Scheme {
	case "ws", "http":
		if c.TLS != nil {
			return nil, &setting.Error{Field: "url", Err: fmt.Errorf("a tls block needs wss, or no scheme, but the URL says %s", u.Scheme)}
		}
	case "", "wss", "https":
	default:
		return nil, &setting.Error{Field: "url", Err: fmt.Errorf("scheme %q is not one of ws, wss, http and https", u.Scheme)}
	}
	if u.Port == 0 {
		return nil, &setting.Error{Field: "url", Err: errors.New("port 0 cannot be connected to")}
	}
	if u.Host == "" {
		return nil, &setting.Error{Field: "url", Err: errors.New("the URL has no host to connect to")}
	}
	if c.Per == nil && c.MaxPer != 0 {
		return nil, &setting.Error{Field: "max_connections", Err: errors.New("max_connections needs per: there is one connection otherwise")}
	}
	if err := errors.Join(c.checkSubprotocols(), c.checkCompression()); err != nil {
		return nil, err
	}
	for name, value := range c.Headers {
		if err := checkHeader(name, value.Reveal()); err != nil {
			return nil, err
		}
	}
	if err := c.Auth.Check(c.URL.User, c.Headers); err != nil {
		return nil, err
	}
	o := socket.Options{Client: true}
	if c.Per == nil {
		o.IdleTimeout = time.Duration(c.Idle)
	}
	if c.AppPing != nil {
		var err error
		if o.AppPing, err = c.AppPing.options(cmp.Or(c.AppPing.Interval, setting.Duration(defaultPing)), c.MaxMessage); err != nil {
			return nil, err
		}
	}
	cl := &client{config: c, group: socket.NewGroup(c.options(c.Queue.Bounds(), o))}
	if u.Scheme == "wss" || u.Scheme == "https" || c.TLS != nil {
		conf, err := tlsfiles.Client(c.TLS)
		if err != nil {
			return nil, inTLS(err)
		}
		cl.tls = conf
	}
	return cl, nil
}

// client is the connector ws_client: one connection at a time, or one per key.
type client struct {
	config *ClientConfig
	group  *socket.Group
	tls    *tls.Config // nil for ws
	warned atomic.Bool // of insecure
}

// Run implements flow.Connector: it is one connection, from the dial to its
// loss, and those that take its place when it has been idle. The engine calls it
// again, or for each key.
func (c *client) Run(ctx context.Context, host flow.Host) error {
	if c.tls != nil && c.tls.InsecureSkipVerify && c.warned.CompareAndSwap(false, true) {
		host.Log().Warn("insecure = true: the server's certificate is not checked, anybody on the way can read and change what is sent",
			zap.Stringer("url", c.config.URL))
	}
	for {
		if err := c.once(ctx, host); err == nil || ctx.Err() != nil || !errors.Is(err, errStale) {
			return err
		}
	}
}

// once is one connection, from the dial to its loss.
func (c *client) once(ctx context.Context, host flow.Host) error {
	began := time.Now()
	var trace *flow.Trace
	if t, ok := host.(flow.Traced); ok {
		trace = t.Trace()
	}
	conn, peer, err := c.dial(ctx, trace)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	shook(host, began)
	s := &session{client: c, host: host, conn: conn}
	return s.run(ctx, peer)
}
