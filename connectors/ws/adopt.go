package ws

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Headless are the arguments about connections without a handshake.
type Headless struct {
	Adopt       bool             `hcl:"adopt_headless" doc:"takes connections that begin with WebSocket frames instead of a handshake, as Fluent Bit makes them when its connection was closed; not over TLS. With auth, only from an address of which a client has authenticated itself lately. They have neither headers nor claims. Without it, such connections are closed, counted and warned of"`
	AdoptWithin setting.Duration `hcl:"adopt_within" min:"1ms" doc:"with adopt_headless and auth: how long ago the last connection of an authenticated client may have ended; 1h when not given"`
	AdoptMost   int              `hcl:"adopt_max_addresses" min:"1" doc:"with adopt_headless and auth: addresses that are remembered; when there are more, the one that was there longest ago is forgotten. 10000 when not given"`
}

// Defaults of what only adopt_headless needs.
const (
	defaultAdoptWithin = time.Hour
	defaultAdoptMost   = 10_000
)

func (c *Headless) check(withTLS bool) error {
	refuse := func(field, text string) error {
		return &setting.Error{Field: field, Err: errors.New(text)}
	}
	switch {
	case c.Adopt && withTLS:
		return refuse("adopt_headless", "adopt_headless cannot be had with tls: what comes without a handshake cannot be told from it")
	case !c.Adopt && c.AdoptWithin != 0:
		return refuse("adopt_within", "adopt_within needs adopt_headless = true")
	case !c.Adopt && c.AdoptMost != 0:
		return refuse("adopt_max_addresses", "adopt_max_addresses needs adopt_headless = true")
	}
	return nil
}

// lately remembers, for a time and up to a number, which addresses had
// authenticated clients. nil remembers nothing.
type lately struct {
	within time.Duration
	most   int

	mu   sync.Mutex
	here map[netip.Addr]int       // open connections
	left map[netip.Addr]time.Time // when the last one ended
}

func newLately(c *Headless) *lately {
	return &lately{
		within: cmp.Or(time.Duration(c.AdoptWithin), defaultAdoptWithin),
		most:   cmp.Or(c.AdoptMost, defaultAdoptMost),
		here:   map[netip.Addr]int{},
		left:   map[netip.Addr]time.Time{},
	}
}

func (l *lately) came(a netip.Addr) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.here[a]++
}

func (l *lately) went(a netip.Addr, now time.Time) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.here[a]--; l.here[a] == 0 {
		delete(l.here, a)
	}
	if _, known := l.left[a]; !known && len(l.left) >= l.most {
		l.forget()
	}
	l.left[a] = now
}

// forget makes room: for addresses that have left too long ago, and at least
// for one.
func (l *lately) forget() {
	var first netip.Addr
	for a, at := range l.left {
		if !first.IsValid() || at.Before(l.left[first]) {
			first = a
		}
	}
	delete(l.left, first)
}

func (l *lately) knows(a netip.Addr, now time.Time) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.left[a]
	return l.here[a] > 0 || ok && now.Sub(at) <= l.within
}

// enter is called when a client is in that was let in.
func (s *server) enter(v *access.Visitor) {
	if v.Claims != nil {
		s.lately.came(v.Addr.Addr())
	}
}

// leave is called when the connection of a client has ended.
func (s *server) leave(v *access.Visitor) {
	if v.Claims != nil {
		s.lately.went(v.Addr.Addr(), time.Now())
	}
	v.Leave()
}

// Adopt implements flow.Adopter.
func (s *server) Adopt(nc net.Conn, already []byte) bool {
	tcp, ok := nc.RemoteAddr().(*net.TCPAddr)
	if !ok || !s.config.Adopt {
		return false
	}
	select {
	case <-s.running:
	case <-time.After(time.Duration(s.config.ConnectTimeout)):
		return false
	}
	if !s.begins() {
		return false
	}
	defer s.handshakes.Done()
	at := tcp.AddrPort()
	at = netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
	if !s.gate.Anonymous() && !s.lately.knows(at.Addr(), time.Now()) {
		return false
	}
	visitor, refusal := s.gate.Adopt(at)
	if refusal != nil {
		s.refused(at.String(), refusal)
		return false
	}
	peer := flow.Peer{Host: at.Addr().String(), Port: int(at.Port()), Path: s.config.path()}
	s.host.Log().Info("a connection without a handshake is taken", zap.String("peer", peer.Addr()))
	c := socket.New(nc, already, s.group)
	s.add(c)
	go s.serve(c, peer, visitor)
	return true
}
