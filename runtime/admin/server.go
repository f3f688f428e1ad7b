package admin

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime/admin/look"
	"github.com/flowrun/flowrun/runtime/admin/stream"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/status"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	maxWaiting     = 256 // connections on which nothing is served
	maxHeader      = 16 << 10
	maxBody        = 64 << 10
	headTimeout    = 5 * time.Second
	requestTimeout = 10 * time.Second
	answerTimeout  = 30 * time.Second
	idleTimeout    = time.Minute
	// closeTimeout is how long answers are waited for at the end.
	closeTimeout = 3 * time.Second
)

// Options say what is served, where and to whom.
type Options struct {
	// Settings say where, and to whom: port 0 takes a free one. Without tokens the
	// API is for this machine, and to look at.
	Settings flowfile.Admin

	Build   Build
	Health  func() status.Health
	Flows   func() []status.Flow
	Config  func() []ConfigFile // of the flows, without secrets
	Metrics http.Handler        // of /metrics
	// Connections and Connection are the engine's.
	Connections func() iter.Seq[link.Info]
	Connection  func(id string) (*link.Link, error)
	// Pause and Resume are the engine's.
	Pause, Resume func(flow, connector string) error
	// Reload reads the flows again. An error says why they run on as they were.
	// Several calls may come at a time.
	Reload func(ctx context.Context) (Reloaded, error)
	// Drain begins the graceful end of the process and returns at once. It may be
	// called more than once.
	Drain func()
	// Notices and Records are what clients can listen to, as Settings allow.
	Notices, Records *feed.Feed[notice.Notice]
	// Places and Tap are those of the engine.
	Places func() []engine.NamedPlace
	Tap    func(at engine.NamedPlace, t engine.Tap) (end func(), err error)
	// Nearest is the name that is most like a given one, "" when none is.
	Nearest func(given string, names []string) string
	Log     *zap.Logger
	// Level is the lowest that Log takes; nil where nobody can change it.
	Level *zap.AtomicLevel
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
	secure  *tlsfiles.Keeper // nil for plain HTTP
	streams *stream.Server
	taps    *look.Server
	started time.Time
	http    http.Server
	crowd   crowd
	socket  net.Listener
	ended   chan struct{}
}

// Check reads what settings name, and says what cannot be used: a *setting.Error
// for each argument.
func Check(a flowfile.Admin) error {
	_, _, err := open(a, zap.NewNop())
	return err
}

func open(a flowfile.Admin, log *zap.Logger) (g *guard, secure *tlsfiles.Keeper, err error) {
	if a.TLS != nil {
		if secure, err = tlsfiles.Keep(a.TLS, log, "http/1.1"); err != nil {
			err = setting.Within("tls", err)
		}
	}
	g, refused := newGuard(a)
	err = errors.Join(err, refused)
	if unusable := look.Check(a.Tap); unusable != nil {
		err = errors.Join(err, setting.Within("tap", unusable))
	}
	return g, secure, err
}

// New checks the options and reads the files they name. An error says which option
// cannot be used.
func New(o Options) (*Server, error) {
	a := o.Settings
	if o.Level == nil {
		fixed := zap.NewAtomicLevelAt(zapcore.LevelOf(o.Log.Core()))
		o.Level = &fixed
	}
	address, err := resolve(a.Address)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, address: address, streams: newStreams(o), started: time.Now(), ended: make(chan struct{})}
	if s.guard, s.secure, err = open(a, o.Log); err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	s.taps = look.New(look.Options{Settings: a.Tap, Places: o.Places, Tap: o.Tap, Nearest: o.Nearest, Log: o.Log})
	if !address.IP.IsLoopback() && !s.guard.keyed {
		return nil, fmt.Errorf("admin %s: other machines can reach this address, so clients must show a token: give --admin-tokens, or an address of this machine alone, like 127.0.0.1:8686", a.Address)
	}
	s.http = http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       s.crowd.admit,
		ConnState:         s.crowd.state,
		ErrorLog:          log.New(complaints{o.Log}, "", 0),
	}
	return s, nil
}

// Start binds the address and serves until Close. It is called once.
func (s *Server) Start() (err error) {
	if s.socket, err = net.ListenTCP("tcp", s.address); err != nil {
		return fmt.Errorf("admin %s: %w", s.options.Settings.Address, cause(err))
	}
	serves := s.socket
	if s.secure != nil {
		serves = tls.NewListener(s.socket, s.secure.Config())
	}
	s.guard.start(s.options.Log)
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(serves); !errors.Is(err, http.ErrServerClosed) {
			s.options.Log.Error("the admin listener ended by itself", zap.Error(err))
		}
	}()
	return nil
}

// Addr is where it listens, once it has started: "127.0.0.1:8686".
func (s *Server) Addr() string { return s.socket.Addr().String() }

// URL is that as people write it: "http://127.0.0.1:8686".
func (s *Server) URL() string {
	if s.secure != nil {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// Close stops serving. Answers that are on their way have a moment to arrive, and
// who listens is told goodbye.
func (s *Server) Close() {
	s.streams.End()
	s.taps.End()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // of what had its moment
	}
	<-s.ended
	s.streams.Wait()
	s.guard.stop()
}

// complaints logs what net/http has to say.
type complaints struct{ log *zap.Logger }

func (c complaints) Write(text []byte) (int, error) {
	c.log.Warn("the admin listener has a problem", zap.ByteString("error", bytes.TrimSpace(text)))
	return len(text), nil
}
