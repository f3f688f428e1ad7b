package access

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// retryAfter is when a client that found no room may come again. Nobody knows
// when somebody will leave; it keeps clients from asking all the time.
const retryAfter = 5 * time.Second

// counts knows how many visitors there are. Its tables hold who has an open
// connection, and nobody else.
type counts struct {
	Limits
	mu    sync.Mutex
	all   int
	byIP  map[netip.Prefix]int
	byWho map[string]int
}

func newCounts(l Limits) *counts {
	return &counts{Limits: l, byIP: map[netip.Prefix]int{}, byWho: map[string]int{}}
}

// enter counts one more visitor from a range of addresses.
func (c *counts) enter(from netip.Prefix) *Refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.MaxConnections > 0 && c.all >= c.MaxConnections {
		return full(http.StatusServiceUnavailable, "too_many_connections", "there are too many connections", "max_connections is reached")
	}
	if c.MaxConnectionsPerIP > 0 {
		if c.byIP[from] >= c.MaxConnectionsPerIP {
			return full(http.StatusTooManyRequests, "too_many_connections_from_address", "there are too many connections from your address", "max_connections_per_ip is reached")
		}
		c.byIP[from]++
	}
	c.all++
	return nil
}

// enterAs counts a visitor who has come in under his name, when he has one.
func (c *counts) enterAs(name string) *Refusal {
	if c.MaxConnectionsPerIdentity == 0 || name == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byWho[name] >= c.MaxConnectionsPerIdentity {
		return full(http.StatusTooManyRequests, "too_many_connections_of_identity", "there are too many connections with your credentials", "max_connections_per_identity is reached")
	}
	c.byWho[name]++
	return nil
}

// leave undoes enter and, for a name, enterAs.
func (c *counts) leave(from netip.Prefix, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	decrease(c.byIP, from)
	decrease(c.byWho, name)
}

func decrease[K comparable](m map[K]int, key K) {
	switch n := m[key]; {
	case n > 1:
		m[key] = n - 1
	case n == 1:
		delete(m, key)
	}
}

// block is the range of addresses that counts as one with addr.
func (c *counts) block(addr netip.Addr) netip.Prefix {
	if c.MaxConnectionsPerIP == 0 {
		return netip.Prefix{} // it is not asked for
	}
	bits := addr.BitLen()
	if addr.Is6() && c.IPv6Prefix > 0 {
		bits = c.IPv6Prefix
	}
	p, _ := addr.Prefix(bits) // not more bits than it has
	return p
}

func full(status int, code, message, reason string) *Refusal {
	return &Refusal{Status: status, Code: code, Message: message, Reason: reason, RetryAfter: retryAfter}
}
