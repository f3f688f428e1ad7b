package ws

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
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
	for name, value := range c.Headers {
		if err := checkHeader(name, value.Reveal()); err != nil {
			return nil, err
		}
	}
	cl := &client{config: c}
	if u.Scheme == "wss" || u.Scheme == "https" || c.TLS != nil {
		conf, err := c.TLS.Load()
		if err != nil {
			return nil, inTLS(err)
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
	conn, peer, err := c.dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	s := &session{client: c, host: host, conn: conn}
	return s.run(ctx, peer)
}
