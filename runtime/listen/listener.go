package listen

import (
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

const (
	maxHeader      = 64 << 10
	defaultTimeout = 10 * time.Second
	// retryAfter is when a client that came too late is to come again, in
	// seconds: a load balancer, or what is started next, has another server for
	// it.
	retryAfter = "1"
)

// listener is one address: its socket, its server, its routes. Its set's mu
// guards what changes.
type listener struct {
	set      *Set
	address  string
	timeout  time.Duration
	socket   net.Listener
	server   http.Server
	pending  *pending
	entrance *entrance
	ended    chan struct{} // closed when the accept loop is over

	headlessCount atomic.Int64 // connections that nobody wanted
	headlessTold  atomic.Int64 // when that was last warned of, unix nanoseconds

	routes []*Route
	now    atomic.Pointer[generation]
}

// generation is what a listener serves from one change of its routes to the
// next.
type generation struct {
	mux    *http.ServeMux
	active atomic.Int64 // requests that are being served by it
}

// open binds the address and starts to serve its first route: who connects at
// once must find that.
func open(s *Set, spec flow.ListenSpec, first *Route) (*listener, error) {
	l := &listener{
		set:     s,
		address: spec.Address,
		timeout: timeoutOf(spec),
		pending: newPending(spec.Address, s.log),
		ended:   make(chan struct{}),
	}
	on, err := termsOf(spec, s.log)
	if err != nil {
		return nil, err
	}
	mux, err := muxOf([]*Route{first})
	if err != nil {
		return nil, err
	}
	l.serve([]*Route{first}, mux)
	socket, err := bind(spec)
	if err != nil {
		return nil, err
	}
	l.socket = socket
	l.server = http.Server{
		Handler:        l,
		ReadTimeout:    l.timeout, // of the TLS handshake, and of each request to the end of its body, too
		IdleTimeout:    l.timeout,
		MaxHeaderBytes: maxHeader,
		ConnState:      l.pending.state,
		ErrorLog:       log.New(errorLog{s.log}, "", 0),
		TLSNextProto:   map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	l.entrance = &entrance{Listener: newAcceptor(socket, spec.Socket, s.log), headless: l.headless}
	l.entrance.on.Store(on)
	go func() {
		defer close(l.ended)
		if err := l.server.Serve(l.entrance); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("a listener ended by itself", zap.String("address", l.address), zap.Error(err))
		}
	}()
	return l, nil
}

func timeoutOf(spec flow.ListenSpec) time.Duration {
	if spec.Timeout <= 0 {
		return defaultTimeout
	}
	return spec.Timeout
}

// close cuts what is not hijacked and waits for the accept loop.
func (l *listener) close() {
	_ = l.server.Close() // of a socket that is given up either way
	_ = l.socket.Close() // the server has closed it, unless it had not begun to serve
	<-l.ended
}

// handlers returns those of the present routes.
func (l *listener) handlers() (all []http.Handler) {
	l.set.mu.Lock()
	defer l.set.mu.Unlock()
	for _, r := range l.routes {
		all = append(all, r.handler)
	}
	return all
}

func (l *listener) empty() bool { return len(l.routes) == 0 }

// all reports whether all routes are of such owners.
func (l *listener) all(such func(owner any) bool) bool {
	return !slices.ContainsFunc(l.routes, func(r *Route) bool { return !such(r.owner) })
}

// serve makes routes those that are served, by mux.
func (l *listener) serve(routes []*Route, mux *http.ServeMux) {
	l.routes = routes
	most := 0
	for _, r := range routes {
		most = max(most, r.handshakes)
	}
	l.pending.bound(most)
	l.now.Store(&generation{mux: mux})
}

// muxOf leads to each of several routes.
func muxOf(routes []*Route) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	for _, r := range routes {
		if err := register(mux, r.path, r.handler); err != nil {
			return nil, err
		}
	}
	return mux, nil
}

// request returns what serves one more request, which calls done when it has
// been served.
func (l *listener) request() (mux *http.ServeMux, done func()) {
	for {
		g := l.now.Load()
		g.active.Add(1)
		done := func() { g.active.Add(-1) }
		if l.now.Load() == g {
			return g.mux, done
		}
		done() // who has replaced it may not have seen this request
	}
}

// ServeHTTP passes a request to the route of its path.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if all := l.set.held.Load(); all != nil {
		select {
		case <-*all:
		case <-r.Context().Done():
			return
		}
	}
	if l.set.draining.Load() {
		w.Header().Set("Retry-After", retryAfter)
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	mux, done := l.request()
	defer done()
	if _, found := mux.Handler(r); found == "" {
		refuse(w, http.StatusNotFound)
		return
	}
	mux.ServeHTTP(w, r)
}

// refuse answers in a way that leaves the client nothing to hold on to.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close")
	http.Error(w, http.StatusText(status), status)
}
