package access

import (
	"net/http"
	"net/netip"
	"strings"
)

// proxies are those who may say on whose behalf they connect.
type proxies struct {
	trusted []netip.Prefix
	field   string // the only one that counts; "" for either
}

func (c *Config) proxies() proxies { return proxies{c.networks(), c.ProxyHeader} }

// ProxyNetworks are those from which each connection begins with a header of the
// PROXY protocol, for flow.ListenSpec; nil where none does.
func (c *Config) ProxyNetworks() []netip.Prefix {
	if !c.ProxyProtocol {
		return nil
	}
	return c.networks()
}

// networks are the trusted proxies' networks.
func (c *Config) networks() []netip.Prefix {
	var list []netip.Prefix
	for _, n := range c.TrustedProxies {
		list = append(list, n.Prefix)
	}
	return list
}

func (p *proxies) trusts(a netip.Addr) bool {
	for _, n := range p.trusted {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// client is the address that a request really comes from. Each proxy adds the
// address that it was called from at the right, so that the field is read from
// there: as long as an address is that of a trusted proxy, what it added counts
// and the next one to the left is believed. What stands further left anybody
// may have written.
func (p *proxies) client(r *http.Request) (netip.AddrPort, *Refusal) {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return addr, nil // of no network: a unix socket, a test
	}
	addr = plain(addr)
	if !p.trusts(addr.Addr()) {
		return addr, nil
	}
	x, forwarded := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	switch {
	case p.field == "X-Forwarded-For", p.field == "" && len(forwarded) == 0:
		return p.follow(addr, x, lastOfList), nil
	case p.field == "Forwarded", len(x) == 0:
		return p.follow(addr, forwarded, lastForwarded), nil
	}
	one, two := p.follow(addr, x, lastOfList), p.follow(addr, forwarded, lastForwarded)
	if one.Addr() != two.Addr() {
		// One of them the proxy has written, the other one came with the
		// request: nobody knows which.
		return addr, &Refusal{
			Status: http.StatusBadRequest, Code: "forwarding_ambiguous",
			Message: "X-Forwarded-For and Forwarded disagree",
			Reason:  "X-Forwarded-For and Forwarded disagree: proxy_header says which one the proxies write",
		}
	}
	return one, nil
}

// follow goes from addr to the left through the lines of a field. last takes
// the last element from a line.
func (p *proxies) follow(addr netip.AddrPort, lines []string, last func(line string) (rest, node string)) netip.AddrPort {
	for i := len(lines) - 1; i >= 0; i-- {
		for line := lines[i]; line != ""; {
			var node string
			line, node = last(line)
			if node == "" {
				continue // an empty element of a list
			}
			if !p.trusts(addr.Addr()) {
				return addr
			}
			next, ok := parseNode(node)
			if !ok {
				return addr // hidden, or broken: the proxy is the last one known
			}
			addr = next
		}
	}
	return addr
}

func lastOfList(line string) (rest, node string) {
	i := strings.LastIndexByte(line, ',')
	return line[:max(i, 0)], strings.TrimSpace(line[i+1:])
}

// parseNode reads an address as proxies spell it: with or without a port, IPv6
// with or without brackets.
func parseNode(s string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return plain(netip.AddrPortFrom(a, 0)), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		a, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return plain(netip.AddrPortFrom(a, 0)), err == nil && a.Is6()
	}
	host, port := splitPort(s)
	if a, err := netip.ParseAddrPort(s); err == nil {
		return plain(a), true
	}
	if strings.HasPrefix(port, "_") { // RFC 7239 section 6.3: an obfuscated port
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return plain(netip.AddrPortFrom(a, 0)), err == nil
	}
	return netip.AddrPort{}, false
}

// plain spells an address in one way: IPv4 as such, and without a zone.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
