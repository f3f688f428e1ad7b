package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tcp"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
	"go.uber.org/zap"
)

// TCPClientConfig is the configuration of tcp_client.
type TCPClientConfig struct {
	URL    endpoint.URL          `hcl:"url" required:"true" doc:"what to connect to: \"host:port\", \"tcp://host:port\", or \"tls://host:port\""`
	TLS    *setting.TLSClient    `hcl:"tls" doc:"whom to trust: the connection is one of TLS then, as with tls://"`
	Socket setting.SocketOptions `hcl:"socket_options" doc:"TCP options"`
	ClientCommon
}

// New implements flow.ConnectorConfig.
func (c *TCPClientConfig) New() (flow.Connector, error) {
	if err := errors.Join(c.checkURL(), c.check()); err != nil {
		return nil, err
	}
	var conf *tls.Config
	if c.TLS != nil || c.URL.Scheme == "tls" {
		var err error
		if conf, err = tlsfiles.Client(c.TLS); err != nil {
			return nil, setting.Within("tls", err)
		}
		if conf.ServerName == "" {
			conf.ServerName = c.URL.Host
		}
	}
	cl := newClient(&c.ClientCommon, c.URL.String(), func(ctx context.Context) (net.Conn, flow.Peer, error) { return c.dial(ctx, conf) })
	if conf != nil && conf.InsecureSkipVerify {
		cl.warn = func(log *zap.Logger) {
			log.Warn("insecure = true: the server's certificate is not checked, anybody on the way can read and change what is sent", zap.Stringer("url", c.URL))
		}
	}
	return cl, nil
}

func (c *TCPClientConfig) checkURL() error {
	if err := checkAddress(c.URL, true); err != nil {
		return err
	}
	refuse := func(format string, args ...any) error {
		return &setting.Error{Field: "url", Err: fmt.Errorf(format, args...)}
	}
	switch {
	case c.URL.Port == 0:
		return refuse("port 0 cannot be connected to")
	case c.URL.Host == "":
		return refuse("the URL has no host to connect to")
	case c.TLS != nil && c.URL.Scheme == "tcp":
		return refuse("a tls block needs tls, or no scheme, but the URL says tcp")
	}
	return nil
}

// dial connects, and does TLS.
func (c *TCPClientConfig) dial(ctx context.Context, conf *tls.Config) (net.Conn, flow.Peer, error) {
	nc, err := tcp.Dial(ctx, c.URL.Addr(), c.Socket)
	if err != nil {
		return nil, flow.Peer{}, err
	}
	peer := flow.Peer{TLS: conf != nil}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		peer.Host, peer.Port = a.IP.String(), a.Port
	}
	if conf == nil {
		return nc, peer, nil
	}
	t := tls.Client(nc, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		if cert := (*tls.CertificateVerificationError)(nil); errors.As(err, &cert) {
			err = fmt.Errorf("the server's certificate is not trusted: %w", cert.Err)
		}
		return nil, peer, err
	}
	return t, peer, nil
}
