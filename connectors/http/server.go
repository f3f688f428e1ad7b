package http

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/goodbye"
)

// server is the connector http_server.
type server struct {
	config      *ServerConfig
	gate        *access.Gate
	routes      []*route
	headers     http.Header // of every answer
	contentType []string    // of an answer when the flow says none
	host        flow.Host
	stop        func() // ends the routes
	running     chan struct{}

	mu     sync.Mutex
	begun  int                 // requests and streams that have not ended
	coming int                 // those of them that may still be announced
	busy   map[served]struct{} // those of them that have been let in
	ending chan struct{}       // closed when the server ends
	ended  bool
	empty  chan struct{} // closed when the last has gone; nil before the end
}

// served is a request or a stream.
type served interface {
	// abandon cuts it. It returns at once and may be called from any goroutine.
	abandon()
}

func newServer(c *ServerConfig, gate *access.Gate, routes []*route) *server {
	s := &server{config: c, gate: gate, routes: routes, headers: http.Header{}, running: make(chan struct{})}
	for name, value := range c.Headers {
		s.headers.Set(name, value)
	}
	for _, r := range routes {
		r.server = s
	}
	return s
}

// Prepare implements flow.Preparer: it listens.
func (s *server) Prepare(_ context.Context, host flow.Host) error {
	s.mu.Lock()
	s.host, s.ended, s.empty = host, false, nil
	s.busy, s.ending, s.running = map[served]struct{}{}, make(chan struct{}), make(chan struct{})
	s.contentType = []string{host.MediaType()}
	s.mu.Unlock()
	stops := []func(){s.gate.Open(host.Log())}
	stop := func() {
		for i := len(stops) - 1; i >= 0; i-- {
			stops[i]()
		}
	}
	for _, r := range s.routes {
		stopRoute, err := host.Handle(s.listen(r), r)
		if err != nil {
			stop()
			return err
		}
		stops = append(stops, stopRoute)
	}
	s.stop = sync.OnceFunc(stop)
	return nil
}

func (s *server) listen(r *route) flow.ListenSpec {
	spec := flow.ListenSpec{
		Scheme:     "http",
		Address:    s.config.address().Addr(),
		Path:       r.path,
		Methods:    r.methods,
		TLS:        s.config.TLS,
		Socket:     s.config.Socket,
		Backlog:    s.config.Backlog,
		Timeout:    time.Duration(s.config.ConnectTimeout),
		Proxies:    s.config.ProxyNetworks(),
		Handshakes: s.config.Limits.MaxHandshakes,
	}
	if s.config.TLS != nil {
		spec.Scheme = "https"
	}
	return spec
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
	done := ctx.Done()
	var (
		beats    <-chan time.Time // when streams are looked at
		goodbyes *goodbye.Round[*stream]
		turn     <-chan time.Time // of the next stream that is told goodbye
		empty    <-chan struct{}
	)
	if s.config.SSE != nil {
		tick := time.NewTicker(max(s.heartbeat()/4, time.Millisecond))
		defer tick.Stop()
		beats = tick.C
	}
	for {
		select {
		case now := <-beats:
			s.beat(now)
		case <-done:
			goodbyes, empty = s.end(host.Farewell())
			done, turn = nil, time.After(0)
		case now := <-turn:
			if wait := goodbyes.Say(now); wait > 0 {
				turn = time.After(wait)
			}
		case <-empty:
			return nil
		}
	}
}

func (s *server) heartbeat() time.Duration {
	return cmp.Or(time.Duration(s.config.SSE.Heartbeat), defaultHeartbeat)
}

// end lets no request begin from now on. It returns the goodbyes to the streams, and
// a channel that is closed when all has ended. The listener stays until then, to
// answer who comes late; where other processes share the address, they have it from
// now on.
func (s *server) end(why flow.Farewell) (*goodbye.Round[*stream], <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	close(s.ending)
	s.shut()
	var streams []*stream
	for b := range s.busy {
		if st, ok := b.(*stream); ok {
			streams = append(streams, st)
		}
	}
	g := goodbye.New(why.Spread, streams, func(st *stream) {
		st.part(parting{message: why.Message, settle: true, counts: flow.EndedDrain})
	})
	if s.config.Socket.ReusePort {
		go s.stop() // which waits for nobody, but for other locks
	}
	s.empty = make(chan struct{})
	if s.begun == 0 {
		close(s.empty)
	}
	return g, s.empty
}

// shut tells the host that nobody comes any more, once that is so. The caller holds mu.
func (s *server) shut() {
	if s.ended && s.coming == 0 {
		s.host.Shut()
	}
}

// announced says that what has begun has been, or will not be. It is called once for
// each, before leave.
func (s *server) announced() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.coming--
	s.shut()
}

func (s *server) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.busy {
		b.abandon()
	}
}

// Begin implements flow.Answerer.
func (r *route) Begin() bool { return r.server.begin() }

func (s *server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.begun++
	s.coming++
	return true
}

// enter notes what is being served, and reports whether the server is ending.
func (s *server) enter(b served) (ending bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy[b] = struct{}{}
	if s.host.Abandon().Err() != nil {
		b.abandon()
	}
	return s.ended
}

// turnAway ends what has begun and is not announced.
func (s *server) turnAway() {
	s.announced()
	s.leave(nil)
}

// leave undoes begin, and enter where b is not nil.
func (s *server) leave(b served) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b != nil {
		delete(s.busy, b)
	}
	if s.begun--; s.begun == 0 && s.empty != nil {
		close(s.empty)
	}
}

func (s *server) isEnding() bool {
	select {
	case <-s.ending:
		return true
	default:
		return false
	}
}
