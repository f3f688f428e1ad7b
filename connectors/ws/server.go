package ws

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/goodbye"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
	"go.uber.org/zap"
)

// ServerConfig is the configuration of ws_server.
type ServerConfig struct {
	URL     endpoint.URL          `hcl:"url" required:"true" doc:"where to listen: \"host:port\", \"ws://host:port/path\" or \"wss://…\". The path is exact and may hold parameters: \"/rooms/{id}\" gives peer.params.id"`
	TLS     *setting.TLSServer    `hcl:"tls" doc:"certificate and key; needs wss or no scheme"`
	Backlog int                   `hcl:"backlog" min:"0" doc:"connections that may wait to be accepted; 0 for the system's default"`
	Socket  setting.SocketOptions `hcl:"socket_options" doc:"TCP options"`
	Headers map[string]string     `hcl:"headers" doc:"header fields added to the answer of the handshake"`
	Queue   setting.Queue         `hcl:"queue" doc:"what waits for a client that is not ready to take it. A client's replies to its own messages hold back its own reading instead"`
	Idle    setting.Duration      `hcl:"idle_timeout" min:"10ms" doc:"closes a connection, with 1001, on which no byte has passed in either direction for so long. Pings of this side do not count, their answers do. For ever when not given"`
	AppPing *AppPing              `hcl:"app_ping" doc:"pings that are text messages, as pages send them: a message with just this text is answered, and is no event"`
	Limits  Limits                `hcl:"limits" doc:"how much there may be: of connections, and of what each sends"`
	Headless
	access.Config
	Reject
	Topics  *flow.Topics   `hcl:"topics" doc:"lets clients subscribe to what an edge with deliver = \"topic\" delivers"`
	Session *flow.Sessions `hcl:"sessions" doc:"says whose connection each is, for an edge with deliver = \"identity\", and how many one may have"`
	Life    bool           `hcl:"lifecycle_events" doc:"the opening and the end of each connection leave by out as events: null, with meta.ws_server.event = \"open\" or \"close\", that with code and reason"`
	Common
}

// Shape implements flow.ConnectorConfig.
func (c *ServerConfig) Shape() flow.Shape {
	s := flow.Shape{
		Role: flow.Server, In: true, Out: true, Many: true, Queue: &c.Queue,
		Topics: c.Topics, Sessions: c.Session, Lifecycle: c.Life, Wrote: checkWrote,
		Shares: c.Compression == "no_context_takeover",
	}
	if c.URL.Port != 0 { // port 0 is another one each time
		s.Claims = []flow.Claim{c.Claim(c.address().Addr(), c.path(), "url", c.TLS)}
		if c.Adopt {
			s.Claims = append(s.Claims, flow.Claim{Resource: "listener " + c.address().Addr() + " without a handshake", Field: "adopt_headless"})
		}
	}
	return s
}

// New implements flow.ConnectorConfig.
func (c *ServerConfig) New() (flow.Connector, error) {
	var problems []error
	if err := c.URL.CheckServer("ws", c.TLS != nil); err != nil {
		problems = append(problems, &setting.Error{Field: "url", Err: err})
	}
	if c.TLS != nil {
		if _, err := tlsfiles.Server(c.TLS); err != nil {
			problems = append(problems, inTLS(err))
		}
	}
	for name, value := range c.Headers {
		problems = append(problems, checkHeader(name, value))
	}
	o := socket.Options{Type: "ws_server", IdleTimeout: time.Duration(c.Idle)}
	if c.AppPing != nil {
		var err error
		o.AppPing, err = c.AppPing.options(0, c.MaxMessage)
		problems = append(problems, err)
	}
	rate, rateErr := c.Limits.Rates.options(c.MaxMessage, c.Ping)
	o.Rate = rate
	gate, err := c.Config.New(c.Limits.Limits, c.TLS)
	problems = append(problems, rateErr, err, c.checkSubprotocols(), c.checkCompression(), c.Reject.check(), c.Topics.Check(), c.Session.Check(), c.Headless.check(c.TLS != nil))
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	var lately *lately
	if c.Adopt && !gate.Anonymous() {
		lately = newLately(&c.Headless)
	}
	return &server{
		config:  c,
		gate:    gate,
		group:   socket.NewGroup(c.options(&c.Queue, o)),
		lately:  lately,
		running: make(chan struct{}),
	}, nil
}

// address is the URL with its scheme's port where it names none.
func (c *ServerConfig) address() endpoint.URL {
	if c.TLS != nil {
		return c.URL.OrPort(443)
	}
	return c.URL.OrPort(80)
}

func (c *ServerConfig) path() string {
	if c.URL.Path == "" {
		return "/"
	}
	return c.URL.Path
}

// server is the connector ws_server.
type server struct {
	config  *ServerConfig
	group   *socket.Group
	lately  *lately // with adopt_headless and auth
	gate    *access.Gate
	host    flow.Host
	stop    func() // ends the route
	running chan struct{}
	params  []string      // names in the path
	tooFast atomic.Uint64 // connections closed for what they sent per second
	tooSlow atomic.Uint64 // connections closed for a write that took too long

	mu         sync.Mutex
	last       *socket.Farewell // set when the server ends: what new connections are told
	handshakes sync.WaitGroup   // that may still add a connection
	opening    int              // connections that are still to be announced
	ended      bool             // none will be added any more
}

// Prepare implements flow.Preparer: it listens.
func (s *server) Prepare(_ context.Context, host flow.Host) error {
	s.host, s.last, s.ended = host, nil, false
	s.running = make(chan struct{})
	s.params = endpoint.Params(s.config.path())
	scheme := "ws"
	if s.config.TLS != nil {
		scheme = "wss"
	}
	spec := flow.ListenSpec{
		Scheme:  scheme,
		Address: s.config.address().Addr(),
		Path:    s.config.path(),
		TLS:     s.config.TLS,
		Socket:  s.config.Socket,
		Backlog: s.config.Backlog,
		Proxies: s.config.ProxyNetworks(),
		Timeout: time.Duration(s.config.ConnectTimeout),

		Handshakes: s.config.Limits.MaxHandshakes,
	}
	shut := s.gate.Open(host.Log())
	stop, err := host.Handle(spec, s)
	if err != nil {
		shut()
		return err
	}
	s.stop = sync.OnceFunc(func() {
		stop()
		shut()
	})
	return nil
}

// Release implements flow.Preparer.
func (s *server) Release() {
	if s.stop != nil {
		s.stop()
	}
}

// Run implements flow.Connector.
func (s *server) Run(ctx context.Context, host flow.Host) error {
	close(s.running)
	defer context.AfterFunc(host.Abandon(), s.abandon)()
	goodbye.Await(ctx, func() (*goodbye.Round[*socket.Conn], <-chan struct{}) { return s.end(host.Farewell()) }, s.group.Hurry)
	return nil
}

// farewell is what the close frame says of the runtime's farewell.
func farewell(why flow.Farewell) socket.Farewell {
	return socket.Farewell{Code: why.Code, Reason: why.Reason, Message: why.Message, Settle: true, Why: flow.EndedDrain}
}

// end refuses handshakes from now on, and returns the goodbyes to all
// connections, of which the first has been said. A handshake that has been
// answered becomes a connection first: its client is told goodbye, too. The
// channel is closed when the last connection has gone.
//
// The listener stays until then, to answer who comes late; where other processes
// share the address, they have it from now on.
func (s *server) end(why flow.Farewell) (*goodbye.Round[*socket.Conn], <-chan struct{}) {
	s.mu.Lock()
	last := farewell(why)
	s.last = &last
	g := goodbye.New(why.Spread, s.group.All(nil), func(c *socket.Conn) { c.Part(last) })
	s.mu.Unlock()
	g.Say(time.Now())
	if s.config.Socket.ReusePort {
		s.stop()
	}
	s.handshakes.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.shut()
	return g, s.group.Gone()
}

// shut tells the host that nobody comes any more, once that is so. The caller holds mu.
func (s *server) shut() {
	if s.ended && s.opening == 0 {
		s.host.Shut()
	}
}

// announced says that a connection has been, or is not wanted.
func (s *server) announced() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	s.shut()
}

func (s *server) abandon() {
	for _, c := range s.group.All(nil) {
		c.Abandon()
	}
}

// begins reports whether a handshake may go on; then handshakes.Done is to be
// called after it.
func (s *server) begins() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil {
		return false
	}
	s.handshakes.Add(1)
	return true
}

// add takes a connection in.
func (s *server) add(c *socket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.group.Add(c)
	s.opening++
	if s.last != nil {
		c.Part(*s.last)
	}
}

// ServeHTTP does the handshake and leaves: the connection goes on in a
// goroutine of its own, so that net/http's, with its buffers, can end.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.running:
	case <-r.Context().Done():
		return
	}
	if !s.begins() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer s.handshakes.Done()
	began := time.Now()
	visitor := s.admit(w, r)
	if visitor == nil {
		return
	}
	peer := s.peer(r, visitor)
	if s.occupied(w, r, visitor, &peer) {
		visitor.Leave()
		return
	}
	for name, value := range s.config.Headers {
		w.Header().Set(name, value)
	}
	c, subprotocol, err := socket.Accept(w, r, s.group)
	if err != nil {
		visitor.Leave()
		s.host.Log().Info("handshake refused: it is none of WebSocket", zap.String("peer", r.RemoteAddr), zap.Stringer("client", visitor.Addr),
			zap.String("error", brief(err)))
		return
	}
	shook(s.host, began)
	s.enter(visitor)
	peer.Subprotocol = subprotocol
	s.add(c)
	go s.serve(c, peer, visitor)
}

// brief is what the library says of a handshake, without the half that says who
// says it. It quotes what the client has sent, which may be long.
func brief(err error) string {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	text := err.Error()
	if len(text) > longestQuote {
		text = text[:longestQuote] + "…"
	}
	return text
}

// longestQuote is how much of what a stranger sends the log may hold, in bytes.
const longestQuote = 200

// peer describes who is at the other end. Its strings are copied: the request
// and its buffers go away.
func (s *server) peer(r *http.Request, visitor *access.Visitor) flow.Peer {
	p := flow.Peer{
		TLS:    r.TLS != nil,
		Path:   strings.Clone(r.URL.Path),
		Query:  strings.Clone(r.URL.RawQuery),
		Header: flow.WireHeader(r.Header),
		Claims: visitor.Claims,
	}
	if visitor.Addr.IsValid() {
		p.Host, p.Port = visitor.Addr.Addr().String(), int(visitor.Addr.Port())
	}
	for _, name := range s.params {
		if p.Params == nil {
			p.Params = make(map[string]string, len(s.params))
		}
		p.Params[name] = strings.Clone(r.PathValue(name))
	}
	return p
}
