package listen

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// Set holds the listeners of a process. Its methods may be called from any
// goroutine.
type Set struct {
	log      *zap.Logger
	draining atomic.Bool
	held     atomic.Pointer[chan struct{}] // closed when requests are served; nil when they are

	mu        sync.Mutex
	listeners map[*listener]struct{}
	byAddress map[string]*listener // as the flow writes it, port 0 aside
	byPackets map[string]*packets
	taken     map[string]string // see Taken
}

// New returns an empty set. What strangers do wrong is logged with the same
// few messages; log should limit how often.
func New(log *zap.Logger) *Set {
	return &Set{log: log, listeners: map[*listener]struct{}{}, byAddress: map[string]*listener{}, byPackets: map[string]*packets{}, taken: map[string]string{}}
}

// Route is one handler on one listener.
type Route struct {
	set      *Set
	owner    any
	listener *listener
	patterns []string // of net/http
	handler  http.Handler
	take     func(net.Conn) // takes all connections of its address; then it has no patterns and no handler
	once     sync.Once

	packets *packets     // of a route for datagrams, which has no listener
	copied  *net.UDPConn // the owner's copy of its socket

	handshakes int // of its spec
}

// Addr is the address that the listener is bound to: "127.0.0.1:4242".
func (r *Route) Addr() string {
	if r.copied != nil {
		return r.copied.LocalAddr().String()
	}
	return r.listener.socket.Addr().String()
}

// Close ends the route. The listener closes with its last route, and has
// closed when Close returns. It may be called more than once.
func (r *Route) Close() {
	r.once.Do(func() { r.set.remove(r) })
}

// Handle serves requests for spec's path with h, on behalf of owner, binding the
// address when spec's is the first route there. It returns when requests can
// arrive. The error says what cannot be had and what to do about it.
func (s *Set) Handle(owner any, spec flow.ListenSpec, h http.Handler) (*Route, error) {
	route, err := s.route(owner, spec, h)
	if err != nil {
		return nil, err
	}
	return s.add(route, spec)
}

// Accept is Handle for who takes the connections themselves, all of the address.
func (s *Set) Accept(owner any, spec flow.ListenSpec, take func(net.Conn)) (*Route, error) {
	return s.add(&Route{set: s, owner: owner, take: take}, spec)
}

func (s *Set) add(route *Route, spec flow.ListenSpec) (*Route, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return nil, fmt.Errorf("listen %s: the process is about to end", spec.Address)
	}
	if s.byAddress[spec.Address] == nil {
		return route, s.open(route, spec, func(any) bool { return false })
	}
	l := s.byAddress[spec.Address]
	if err := l.entrance.on.Load().agree(spec, route.take != nil); err != nil {
		return nil, err
	}
	routes := append(slices.Clone(l.routes), route)
	mux, err := muxOf(routes)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", spec.Address, err)
	}
	route.listener = l
	l.serve(routes, mux)
	return route, nil
}

func (s *Set) route(owner any, spec flow.ListenSpec, h http.Handler) (*Route, error) {
	path, err := pattern(spec.Path)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", spec.Address, err)
	}
	r := &Route{set: s, owner: owner, handler: h, handshakes: spec.Handshakes}
	for _, method := range spec.Methods {
		r.patterns = append(r.patterns, method+" "+path)
	}
	if spec.Methods == nil {
		r.patterns = []string{path}
	}
	return r, nil
}

// open binds an address for its first route. leaves tells whose routes are about
// to go. The caller holds mu.
func (s *Set) open(route *Route, spec flow.ListenSpec, leaves func(owner any) bool) error {
	l, err := open(s, spec, route)
	if err != nil {
		return s.ours(spec.Address, fmt.Errorf("listen %s: %w", spec.Address, err), leaves)
	}
	route.listener = l
	s.listeners[l] = struct{}{}
	if _, port, _ := net.SplitHostPort(spec.Address); port != "0" {
		s.byAddress[spec.Address] = l
	}
	return nil
}

// ours adds to the error of an address in use that it may be another spelling
// of one that is in use here: localhost:80 and 127.0.0.1:80. Nothing can be handed
// over between these. The caller holds mu.
func (s *Set) ours(wanted string, err error, leaves func(owner any) bool) error {
	_, port, _ := net.SplitHostPort(wanted)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	for address, by := range s.taken {
		if _, p, _ := net.SplitHostPort(address); p == port {
			return fmt.Errorf("listen %s: %s of this process listens on %s, and shares the port with no connector: choose another one", wanted, by, address)
		}
	}
	for l := range s.listeners {
		_, p, _ := net.SplitHostPort(l.socket.Addr().String())
		switch {
		case p != port:
		case l.all(leaves):
			return fmt.Errorf("%w; %s, which is about to be left, is not free yet: keep to its spelling, or go by way of another port", err, l.address)
		default:
			return fmt.Errorf("%w; another connector of this process listens on %s: to share it, write the address in the same way", err, l.address)
		}
	}
	return err
}

// Taken says that somebody else in this process, who shares nothing, listens at an
// address.
func (s *Set) Taken(address, by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[address] = by
}

// Hold makes requests wait until release is called, when all routes are there:
// who asks for the second one on an address finds it, too.
func (s *Set) Hold() (release func()) {
	all := make(chan struct{})
	s.held.Store(&all)
	return sync.OnceFunc(func() {
		s.held.Store(nil)
		close(all)
	})
}

// Drain answers requests that are not served yet with 503 from now on, and
// refuses new routes. The listeners stay until their routes are closed, but where
// other processes may share the address: they have it from now on, and who has come
// here before is still served.
func (s *Set) Drain() {
	var shared []*listener
	s.mu.Lock()
	for l := range s.listeners {
		if l.shared {
			shared = append(shared, l)
		}
	}
	s.mu.Unlock()
	for _, l := range shared {
		l.leave()
	}
	for _, l := range shared {
		l.pending.awaitRequests(lastRequests)
	}
	s.draining.Store(true)
}

// Close closes all listeners, whatever routes they still have. Closing those
// routes later does nothing.
func (s *Set) Close() {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.listeners {
		l.close()
	}
	for _, p := range s.byPackets {
		_ = p.socket.Close() // nobody reads it; its owners close their copies
	}
	clear(s.listeners)
	clear(s.byAddress)
	clear(s.byPackets)
}

// remove ends a route, which may have been replaced.
func (s *Set) remove(r *Route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.packets != nil {
		_ = r.copied.Close() // what comes is another's
		s.release(r.packets, r.owner)
		return
	}
	l := r.listener
	if l == nil { // of a change that has not come to it
		return
	}
	if _, open := s.listeners[l]; !open {
		return
	}
	if slices.Contains(l.routes, r) {
		routes := slices.DeleteFunc(slices.Clone(l.routes), func(other *Route) bool { return other == r })
		mux, _ := muxOf(routes) // they agreed before
		l.serve(routes, mux)
	}
	s.closeEmpty(l)
}

// closeEmpty closes a listener that no route is left on. The caller holds mu.
func (s *Set) closeEmpty(l *listener) {
	if !l.empty() {
		return
	}
	l.close()
	delete(s.listeners, l)
	if s.byAddress[l.address] == l {
		delete(s.byAddress, l.address)
	}
}

// exactly ends a pattern that is for its path alone.
const exactly = "{$}"

// pattern spells a path for http.ServeMux, where one that ends in a slash
// would mean all below it.
func pattern(path string) (string, error) {
	if path == "" {
		path = "/"
	}
	if path[0] != '/' {
		return "", fmt.Errorf("path %q: a path starts with a slash", path)
	}
	if strings.ContainsAny(path, " \t") {
		return "", fmt.Errorf("path %q: a path has no spaces, write %%20", path)
	}
	if strings.HasSuffix(path, "/") {
		path += exactly
	}
	return path, check(path)
}

// check reports what http.ServeMux dislikes about a pattern, by panicking.
func check(pattern string) error {
	return register(http.NewServeMux(), pattern, http.NotFoundHandler())
}

func register(mux *http.ServeMux, pattern string, h http.Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			text := fmt.Sprint(p)
			if strings.Contains(text, "conflicts with pattern") {
				err = fmt.Errorf("path %s is taken, or as good as taken, by another connector on this address: choose another path or port", strings.TrimSuffix(pattern, exactly))
				return
			}
			err = errors.New(strings.TrimPrefix(text, "http: "))
		}
	}()
	mux.Handle(pattern, h)
	return nil
}
