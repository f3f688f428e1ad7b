package listen

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/flowrun/flowrun/runtime/flow"
)

// packets is a socket for datagrams. Each of its owners has a copy of it, with
// deadlines of its own: while one takes over from another, both read what comes.
type packets struct {
	address string
	socket  *net.UDPConn // read by nobody
	owners  []any
}

// Packets binds an address for datagrams, on behalf of owner; see [Route.Packets].
func (s *Set) Packets(owner any, spec flow.ListenSpec) (*Route, error) {
	return s.packets(owner, spec, func(any) bool { return false })
}

// Packets is Set.Packets; an address of owners who leave is shared with them until
// they close it.
func (c *Change) Packets(owner any, spec flow.ListenSpec) (*Route, error) {
	return c.set.packets(owner, spec, c.leaves)
}

func (s *Set) packets(owner any, spec flow.ListenSpec, leaves func(any) bool) (*Route, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return nil, fmt.Errorf("listen %s: the process is about to end", spec.Address)
	}
	p := s.byPackets[spec.Address]
	switch {
	case p == nil:
		socket, err := bindPackets(spec)
		if err != nil {
			return nil, fmt.Errorf("listen %s: %w", spec.Address, err)
		}
		p = &packets{address: spec.Address, socket: socket}
		if _, port, _ := net.SplitHostPort(spec.Address); port != "0" {
			s.byPackets[spec.Address] = p
		}
	case slices.ContainsFunc(p.owners, func(other any) bool { return !leaves(other) }):
		return nil, fmt.Errorf("listen %s: another connector takes the datagrams that come there: choose another address", spec.Address)
	}
	copied, err := copyOf(p.socket)
	if err != nil {
		s.release(p, nil)
		return nil, fmt.Errorf("listen %s: %w", spec.Address, err)
	}
	p.owners = append(p.owners, owner)
	return &Route{set: s, owner: owner, packets: p, copied: copied}, nil
}

// Packets is the socket of a route for datagrams, which the route's Close closes.
func (r *Route) Packets() *net.UDPConn { return r.copied }

// release ends the use of a socket by one of its owners. The caller holds mu.
func (s *Set) release(p *packets, owner any) {
	if i := slices.Index(p.owners, owner); i >= 0 {
		p.owners = slices.Delete(p.owners, i, i+1)
	}
	if len(p.owners) > 0 {
		return
	}
	_ = p.socket.Close() // nobody reads it
	if s.byPackets[p.address] == p {
		delete(s.byPackets, p.address)
	}
}

func bindPackets(spec flow.ListenSpec) (*net.UDPConn, error) {
	var refused error
	config := net.ListenConfig{Control: before(&refused, func(fd uintptr) error { return setOptions(fd, spec.Socket) })}
	socket, err := config.ListenPacket(context.Background(), "udp", spec.Address)
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, explain(err)
	}
	return socket.(*net.UDPConn), nil
}

func copyOf(socket *net.UDPConn) (*net.UDPConn, error) {
	f, err := socket.File()
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // the copy is another one
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}
