package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tcp"
	"go.uber.org/zap"
)

// bind opens the listening socket.
func bind(spec flow.ListenSpec) (net.Listener, error) {
	if spec.Network == "unix" {
		return bindPath(spec)
	}
	var refused error
	config := net.ListenConfig{
		KeepAlive: tcp.Keepalive(spec.Socket),
		Control: before(&refused, func(fd uintptr) error {
			return errors.Join(setOptions(fd, spec.Socket), tcp.SetPatience(fd, spec.Socket))
		}),
	}
	config.SetMultipathTCP(false) // its sockets know fewer options
	socket, err := config.Listen(context.Background(), "tcp", spec.Address)
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, explain(err)
	}
	if err := setBacklog(socket, spec.Backlog); err != nil {
		_ = socket.Close() // nothing was accepted
		return nil, fmt.Errorf("backlog = %d: %w", spec.Backlog, err)
	}
	return socket, nil
}

// before is what net calls with a socket before it is bound. An error of set is put
// into refused, too: net wraps it into words about bind.
func before(refused *error, set func(fd uintptr) error) func(_, _ string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		if err := c.Control(func(fd uintptr) { *refused = set(fd) }); err != nil {
			return err
		}
		return *refused
	}
}

// explain says what an error of bind means and what to do about it.
func explain(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err // leaves out "listen tcp <address>", which the caller says
	}
	if sys := (syscall.Errno)(0); errors.As(err, &sys) {
		switch sys { //nolint:exhaustive // those that a user can do something about
		case syscall.EADDRINUSE:
			return fmt.Errorf("%w: end the process that listens there, or choose another port (port 0 takes a free one)", sys)
		case syscall.EACCES:
			return fmt.Errorf("%w: ports below 1024 need the right to (CAP_NET_BIND_SERVICE), or choose another port", sys)
		case syscall.EADDRNOTAVAIL:
			return fmt.Errorf("%w: no network interface of this machine has the address (0.0.0.0 stands for all)", sys)
		}
		return sys
	}
	return err
}

// acceptor accepts until it is closed, whatever goes wrong in between.
type acceptor struct {
	net.Listener
	delay  bool // TCP_NODELAY off
	log    *zap.Logger
	once   sync.Once
	closed chan struct{}
}

func newAcceptor(socket net.Listener, o setting.SocketOptions, log *zap.Logger) *acceptor {
	return &acceptor{Listener: socket, delay: !o.NoDelay, log: log, closed: make(chan struct{})}
}

const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// Accept implements net.Listener.
func (a *acceptor) Accept() (net.Conn, error) {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		conn, err := a.Listener.Accept()
		if err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok && a.delay {
				_ = tcp.SetNoDelay(false) // a connection that broke already shows when it is read
			}
			return conn, nil
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		a.log.Warn("no connection can be accepted, trying again", zap.String("address", a.Addr().String()), zap.Error(explain(err)))
		select {
		case <-time.After(pause):
		case <-a.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close implements net.Listener.
func (a *acceptor) Close() error {
	a.once.Do(func() { close(a.closed) })
	return a.Listener.Close()
}
