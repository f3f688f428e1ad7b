package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

// target is where connections are opened, and how.
type target struct {
	o   *Options
	url *url.URL
	tls *tls.Config // nil for ws
	// addr is "host:port": as written until the first connection has found
	// out which address of the host answers.
	addr string
}

func newTarget(o *Options) (*target, error) {
	t := &target{o: o}
	scheme, port := "http", 80
	if o.URL.Scheme == "wss" || o.URL.Scheme == "https" || o.TLS != nil {
		scheme, port = "https", 443
		conf, err := tlsfiles.Client(o.TLS)
		if err != nil {
			return nil, err
		}
		t.tls = conf.Clone()
		t.tls.NextProtos = []string{"http/1.1"}
		if t.tls.ServerName == "" {
			t.tls.ServerName = o.URL.Host
		}
	}
	u := o.URL.OrPort(port)
	var err error
	if t.url, err = url.Parse(u.Reveal(scheme)); err != nil {
		return nil, fmt.Errorf("read the URL %s: %w", o.URL, err)
	}
	t.addr = u.Addr()
	return t, nil
}

// perAddress is how many connections come from one address: the system gives
// out some 28,000 ports to each.
const perAddress = 10_000

// dial opens a connection. The end of ctx ends that, and so does the timeout.
func (t *target) dial(ctx context.Context, number int) (*frames, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(t.o.Timeout))
	defer cancel()
	d := net.Dialer{KeepAlive: -1, ControlContext: t.control}
	if a, err := netip.ParseAddrPort(t.addr); err == nil && a.Addr().Is4() && a.Addr().IsLoopback() && number >= perAddress {
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+number/perAddress))}
	}
	nc, err := d.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, t.explain(ctx, err)
	}
	f, err := t.upgrade(ctx, nc)
	if err != nil {
		_ = nc.Close()
		return nil, t.explain(ctx, err)
	}
	return f, nil
}

// control sees each address before a connection to it is tried.
func (t *target) control(_ context.Context, _, addr string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	if !t.o.AllowRemote && !a.Addr().Unmap().IsLoopback() {
		return ErrRemote
	}
	return nil
}

// maxAnswer bounds the answer to a handshake.
const maxAnswer = 64 << 10

// upgrade does the handshakes of TLS and of WebSocket (RFC 6455 section 4).
func (t *target) upgrade(ctx context.Context, nc net.Conn) (*frames, error) {
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if t.tls != nil {
		secured := tls.Client(nc, t.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		nc = secured
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	r := &http.Request{Method: http.MethodGet, URL: t.url, Header: t.o.header(key)}
	r.Host = r.Header.Get("Host")
	r.Header.Set("User-Agent", "flowrun")
	if err := r.Write(nc); err != nil {
		return nil, err
	}
	answer := bufio.NewReader(io.LimitReader(nc, maxAnswer))
	resp, err := http.ReadResponse(answer, r)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close() // of an upgrade there is none; any other body is of no interest
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the server answered %s instead of 101 Switching Protocols", strings.TrimSpace(resp.Status))
	}
	if got := resp.Header.Get("Sec-WebSocket-Accept"); got != rfc6455.Accept(key) {
		return nil, errors.New("the server's answer to the handshake has a wrong Sec-WebSocket-Accept: it speaks no WebSocket, or something between does not")
	}
	if !stop() {
		return nil, ctx.Err()
	}
	early, _ := answer.Peek(answer.Buffered())
	return &frames{Conn: nc, buf: bytes.Clone(early), end: len(early)}, nil
}

// explain makes one sentence of what went wrong.
func (t *target) explain(ctx context.Context, err error) error {
	to := t.o.URL.String()
	switch {
	case errors.Is(err, ErrRemote):
		return fmt.Errorf("connect to %s: %w", to, ErrRemote)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("connect to %s: interrupted", to)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("connect to %s: no answer within %s", to, t.o.Timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("connect to %s: the server closed the connection before it had answered the handshake", to)
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err
	}
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		err = call.Err
	}
	if cert := (*tls.CertificateVerificationError)(nil); errors.As(err, &cert) {
		return fmt.Errorf("connect to %s: the server's certificate is not trusted: %w", to, cert.Err)
	}
	return fmt.Errorf("connect to %s: %w", to, err)
}
