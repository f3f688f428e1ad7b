package flowtest

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// Options say what a Host is like; the zero Options are useful.
type Options struct {
	Component *flow.Component // a connector "test" of a flow "test" when nil
	Shape     flow.Shape      // as the connector's configuration gives it
	Farewell  flow.Farewell   // [flowfile.DefaultDrain]'s when its code is 0
	Codec     flow.CodecUse   // [Text] when its New is nil
	Pre, Post []flow.ProcessorUse
	OnDecode  string // "err" when empty
}

// Host is a flow.Host for one connector.
type Host struct {
	Table *link.Table
	Out   Sink // what left by `out`
	Err   Sink // what left by `err`
	Logs  *observer.ObservedLogs
	// Told and Logged are what a connector hears of the process.
	Told, Logged feed.Feed[notice.Notice]

	t        testing.TB
	log      *zap.Logger
	farewell flow.Farewell
	abandon  context.Context
	drop     context.CancelFunc
	exits    chan Exit
	mu       sync.Mutex
	conns    []*conn
	opening  chan struct{} // closed when a link is opened; made by waiters
	refused  error         // why Open fails
	shut     bool          // Shut has been called
}

// Exit is a call of Host.Exit or Host.Halt.
type Exit struct {
	Code  int
	Delay time.Duration
	Halt  bool
}

// NewHost returns a host whose `out` and `err` are recorded. Connect
// h.Table.Out() to something else for another wiring.
func NewHost(t testing.TB, o Options) *Host {
	t.Helper()
	if o.Component == nil {
		o.Component = &flow.Component{Boot: "node.1", Flow: "test", Kind: "connector", Type: "test", Name: "test"}
	}
	if o.Codec.New == nil {
		o.Codec = Text
	}
	if o.OnDecode == "" {
		o.OnDecode = "err"
	}
	if o.Farewell.Code == 0 {
		d := flowfile.DefaultDrain()
		o.Farewell = d.Farewell()
	}
	core, logs := observer.New(zapcore.DebugLevel)
	h := &Host{t: t, Logs: logs, log: zap.New(core), exits: make(chan Exit, 100), farewell: o.Farewell}
	h.abandon, h.drop = context.WithCancel(context.Background())
	t.Cleanup(h.drop)
	problems := &flow.Problems{Component: o.Component, Log: h.log}
	problems.Port.Connect(&h.Err)
	h.Table = link.NewTable(link.Config{
		Component: o.Component,
		Shape:     o.Shape,
		Codec:     o.Codec,
		Pre:       o.Pre,
		Post:      o.Post,
		OnDecode:  o.OnDecode,
		Problems:  problems,
		Log:       h.log,
	})
	h.Table.Out().Connect(&h.Out)
	if err := h.Table.Prepare(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Table.Close(flow.ErrClosed) })
	return h
}

// Send sends texts to the connector, as one batch that came from nowhere.
func (h *Host) Send(ctx context.Context, texts ...string) error {
	batch := make([]flow.Event, len(texts))
	for i, s := range texts {
		batch[i].SetPayload(flow.TextOf(s))
	}
	return h.Table.In(flow.Reply, false).Send(ctx, batch)
}

// Open implements flow.Host.
func (h *Host) Open(peer flow.Peer, w flow.Writer) (flow.Link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused != nil {
		return nil, h.refused
	}
	l, err := h.Table.Open(peer, w)
	if err != nil {
		return nil, err
	}
	c := &conn{Link: l, host: h, writable: w != nil}
	h.conns = append(h.conns, c)
	if h.opening != nil {
		close(h.opening)
		h.opening = nil
	}
	return c, nil
}

// OpenFor implements flow.Host.
func (h *Host) OpenFor(question *flow.Frame, peer flow.Peer) (flow.Link, error) {
	return h.Table.OpenFor(question, peer)
}

// Heard implements flow.Host.
func (h *Host) Heard() bool { return h.Table.Heard() }

// Admit implements flow.Host.
func (h *Host) Admit(peer flow.Peer) error { return h.Table.Admit(peer) }

// Refuse makes later calls of Open fail with err.
func (h *Host) Refuse(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = err
}

// Shut implements flow.Host. Open goes on to work, for the next Run; that nothing is
// opened any more by this one is what [Connector] sees to.
func (h *Host) Shut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shut = true
}

// HasShut reports whether Shut has been called.
func (h *Host) HasShut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.shut
}

// WaitOpen returns when n links have been opened since the start, or when
// done is closed.
func (h *Host) WaitOpen(n int, done <-chan struct{}) {
	h.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		h.mu.Lock()
		have := len(h.conns)
		if h.opening == nil {
			h.opening = make(chan struct{})
		}
		opening := h.opening
		h.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-opening:
		case <-done:
			return
		case <-timeout.C:
			h.t.Fatalf("%d of %d links have been opened", have, n)
		}
	}
}

// Opened counts the links that were ever opened.
func (h *Host) Opened() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// Closed counts the links that were closed.
func (h *Host) Closed() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, c := range h.conns {
		if c.closed.Load() > 0 {
			n++
		}
	}
	return n
}

// writable counts the links that can be written to.
func (h *Host) writable() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, c := range h.conns {
		if c.writable {
			n++
		}
	}
	return n
}

// Handle implements flow.Host with a listener of its own for each route.
func (h *Host) Handle(spec flow.ListenSpec, handler http.Handler) (stop func(), err error) {
	l, err := net.Listen("tcp", spec.Address)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", spec.Address, err)
	}
	mux := http.NewServeMux()
	path := spec.Path
	if path == "" {
		path = "/"
	}
	if a, ok := handler.(flow.Answerer); ok {
		handler = begins(a)
	}
	mux.Handle(path, handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: spec.Timeout}
	if spec.TLS != nil {
		if server.TLSConfig, err = tlsfiles.Server(spec.TLS); err != nil {
			_ = l.Close()
			return nil, err
		}
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if server.TLSConfig != nil {
			_ = server.ServeTLS(l, "", "")
		} else {
			_ = server.Serve(l)
		}
	}()
	return func() {
		_ = server.Close()
		<-served
	}, nil
}

// Accept implements flow.Host with a listener of its own.
func (h *Host) Accept(spec flow.ListenSpec, take func(net.Conn)) (stop func(), err error) {
	network := cmp.Or(spec.Network, "tcp")
	l, err := net.Listen(network, spec.Address)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", spec.Address, err)
	}
	if spec.TLS != nil {
		config, err := tlsfiles.Server(spec.TLS)
		if err != nil {
			_ = l.Close()
			return nil, err
		}
		l = tls.NewListener(l, config)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			take(conn)
		}
	}()
	return func() {
		_ = l.Close()
		<-ended
	}, nil
}

// Packets implements flow.Host.
func (h *Host) Packets(spec flow.ListenSpec) (conn *net.UDPConn, stop func(), err error) {
	c, err := net.ListenPacket("udp", spec.Address)
	if err != nil {
		return nil, nil, fmt.Errorf("listen %s: %w", spec.Address, err)
	}
	return c.(*net.UDPConn), func() { _ = c.Close() }, nil
}

// begins answers requests as a listener does that is not shared.
func begins(a flow.Answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.Begin() {
			http.Error(w, "it has ended", http.StatusServiceUnavailable)
			return
		}
		a.ServeHTTP(w, r)
	})
}

// Exit implements flow.Host; see WaitExit.
func (h *Host) Exit(code int, delay time.Duration) { h.exits <- Exit{Code: code, Delay: delay} }

// Halt implements flow.Halter; see WaitExit.
func (h *Host) Halt(code int, delay time.Duration) {
	h.exits <- Exit{Code: code, Delay: delay, Halt: true}
}

// WaitExit returns the next call of Exit or Halt.
func (h *Host) WaitExit() Exit {
	h.t.Helper()
	select {
	case e := <-h.exits:
		return e
	case <-time.After(patience):
		h.t.Fatal("the process was not asked to end")
		return Exit{}
	}
}

// Exits is the number of calls that WaitExit has not returned yet.
func (h *Host) Exits() int { return len(h.exits) }

// Farewell implements flow.Host.
func (h *Host) Farewell() flow.Farewell { return h.farewell }

// Abandon implements flow.Host.
func (h *Host) Abandon() context.Context { return h.abandon }

// Drop ends the time for a graceful end.
func (h *Host) Drop() { h.drop() }

// MediaType implements flow.Host.
func (h *Host) MediaType() string { return h.Table.MediaType() }

// Log implements flow.Host; what is logged is in h.Logs.
func (h *Host) Log() *zap.Logger { return h.log }

// conn checks what a connector does with a link.
type conn struct {
	flow.Link
	host     *Host
	writable bool
	inside   atomic.Int32
	closed   atomic.Int32
}

func (c *conn) enter(what string) func() {
	if c.inside.Add(1) > 1 {
		c.host.t.Errorf("link %s: %s while Receive or Close is running", c.ID(), what)
	}
	if c.closed.Load() > 0 {
		c.host.t.Errorf("link %s: %s after Close", c.ID(), what)
	}
	return func() { c.inside.Add(-1) }
}

// Receive implements flow.Link.
func (c *conn) Receive(ctx context.Context, frames []flow.Frame) error {
	defer c.enter("Receive")()
	return c.Link.Receive(ctx, frames)
}

// Finish implements flow.Link.
func (c *conn) Finish(ctx context.Context) error {
	defer c.enter("Finish")()
	return c.Link.Finish(ctx)
}

// Close implements flow.Link.
func (c *conn) Close(ctx context.Context, reason error) {
	defer c.enter("Close")()
	c.Link.Close(ctx, reason)
	c.closed.Add(1)
}
