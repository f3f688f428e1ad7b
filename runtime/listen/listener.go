package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/tcp"
	"go.uber.org/zap"
)

const (
	maxHeader      = 64 << 10
	defaultTimeout = 10 * time.Second
	// retryAfter is when a client that came too late is to come again, in
	// seconds: a load balancer, or what is started next, has another server for
	// it.
	retryAfter = "1"
	// lastAnswers is how long a listener that closes lets net/http send what the
	// handlers, which have ended, have left in its buffers.
	lastAnswers = 250 * time.Millisecond
	// lastRequests is how long a listener that others share the address of waits for
	// the requests of those that it was given.
	lastRequests = 50 * time.Millisecond
)

// listener is one address: its socket, its server, its routes. Its set's mu
// guards what changes.
type listener struct {
	set      *Set
	address  string
	timeout  time.Duration
	socket   net.Listener
	server   http.Server
	shared   bool // the address may be that of other processes, too
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
	take   func(net.Conn) // instead of mux
	active atomic.Int64   // requests that are being served by it
}

// open binds the address and starts to serve its first route: who connects at
// once must find that.
func open(s *Set, spec flow.ListenSpec, first *Route) (*listener, error) {
	l := &listener{
		set:     s,
		address: spec.Address,
		timeout: timeoutOf(spec),
		shared:  spec.Socket.ReusePort,
		pending: newPending(spec.Address, s.log),
		ended:   make(chan struct{}),
	}
	on, err := termsOf(spec, first.take != nil, s.log)
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
		ReadTimeout:    l.timeout, // of the TLS handshake, and of each request to the end of its body, too, unless a handler sets its own
		WriteTimeout:   l.timeout, // of an answer, likewise; not of a handshake's
		IdleTimeout:    l.timeout,
		MaxHeaderBytes: maxHeader,
		ConnState:      l.pending.state,
		ConnContext:    l.pending.enter,
		ErrorLog:       log.New(errorLog{s.log}, "", 0),
		TLSNextProto:   map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	l.entrance = &entrance{Listener: newAcceptor(socket, spec.Socket, s.log), whole: l.whole, headless: l.headless}
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

// leave takes no more connections. Those that it has are served, but for those that
// wait for a next request.
func (l *listener) leave() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // it is not to wait for those
	_ = l.server.Shutdown(ctx)
}

// close cuts what is not hijacked and waits for the accept loop. What handlers
// have answered is sent before.
func (l *listener) close() {
	l.pending.await(lastAnswers)
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
	next := &generation{mux: mux}
	for _, r := range routes {
		most = max(most, r.handshakes)
		next.take = r.take // there is no other route then: see agree
	}
	l.pending.bound(most)
	l.now.Store(next)
}

// whole gives a connection to who takes it as it is, and reports whether there is
// somebody who does.
func (l *listener) whole(conn net.Conn) bool {
	g := l.request()
	defer g.active.Add(-1)
	switch {
	case g.take == nil:
		return false
	case l.set.draining.Load():
		tcp.Reset(conn)
	default:
		g.take(conn)
	}
	return true
}

// muxOf leads to each of several routes.
func muxOf(routes []*Route) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	for _, r := range routes {
		for _, pattern := range r.patterns {
			if err := register(mux, pattern, r.handler); err != nil {
				return nil, err
			}
		}
	}
	return mux, nil
}

// request returns what serves one more request, which is counted as active.
func (l *listener) request() *generation {
	for {
		g := l.now.Load()
		g.active.Add(1)
		if l.now.Load() == g {
			return g
		}
		g.active.Add(-1) // who has replaced it may not have seen this request
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
		refuseLate(w)
		return
	}
	g := l.request()
	h, found := g.mux.Handler(r)
	if found == "" {
		h = l.unrouted(g, w, r, h)
	}
	if a, ok := h.(flow.Answerer); ok {
		began := a.Begin()
		g.active.Add(-1) // from now on it is the handler's
		if !began {
			refuseLate(w)
			return
		}
		l.pending.serves(r)
	} else {
		defer g.active.Add(-1)
		// The time would run while it is found out who the client is, and the answer,
		// which is short, would come too late for it.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // of a broken connection, its reader tells
	}
	switch {
	case h == nil:
	case strings.Contains(strings.TrimSuffix(found, exactly), "{"):
		g.mux.ServeHTTP(w, r) // which makes the parameters
	default:
		h.ServeHTTP(w, r)
	}
}

// unrouted answers a request that no route is for; none is what net/http would
// do. OPTIONS is answered with the methods of the path, or, when a browser asks
// whether a page may use one of them, by the handler of that one, which is
// returned.
func (l *listener) unrouted(g *generation, w http.ResponseWriter, r *http.Request, none http.Handler) http.Handler {
	if wanted := r.Header.Get("Access-Control-Request-Method"); r.Method == http.MethodOptions && wanted != "" {
		asked := *r
		asked.Method = wanted
		if h, found := g.mux.Handler(&asked); found != "" {
			if _, ok := h.(flow.Answerer); ok {
				return h
			}
		}
	}
	look := probe{http.Header{}}
	none.ServeHTTP(look, r)
	allow := look.Header().Get("Allow")
	switch {
	case allow == "":
		refuse(w, http.StatusNotFound)
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", allow+", OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", allow+", OPTIONS")
		refuse(w, http.StatusMethodNotAllowed)
	}
	return nil
}

// probe is where a handler writes that is only asked what it would say.
type probe struct{ header http.Header }

func (p probe) Header() http.Header            { return p.header }
func (p probe) Write(text []byte) (int, error) { return len(text), nil }
func (p probe) WriteHeader(int)                {}

// refuseLate answers who came when nobody is served any more.
func refuseLate(w http.ResponseWriter) {
	w.Header().Set("Retry-After", retryAfter)
	refuse(w, http.StatusServiceUnavailable)
}

// refuse answers in a way that leaves the client nothing to hold on to.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close")
	http.Error(w, http.StatusText(status), status)
}
