package call

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tcp"
)

// Options say how connections are made, and kept.
type Options struct {
	TLS            *tls.Config
	Socket         setting.SocketOptions
	ConnectTimeout time.Duration // for TCP, and for TLS
	IdleTimeout    time.Duration // of a connection that nobody uses
	MaxIdle        int           // connections that nobody uses
	MaxRedirects   int
}

// maxHead bounds the head of an answer, in bytes, as net/http's servers bound that of
// a question.
const maxHead = 64 << 10

// NewClient returns a client of net/http. HTTP/2 is spoken where a server of https
// does; the proxies of the environment are honoured; there are no cookies.
func NewClient(o Options) *http.Client {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            o.dial,
		TLSClientConfig:        o.TLS,
		TLSHandshakeTimeout:    o.ConnectTimeout,
		MaxIdleConns:           o.MaxIdle,
		MaxIdleConnsPerHost:    o.MaxIdle,
		IdleConnTimeout:        o.IdleTimeout,
		MaxResponseHeaderBytes: maxHead,
		ForceAttemptHTTP2:      true,
		// A request that has timed out says nothing of a connection that others share, so
		// one that is dead would get the next one, too.
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: time.Duration(o.Socket.Keepalive),
			PingTimeout:     o.ConnectTimeout,
		},
	}
	return &http.Client{Transport: t, CheckRedirect: o.redirect}
}

func (o Options) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.ConnectTimeout)
	defer cancel()
	return tcp.Dial(ctx, address, o.Socket)
}

// redirect is asked before a redirect is followed. Nobody is sent what is for
// somebody else.
func (o Options) redirect(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	switch {
	case o.MaxRedirects == 0:
		return http.ErrUseLastResponse
	case len(before) > o.MaxRedirects:
		return errManyTimes
	case next.URL.Scheme != "https" && first.Scheme == "https":
		return errUnprotected
	case next.URL.Hostname() != first.Hostname(), next.URL.Scheme == first.Scheme && next.URL.Port() != first.Port():
		return errElsewhere
	}
	return nil
}
