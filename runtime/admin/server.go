package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/admin/stream"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/notice"
	"go.uber.org/zap"
)

const (
	maxConnections = 256
	maxHeader      = 16 << 10
	maxBody        = 64 << 10
	headTimeout    = 5 * time.Second
	requestTimeout = 10 * time.Second
	answerTimeout  = 30 * time.Second
	idleTimeout    = time.Minute
	// closeTimeout is how long answers are waited for at the end.
	closeTimeout = time.Second
)

// Options say what is served, where and to whom.
type Options struct {
	Address string // "127.0.0.1:8686"; port 0 takes a free one
	// Tokens and TokensFile (a line each, or {SHA256} and the digest) are what
	// clients show. Without any, the API is for this machine, and to look at.
	Tokens     []flow.Secret
	TokensFile flow.Path

	Build   Build
	Health  func() engine.Health
	Reloads func() Reloads
	// Reload reads the flows again. An error says why they run on as they were.
	// Several calls may come at a time.
	Reload func(ctx context.Context) (Reloaded, error)
	// Drain begins the graceful end of the process and returns at once. It may be
	// called more than once.
	Drain func()
	// Notices and Records are what clients can listen to, as Events and Logs allow.
	Notices, Records *feed.Feed[notice.Notice]
	Events           flow.AdminEvents
	Logs             flow.AdminLogs
	Log              *zap.Logger
}

// Reloaded says what a reload has done to connectors and uses of pipelines.
type Reloaded struct {
	Kept      int `json:"kept"`
	Rewired   int `json:"rewired"`
	Started   int `json:"started"`
	Restarted int `json:"restarted"`
	Stopped   int `json:"stopped"`
}

// Server is the management API at work.
type Server struct {
	options Options
	address *net.TCPAddr
	guard   *guard
	metrics http.Handler
	streams *stream.Server
	started time.Time
	http    http.Server
	socket  net.Listener
	open    atomic.Int64 // connections
	ended   chan struct{}
}

// New checks the options and reads the file of tokens. An error says which option
// cannot be used.
func New(o Options) (*Server, error) {
	address, err := resolve(o.Address)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, address: address, metrics: newMetrics(o), streams: newStreams(o), started: time.Now(), ended: make(chan struct{})}
	if s.guard, err = newGuard(o); err != nil {
		return nil, err
	}
	if !address.IP.IsLoopback() && !s.guard.hasTokens() {
		return nil, fmt.Errorf("admin %s: other machines can reach this address, so clients must show a token: give --admin-tokens, or an address of this machine alone, like 127.0.0.1:8686", o.Address)
	}
	s.http = http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnState:         s.count,
		ErrorLog:          log.New(complaints{o.Log}, "", 0),
	}
	return s, nil
}

// Start binds the address and serves until Close. It is called once.
func (s *Server) Start() (err error) {
	if s.socket, err = net.ListenTCP("tcp", s.address); err != nil {
		return fmt.Errorf("admin %s: %w", s.options.Address, cause(err))
	}
	s.guard.start(s.options.Log)
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(s.socket); !errors.Is(err, http.ErrServerClosed) {
			s.options.Log.Error("the admin listener ended by itself", zap.Error(err))
		}
	}()
	return nil
}

// Addr is where it listens, once it has started: "127.0.0.1:8686".
func (s *Server) Addr() string { return s.socket.Addr().String() }

// Close stops serving. Answers that are on their way have a moment to arrive, and
// who listens is told goodbye.
func (s *Server) Close() {
	s.streams.End()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // of what had its moment
	}
	<-s.ended
	s.streams.Wait()
	s.guard.stop()
}

// count closes a connection that is one too many.
func (s *Server) count(conn net.Conn, state http.ConnState) {
	switch state { //nolint:exhaustive // the others are no beginning and no end
	case http.StateNew:
		if s.open.Add(1) > maxConnections {
			_ = conn.Close() // the server finds it closed
		}
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	}
}

// complaints logs what net/http has to say.
type complaints struct{ log *zap.Logger }

func (c complaints) Write(text []byte) (int, error) {
	c.log.Warn("the admin listener has a problem", zap.ByteString("error", bytes.TrimSpace(text)))
	return len(text), nil
}
