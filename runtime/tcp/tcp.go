// Package tcp makes TCP connections as flows want them: it applies the block
// socket_options ([setting.SocketOptions]) for those who dial and those who listen.
package tcp

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
)

// probes is how many keep-alive probes in a row must have no answer before a peer is
// given up: package net leaves the nine of the system, and the first comes after a
// period without anything.
const probes = 9

// Dial connects to address, "host:port". Who calls it bounds the time by ctx.
func Dial(ctx context.Context, address string, o setting.SocketOptions) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: Keepalive(o), Control: control(o)}
	nc, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		if err := tcp.SetNoDelay(o.NoDelay); err != nil {
			_ = nc.Close()
			return nil, err
		}
	}
	return nc, nil
}

// control is what net calls with a socket before it is used.
func control(o setting.SocketOptions) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		if failed := c.Control(func(fd uintptr) { err = SetPatience(fd, o) }); failed != nil {
			return failed
		}
		return err
	}
}

// Keepalive is the period as package net wants it: negative for none.
func Keepalive(o setting.SocketOptions) time.Duration {
	if o.Keepalive <= 0 {
		return -1
	}
	return time.Duration(o.Keepalive)
}

// Patience is how long a peer may be silent that is asked: the time that all probes
// take together. 0 is for as long as the system wants.
func Patience(o setting.SocketOptions) time.Duration {
	if o.Keepalive <= 0 {
		return 0
	}
	period := max(time.Duration(o.Keepalive), time.Second) // net rounds up
	return (1 + probes) * min(period, math.MaxInt64/(1+probes))
}

// Reset closes a connection, which may be one of TLS, and tells its peer that what it
// has sent was not read, or will not be: a close alone does so only when something of it
// has come already. Of other connections, it is a close.
func Reset(nc net.Conn) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	if c, ok := nc.(interface{ SetLinger(sec int) error }); ok {
		_ = c.SetLinger(0) // of a socket that is given up
	}
	_ = nc.Close()
}
