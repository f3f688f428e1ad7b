package listen

import (
	"crypto/tls"
	"errors"
	"log"
	"maps"
	"net"
	"net/http"
	"net/netip"
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
	set     *Set
	address string
	tls     *flow.TLSServer
	proxies []netip.Prefix
	timeout time.Duration
	socket  net.Listener
	server  http.Server
	ended   chan struct{} // closed when the accept loop is over

	headlessCount atomic.Int64 // connections that nobody wanted
	headlessTold  atomic.Int64 // when that was last warned of, unix nanoseconds

	routes map[string]http.Handler
	mux    atomic.Pointer[http.ServeMux] // of routes, replaced as a whole
}

// open binds the address and starts to serve its first route: who connects at
// once must find that.
func open(s *Set, spec flow.ListenSpec, path string, h http.Handler) (*listener, error) {
	l := &listener{
		set:     s,
		address: spec.Address,
		tls:     spec.TLS,
		proxies: spec.Proxies,
		timeout: spec.Timeout,
		ended:   make(chan struct{}),
		routes:  map[string]http.Handler{},
	}
	if l.timeout <= 0 {
		l.timeout = defaultTimeout
	}
	var certs *certificates
	if spec.TLS != nil {
		var err error
		if certs, err = newCertificates(spec.TLS, s.log); err != nil {
			return nil, err
		}
	}
	if err := l.add(path, h); err != nil {
		return nil, err
	}
	socket, err := bind(spec)
	if err != nil {
		return nil, err
	}
	l.socket = socket
	l.server = http.Server{
		Handler:           l,
		ReadHeaderTimeout: l.timeout, // of the TLS handshake, too
		IdleTimeout:       l.timeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(errorLog{s.log}, "", 0),
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	var accepting net.Listener = newAcceptor(socket, spec.Socket, s.log)
	if spec.Proxies != nil {
		accepting = &proxyListener{accepting, spec.Proxies, l.timeout, s.log}
	}
	if certs != nil {
		accepting = tls.NewListener(accepting, certs.server())
	} else {
		accepting = &headlessListener{accepting, l.headless}
	}
	go func() {
		defer close(l.ended)
		if err := l.server.Serve(accepting); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("a listener ended by itself", zap.String("address", l.address), zap.Error(err))
		}
	}()
	return l, nil
}

// close cuts what is not hijacked and waits for the accept loop.
func (l *listener) close() {
	_ = l.server.Close() // of a socket that is given up either way
	_ = l.socket.Close() // the server has closed it, unless it had not begun to serve
	<-l.ended
}

// handlers returns those of the present routes.
func (l *listener) handlers() []http.Handler {
	l.set.mu.Lock()
	defer l.set.mu.Unlock()
	return slices.Collect(maps.Values(l.routes))
}

func (l *listener) empty() bool { return len(l.routes) == 0 }

func (l *listener) add(path string, h http.Handler) error {
	mux := http.NewServeMux()
	for p, h := range l.routes {
		if err := register(mux, p, h); err != nil {
			return err
		}
	}
	if err := register(mux, path, h); err != nil {
		return err
	}
	l.routes[path] = h
	l.mux.Store(mux)
	return nil
}

func (l *listener) remove(path string) {
	delete(l.routes, path)
	mux := http.NewServeMux()
	for p, h := range l.routes {
		_ = register(mux, p, h) // they agreed before
	}
	l.mux.Store(mux)
}

// ServeHTTP passes a request to the route of its path.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.set.draining.Load() {
		w.Header().Set("Retry-After", retryAfter)
		l.refuse(w, http.StatusServiceUnavailable)
		return
	}
	mux := l.mux.Load()
	if _, found := mux.Handler(r); found == "" {
		l.refuse(w, http.StatusNotFound)
		return
	}
	mux.ServeHTTP(w, r)
}

// refuse answers in a way that leaves the client nothing to hold on to.
func (l *listener) refuse(w http.ResponseWriter, status int) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(l.timeout)) // a body is read at most this long
	w.Header().Set("Connection", "close")
	http.Error(w, http.StatusText(status), status)
}
