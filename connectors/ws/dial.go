package ws

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/credentials"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/tcp"
)

// dial connects and does the handshake: TCP, or a proxy's tunnel; TLS; then the
// library's part, on a connection that is ours. trace is told in the handshake; nil
// for none.
func (c *client) dial(ctx context.Context, trace *flow.Trace) (*socket.Conn, flow.Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.config.ConnectTimeout))
	defer cancel()
	target := c.target()
	header, err := c.header(trace)
	if err != nil {
		return nil, flow.Peer{}, fmt.Errorf("connect to %s: %w", c.config.URL, err)
	}
	nc, err := c.connect(ctx, target)
	if err != nil {
		return nil, flow.Peer{}, c.explain(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(past) })
	conn, subprotocol, err := socket.Dial(ctx, nc, target, header, c.group)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = nc.Close()
		return nil, flow.Peer{}, c.explain(ctx, err)
	}
	peer := flow.Peer{TLS: c.tls != nil, Path: c.config.URL.Path, Subprotocol: subprotocol}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		peer.Host, peer.Port = a.IP.String(), a.Port
	}
	return conn, peer, nil
}

// target is the URL in the spelling of net/http.
func (c *client) target() *url.URL {
	scheme, port := "http", 80
	if c.tls != nil {
		scheme, port = "https", 443
	}
	u, err := url.Parse(c.config.URL.OrPort(port).Reveal(scheme))
	if err != nil {
		panic(err) // Reveal spells URLs
	}
	return u
}

// connect opens the way that the handshake takes.
func (c *client) connect(ctx context.Context, target *url.URL) (net.Conn, error) {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: target})
	if err != nil {
		return nil, fmt.Errorf("the proxy of the environment: %w", err)
	}
	var nc net.Conn
	if proxy == nil {
		nc, err = tcp.Dial(ctx, target.Host, c.config.Socket)
	} else {
		nc, err = c.dialProxy(ctx, proxy, target.Host)
	}
	if err != nil || c.tls == nil {
		return nc, err
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

// dialProxy opens a tunnel through an HTTP proxy (RFC 9110 section 9.3.6).
func (c *client) dialProxy(ctx context.Context, proxy *url.URL, addr string) (net.Conn, error) {
	if proxy.Scheme != "http" {
		return nil, fmt.Errorf("the proxy of the environment has scheme %q: only http proxies are known", proxy.Scheme)
	}
	port := proxy.Port()
	if port == "" {
		port = "80"
	}
	nc, err := tcp.Dial(ctx, net.JoinHostPort(proxy.Hostname(), port), c.config.Socket)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	defer context.AfterFunc(ctx, func() { _ = nc.SetDeadline(past) })()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if user := proxy.User; user != nil {
		req.Header.Set("Proxy-Authorization", credentials.BasicOf(user))
	}
	if err = req.Write(nc); err == nil {
		var resp *http.Response
		resp, err = http.ReadResponse(bufio.NewReader(io.LimitReader(nc, maxAnswer)), req) //nolint:bodyclose // the body of a tunnel is the tunnel
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("it answered %s", resp.Status)
		}
	}
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	return nc, nil
}

// past is a deadline that has passed: it wakes whoever blocks on a socket.
var past = time.Unix(1, 0)

// header is what the handshake carries beside its own.
func (c *client) header(trace *flow.Trace) (http.Header, error) {
	h := http.Header{}
	trace.Tell(h)
	for name, value := range c.config.Headers {
		h.Set(name, value.Reveal())
	}
	return h, c.config.Auth.AddTo(h, c.config.URL.User)
}

// maxAnswer bounds the answer of a proxy, as net/http's servers bound the
// question.
const maxAnswer = 64 << 10

// explain makes one sentence of what went wrong with a dial. The library's
// error repeats the URL, in which there may be secrets.
func (c *client) explain(ctx context.Context, err error) error {
	target := c.config.URL.String()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("connect to %s: no answer within connect_timeout (%s)", target, c.config.ConnectTimeout)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("connect to %s: %w", target, op.Err)
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return fmt.Errorf("connect to %s: the server's certificate is not trusted: %w", target, cert.Err)
	}
	err = last(err)
	if text, shown := err.Error(), c.hide(err.Error()); shown != text {
		err = errors.New(shown)
	}
	return fmt.Errorf("connect to %s: %w", target, err)
}

// hide takes what this side has said in confidence out of what the server says.
func (c *client) hide(text string) string {
	var secrets credentials.Secrets
	if password, ok := c.config.URL.User.Password(); ok {
		secrets.Add(password)
	}
	for _, message := range c.config.OnOpen {
		secrets.Add(message.Reveal())
	}
	header, _ := c.header(nil) // the handshake tells what it lacks
	secrets.AddRequest(c.target(), header)
	return secrets.Hide(text)
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
